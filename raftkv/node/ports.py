"""What the loop needs of a disk and a network. Only `member.py` and the simulator know who stands behind."""

from dataclasses import dataclass, field
from typing import Protocol

from raftkv.mvcc.ports import Rows, Tables
from raftkv.peer.messages import PeerMessage
from raftkv.raft.messages import Message
from raftkv.raft.types import HardState, Membership


@dataclass(slots=True)
class WriteBatch:
    """One durable write: log, hard state and the applied state so far, all or nothing.

    Rows and tables put through the ports since the last batch go along with it by themselves.
    """

    hard_state: HardState
    """Always given: the newest term, vote and commit index."""
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
    """Switch to the staged snapshot in this write; the log restarts after `compact_to`."""


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


class Storage(Protocol):
    """The disk. `rows` and `tables` read their own writes; `write` makes everything durable in order."""

    @property
    def rows(self) -> Rows:
        """The rows of the applied state."""

    @property
    def tables(self) -> Tables:
        """The small tables of the applied state."""

    def write(self, batch: WriteBatch) -> int:
        """Queues a write and returns its sequence number (1, 2, ...).

        When it is durable, and so every earlier one, the `on_durable(sequence)` callback that the
        storage was made with is called on the loop's thread, never from inside `write`. A write that
        fails calls `on_failed(reason)` instead, and nothing is written any more.
        """

    def stage_reset(self) -> None:
        """Throws away what is staged of a snapshot."""

    def stage(self, rows: list[tuple[bytes, bytes]]) -> None:
        """Adds a chunk of rows to the staging area; invisible until a write says `install_staged`."""

    def stage_tables(self, tables: dict[str, list[tuple[bytes, bytes]]]) -> None:
        """Sets the staged small tables."""


class Transport(Protocol):
    """The network between members: sends without blocking, drops when a peer's queue is full."""

    def send(self, messages: list[Message | PeerMessage]) -> None:
        """Sends each message to its `to`; messages to one peer stay in order while its connection lives."""

    def is_connected(self, member: int) -> bool:
        """Whether there is a live connection to the member."""

    def active_since_ticks(self, member: int) -> int:
        """For how many ticks the connection has lived; 0 when there is none."""
