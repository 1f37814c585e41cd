"""What is on its way to the disk, and what waits for it.

One place keeps the rule of durability: a message that promises something leaves only when the write that
makes it true, and every earlier write, is durable.
"""

from collections import deque
from dataclasses import dataclass

from raftkv.node.ports import Storage, WriteBatch
from raftkv.raft.core import Raft
from raftkv.raft.events import Persisted
from raftkv.raft.messages import Message
from raftkv.raft.types import HardState, entry_index, entry_term
from raftkv.raft.update import Update


@dataclass(slots=True)
class Outstanding:
    """A write that is not yet durable."""

    sequence: int
    messages: list[Message]
    """To send once it is."""
    persisted: Persisted | None
    """What it says about the log."""
    applied_index: int


class Writes:
    """The writes of one member, in order."""

    def __init__(self, storage: Storage, raft: Raft, stored_applied_index: int) -> None:
        self._storage = storage
        self._raft = raft
        self._outstanding: deque[Outstanding] = deque()
        self.stored_applied_index = stored_applied_index
        """What the disk's rows and tables contain for certain."""
        self._cut_to = 0
        """The log's new beginning, for the next write to carry out on disk."""

    def cut_log(self, index: int) -> None:
        """Lets the next write drop stored entries up to `index`."""
        self._cut_to = index

    def write(self, update: Update | None, applied_index: int, applied_term: int) -> int:
        """Starts the write that an update asks for (or, with None, of the applied state alone)."""
        raft = self._raft
        batch = WriteBatch(
            hard_state=HardState(raft.term, raft.vote, raft.commit),
            applied_index=applied_index,
            applied_term=applied_term,
        )
        if self._cut_to:
            self._fill_cut(batch, self._cut_to)
            self._cut_to = 0
        persisted = None
        messages: list[Message] = []
        if update is not None:
            batch.truncate_from = update.truncate_from
            batch.entries = update.entries
            messages = update.messages_after_write
            if update.entries:
                last = update.entries[-1]
                persisted = Persisted(entry_term(last), entry_index(last))
            if update.install is not None:
                batch.install_staged = True
                batch.compact_to = update.install.last_index
                batch.compact_term = update.install.last_term
                batch.compact_membership = update.install.membership
        sequence = self._storage.write(batch)
        self._outstanding.append(Outstanding(sequence, messages, persisted, applied_index))
        return sequence

    def after_all(self, messages: list[Message]) -> list[Message]:
        """Keeps messages until every write so far is durable; returns them when there is none."""
        if not self._outstanding:
            return messages
        last = self._outstanding[-1]
        last.messages = last.messages + messages
        return []

    def durable(self, sequence: int) -> list[Outstanding]:
        """The writes that became durable with `sequence`."""
        done = []
        while self._outstanding and self._outstanding[0].sequence <= sequence:
            write = self._outstanding.popleft()
            self.stored_applied_index = max(self.stored_applied_index, write.applied_index)
            done.append(write)
        return done

    @property
    def idle(self) -> bool:
        """Whether everything written is durable."""
        return not self._outstanding

    def _fill_cut(self, batch: WriteBatch, index: int) -> None:
        batch.compact_to = index
        batch.compact_term = self._raft.term_at(index)
        batch.compact_membership = self._raft.membership_at(index)
