"""What can happen to the core. `Raft.step` takes one of these; nothing else changes its state."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from raftkv.raft.messages import Message


class Tick(NamedTuple):
    """One `tick` of the member's clock has passed (one heartbeat interval)."""


class Receive(NamedTuple):
    """A message from another member arrived."""

    message: Message


class Propose(NamedTuple):
    """Commands to replicate, in order. Only a leader takes them; see `Update.rejected`."""

    payloads: list[bytes]


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """One step of a membership change."""

    action: str
    """`add_voter` (also promotes a learner), `add_learner`, `remove`."""
    member: int


class ProposeMembership(NamedTuple):
    """A membership change to replicate, with the command that goes along with it (`context`).

    Only for a leader that has committed in its own term and has no other change pending. Several
    changes go through a joint configuration, which the leader leaves by itself. `no changes` with a
    context is refused. A refused proposal is in `Update.rejected`.
    """

    changes: tuple[MembershipChange, ...]
    context: bytes


class ReadIndex(NamedTuple):
    """Asks for an index that a linearizable read must wait for (thesis 6.4)."""

    context: int
    """Comes back in `Update.reads` or `Update.reads_dropped`."""


class Persisted(NamedTuple):
    """A write is durable: entries up to `index`, the last of which has `term`.

    It counts only if the log still holds that term at that index: a new leader may have replaced
    the entry while it was being written.
    """

    term: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


class SnapshotSent(NamedTuple):
    """The sending of a snapshot to `member` ended; `index` is the state's if it succeeded."""

    member: int
    succeeded: bool
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


class Compact(NamedTuple):
    """The state up to `index` is durable, so that the log may drop its entries up to there."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here


class TransferLeadership(NamedTuple):
    """Asks the leader to hand over to `member` (thesis 3.10)."""

    member: int


class PeerLost(NamedTuple):
    """The connection to `member` closed: if it led, an election may start early."""

    member: int


class Hasten(NamedTuple):
    """A member that has just started reaches a quorum and hears of no leader.

    An election need not wait until a leader would have been heard, since there was none to hear.
    """


Event: TypeAlias = (
    Tick
    | Receive
    | Propose
    | ProposeMembership
    | ReadIndex
    | Persisted
    | SnapshotSent
    | Compact
    | TransferLeadership
    | PeerLost
    | Hasten
)
