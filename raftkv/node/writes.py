"""What is on its way to the disk, and what waits for it.

One place keeps the rule of durability: a message that promises something leaves only when the write
that makes it true, and every earlier write, is durable.
"""

from collections import deque
from dataclasses import dataclass

from raftkv.node.ports import Storage, WriteBatch
from raftkv.raft.core import Raft
from raftkv.raft.events import Persisted
from raftkv.raft.messages import InstallSnapshot, Message
from raftkv.raft.types import Membership, entry_index, entry_term
from raftkv.raft.update import Update


@dataclass(slots=True)
class Outstanding:
    """A write that is not yet durable."""

    sequence: int
    messages: list[Message]
    """To send once it is."""
    persisted: Persisted | None
    """What it says about the log."""
    installs: bool
    entries_bytes: int


class Writes:
    """The writes of one member, in order."""

    def __init__(self, storage: Storage, raft: Raft) -> None:
        self._storage = storage
        self._raft = raft
        self._outstanding: deque[Outstanding] = deque()
        self._cut: tuple[int, int, Membership] | None = None
        """The log's new beginning, for the next write to carry out: index, term, membership."""
        self.bytes_waiting = 0
        """Entry bytes that are not yet durable here; others may commit them meanwhile."""
        self._installing: tuple[int, int] | None = None
        """(index, term) of a received state, until the switch to it is durable."""

    @property
    def is_installing(self) -> bool:
        """Whether the switch to a received snapshot is under way."""
        return self._installing is not None

    def installed(self) -> tuple[int, int]:
        """The switch is durable; returns the (index, term) that the state contains now."""
        assert self._installing is not None, "nothing is being installed"
        installed, self._installing = self._installing, None
        return installed

    def cut_log(self, index: int) -> None:
        """Lets the next write drop stored entries up to `index`, which the core still has."""
        self._cut = (index, self._raft.term_at(index), self._raft.membership_at(index))

    def write(self, update: Update | None, applied_index: int, applied_term: int) -> int:
        """Starts the write that an update asks for (or, with None, of the applied state alone)."""
        batch = WriteBatch(
            # As of the last update taken, whose entries went before: what the core has committed
            # since may lie in entries that no write has brought to the disk yet.
            hard_state=self._raft.hard_state,
            applied_index=applied_index,
            applied_term=applied_term,
        )
        if self._installing is not None:
            batch.applied_index, batch.applied_term = self._installing
        if self._cut is not None:
            batch.compact_to, batch.compact_term, batch.compact_membership = self._cut
            self._cut = None
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
                self._fill_install(batch, update.install)
        sequence = self._storage.write(batch)
        size = sum(map(len, batch.entries))
        self.bytes_waiting += size
        self._outstanding.append(
            Outstanding(sequence, messages, persisted, batch.install_staged, size)
        )
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
            self.bytes_waiting -= write.entries_bytes
            done.append(write)
        return done

    @property
    def idle(self) -> bool:
        """Whether everything written is durable."""
        return not self._outstanding

    def _fill_install(self, batch: WriteBatch, install: InstallSnapshot) -> None:
        batch.install_staged = True
        batch.compact_to = install.last_index
        batch.compact_term = install.last_term
        batch.compact_membership = install.membership
        self._installing = (install.last_index, install.last_term)
        batch.applied_index, batch.applied_term = self._installing
