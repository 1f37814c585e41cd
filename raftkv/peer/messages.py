"""What members say to each other besides consensus: forwarded requests, and snapshots in chunks.

Every message names receiver and sender first.
"""

from typing import NamedTuple, TypeAlias

from raftkv.raft.types import Membership


class ForwardProposals(NamedTuple):
    """Commands that a follower's clients sent, once; the origin answers when it applies them."""

    to: int
    sender: int
    term: int
    """The term whose leader this is meant for; a leader of another term ignores it."""
    commands: list[bytes]


class ForwardMembership(NamedTuple):
    """A membership change for the leader: (action, member) pairs, and its command."""

    to: int
    sender: int
    term: int
    changes: list[tuple[str, int]]
    context: bytes


class ProposalsRejected(NamedTuple):
    """The leader did not take these requests into its log: nothing of them will happen."""

    to: int
    sender: int
    request_ids: list[int]
    reason: str
    """The name of a `Failure`."""


class ProposalsReturned(NamedTuple):
    """Commands that were taken into no log, because who got them leads no more, or hands over."""

    to: int
    sender: int
    commands: list[bytes]


class ReadIndexRequest(NamedTuple):
    """A follower asks the leader up to where it must apply before it serves the reads that wait."""

    to: int
    sender: int
    term: int
    context: int


class ReadIndexResponse(NamedTuple):
    """The leader's answer; index -1 when it can't confirm that it still leads."""

    to: int
    sender: int
    context: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


class LeaseRequest(NamedTuple):
    """Renew a lease, or ask how long it lives: only the leader knows."""

    to: int
    sender: int
    context: int
    renew: bool
    lease: int


class LeaseResponse(NamedTuple):
    """The leader's answer, in seconds; ttl -1: no such lease, -2: not the leader."""

    to: int
    sender: int
    context: int
    ttl: int
    granted_ttl: int


class SnapshotBegin(NamedTuple):
    """A leader starts sending its state; anything staged earlier is void."""

    to: int
    sender: int
    term: int
    transfer: int
    """Names this sending; chunks and acknowledgements carry it."""


class SnapshotChunk(NamedTuple):
    """Rows in revision order."""

    to: int
    sender: int
    transfer: int
    sequence: int
    rows: list[tuple[bytes, bytes]]


class SnapshotEnd(NamedTuple):
    """The last rows, the small tables and what the state is of: all from one moment."""

    to: int
    sender: int
    term: int
    transfer: int
    sequence: int
    rows: list[tuple[bytes, bytes]]
    tables: dict[str, list[tuple[bytes, bytes]]]
    last_index: int
    last_term: int
    membership: Membership


class SnapshotAck(NamedTuple):
    """A chunk (or the end) arrived; `accepted` False makes the sender give up."""

    to: int
    sender: int
    transfer: int
    sequence: int
    accepted: bool


PeerMessage: TypeAlias = (
    ForwardProposals
    | ForwardMembership
    | ProposalsRejected
    | ProposalsReturned
    | ReadIndexRequest
    | ReadIndexResponse
    | LeaseRequest
    | LeaseResponse
    | SnapshotBegin
    | SnapshotChunk
    | SnapshotEnd
    | SnapshotAck
)
