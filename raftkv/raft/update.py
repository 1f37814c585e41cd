"""What the core wants done, taken with `Raft.take_update()` after any number of steps.

The order the caller must keep: switch to the state of `install`, if there is one; store
`hard_state`, `truncate_from` and `entries` in one durable write; `messages` may leave at once,
beside that write; `messages_after_write` leave only when it is durable (or at once when there is
nothing to write and no earlier write is still under way). `committed` may be applied at once: a
quorum has it, and it comes after `install`. When a write with entries is durable, step
`Persisted(term, index)` of the last one.
"""

from dataclasses import dataclass, field

from raftkv.raft.messages import InstallSnapshot, Message
from raftkv.raft.types import HardState


@dataclass(slots=True)
class Update:
    """Everything that the steps since the last update ask for."""

    hard_state: HardState | None = None
    """Given when term, vote or commit index changed since the last update: newest of all three."""
    must_write: bool = False
    """True when term, vote or the log changed: a write is due."""
    truncate_from: int = 0
    """When not 0: stored entries from this index on go, in this write, before `entries` come."""
    entries: list[bytes] = field(default_factory=list)
    """To append to the stored log; contiguous."""
    messages: list[Message] = field(default_factory=list)
    """To send now."""
    messages_after_write: list[Message] = field(default_factory=list)
    """To send once this update's write, and every earlier one, is durable."""
    committed: list[bytes] = field(default_factory=list)
    """Entries newly committed, in order, contiguous, each handed out exactly once."""
    reads: list[tuple[int, int]] = field(default_factory=list)
    """(context, index): the read may be served once the state machine has applied `index`."""
    reads_dropped: list[int] = field(default_factory=list)
    """Contexts of reads that this member can't confirm: it is not, or no longer, the leader."""
    rejected: list[bytes] = field(default_factory=list)
    """Payloads (of a membership proposal, its context) that were not taken into the log."""
    snapshots: list[int] = field(default_factory=list)
    """Members that need a snapshot: the log no longer reaches back to where they are."""
    install: InstallSnapshot | None = None
    """An accepted snapshot: switch to the staged state, then write; the log is already reset.

    Stored entries up to its `last_index` may go; `entries` of this update start beyond it.
    """
    transfer_failed: bool = False
    """A leadership transfer was given up (refused, timed out)."""
