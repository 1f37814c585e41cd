"""What the loop needs of a disk and a network; only `member` and the simulator know which."""

from typing import Protocol

from raftkv.mvcc.ports import Rows, Tables
from raftkv.peer.messages import PeerMessage
from raftkv.raft.messages import Message
from raftkv.raft.stored import StoredLog, WriteBatch

__all__ = ["Storage", "StoredLog", "Transport", "WriteBatch"]


class Storage(Protocol):
    """The disk. `rows`, `tables` read their own writes; `write` makes the log durable in order.

    What was put is stored later, in the order of the writes, and never before the log up to there
    is durable: after a crash the log has what the rows and tables lack.
    """

    @property
    def rows(self) -> Rows:
        """The rows of the applied state."""

    @property
    def tables(self) -> Tables:
        """The small tables of the applied state."""

    @property
    def durable(self) -> int:
        """The newest write that is known to be durable; 0 for none."""

    @property
    def stored_applied_index(self) -> int:
        """The applied index that the stored rows and tables contain for certain."""

    def write(self, batch: WriteBatch) -> int:
        """Queues a write and returns its sequence number (1, 2, ...).

        When it is durable, and so every earlier one, the `on_durable(sequence)` callback that the
        storage was made with is called on the loop's thread, never from inside `write`. A quick
        write may be durable when this returns: then `durable` says so, and nothing is called. One
        that fails calls `on_failed(reason)` instead, and nothing is written any more.
        """

    def stage_reset(self) -> None:
        """Throws away what is staged of a snapshot."""

    def stage(self, rows: list[tuple[bytes, bytes]]) -> int:
        """Adds a chunk of rows to the staging area; invisible until a write says `install_staged`.

        Returns the chunk's number (1, 2, ...): `on_staged(number)` tells when it is on the disk, so
        that a sender can be held back to the disk's pace. Keys are greater than all staged before.
        """

    def stage_tables(self, tables: dict[str, list[tuple[bytes, bytes]]]) -> None:
        """Sets the staged small tables."""


class Transport(Protocol):
    """The network between members: sends without blocking, drops when a peer's queue is full."""

    def send(self, messages: list[Message | PeerMessage]) -> None:
        """Sends each message to its `to`; to one peer in order, while its connection lives."""

    def is_connected(self, member: int) -> bool:
        """Whether there is a live connection to the member."""

    def active_since_ticks(self, member: int) -> int:
        """For how many ticks the connection has lived; 0 when there is none."""
