"""What members say to each other for consensus: the RPCs of the paper, as one-way messages.

Every message names receiver, sender and the sender's term first. Entries are the encoded bytes of
`raft/types.py`. Numbers may be anything when a message comes in: nobody who reads one trusts them.
"""

from typing import NamedTuple, TypeAlias

from raftkv.raft.types import Membership


class RequestVote(NamedTuple):
    """Asks for a vote (section 5.2), or whether one would be given (pre-vote, thesis 9.6)."""

    to: int
    sender: int
    term: int
    """The term campaigned for; of a pre-vote, the sender's term plus one."""
    last_index: int
    last_term: int
    pre_vote: bool
    transfer: bool
    """True when the leader itself asked for this election: leader stickiness does not apply."""


class RequestVoteResponse(NamedTuple):
    """The answer to RequestVote."""

    to: int
    sender: int
    term: int
    granted: bool
    pre_vote: bool


class AppendEntries(NamedTuple):
    """Replicates entries that follow (prev_index, prev_term); section 5.3."""

    to: int
    sender: int
    term: int
    prev_index: int
    prev_term: int
    commit: int
    entries: list[bytes]


class AppendEntriesResponse(NamedTuple):
    """Tells how far the sender's durable log matches, or where to back off to."""

    to: int
    sender: int
    term: int
    rejected: bool
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    """Highest durable matching index; of a rejection, the prev_index that did not match."""
    hint_index: int
    """Of a rejection: the highest index at which the logs may agree."""
    hint_term: int
    """Of a rejection: the sender's term at `hint_index`."""


COMMIT_NOTICE = 0
"""As a heartbeat's `round`: it only tells a moved commit index and wants no answer."""


class Heartbeat(NamedTuple):
    """Leadership asserted, the commit index told, a read-index round carried (thesis 6.4)."""

    to: int
    sender: int
    term: int
    commit: int
    """The leader's; a receiver commits no further than its log was found to match this leader's."""
    round: int
    """The leader's current read-index round, for the answer to name; or `COMMIT_NOTICE`."""


class HeartbeatResponse(NamedTuple):
    """The answer to Heartbeat; needs no disk."""

    to: int
    sender: int
    term: int
    round: int


class InstallSnapshot(NamedTuple):
    """Says that a whole state up to `last_index` lies staged at the receiver (section 7).

    The rows themselves travel outside consensus, in chunks; this comes after the last of them.
    """

    to: int
    sender: int
    term: int
    last_index: int
    last_term: int
    membership: Membership


class TimeoutNow(NamedTuple):
    """Asks the receiver to campaign at once (thesis 3.10)."""

    to: int
    sender: int
    term: int


Message: TypeAlias = (
    RequestVote
    | RequestVoteResponse
    | AppendEntries
    | AppendEntriesResponse
    | Heartbeat
    | HeartbeatResponse
    | InstallSnapshot
    | TimeoutNow
)


def is_commit_notice(message: Message) -> bool:
    """Whether a message only tells how far the log is committed, and wants no answer."""
    return isinstance(message, Heartbeat) and message.round == COMMIT_NOTICE
