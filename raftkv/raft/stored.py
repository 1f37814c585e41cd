"""What consensus gives to a disk, and what it finds there when it starts: data only."""

from dataclasses import dataclass, field

from raftkv.raft.types import HardState, Membership


@dataclass(slots=True)
class WriteBatch:
    """One durable write: log, hard state and the applied state so far, all or nothing.

    Rows and tables put through the ports since the last batch go along with it by themselves.
    """

    hard_state: HardState
    """Always given: term, vote and commit index as of the last update taken."""
    truncate_from: int = 0
    """When not 0: stored entries at and after this index go first."""
    entries: list[bytes] = field(default_factory=list)
    """Entries to append, contiguous, after the truncation."""
    compact_to: int = 0
    """When not 0: entries up to this index may go, a few a write."""
    compact_term: int = 0
    """The term of the entry at `compact_to`."""
    compact_membership: Membership | None = None
    """The membership as of `compact_to`."""
    applied_index: int = 0
    """The last entry whose effect is in the rows and tables put so far."""
    applied_term: int = 0
    install_staged: bool = False
    """Switch to the staged snapshot in this write; the log restarts after `compact_to`.

    The state in use changes when the write is durable, just before `on_durable` is called: until
    then rows and tables read as before, and what is put belongs to the old state and goes with it.
    """


@dataclass(slots=True)
class StoredLog:
    """What a member finds on its disk when it starts."""

    hard_state: HardState
    snapshot_index: int
    """The log's entries start after this index; 0 for a log that reaches back to the beginning."""
    snapshot_term: int
    membership: Membership | None
    """As of `snapshot_index`; None when the directory is new."""
    entries: list[bytes]
    applied_index: int
    """What the stored rows and tables contain; at least `snapshot_index`."""
    applied_term: int
