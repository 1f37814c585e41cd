"""A whole cluster in memory, without time: every tick, delivery, write and crash is asked for.

Each member is the production core and a disk that has only what was written. What happens, happens
through `World`, one thing at a time, so that a test decides every order. `tell` gets a line for
each thing worth seeing; it makes the golden traces.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from raftkv.config import RaftConfig
from raftkv.raft.core import Raft
from raftkv.raft.events import (
    Compact,
    Event,
    PeerLost,
    Persisted,
    Receive,
    SnapshotSent,
    Tick,
)
from raftkv.raft.messages import InstallSnapshot, Message
from raftkv.raft.types import HardState, Membership, entry_index, entry_term
from raftkv.raft.update import Update
from raftkv.tests.raft import describe
from raftkv.tests.raft.describe import Parcel, StateTransfer


@dataclass(slots=True)
class Disk:
    """What survives a crash."""

    hard_state: HardState
    membership: Membership
    snapshot_index: int = 0
    snapshot_term: int = 0
    entries: list[bytes] = field(default_factory=list)
    state: tuple[bytes, ...] = ()
    """The applied entries: the simplest state machine there is."""

    @property
    def last_index(self) -> int:
        """The index of the last stored entry."""
        return self.snapshot_index + len(self.entries)

    def entry_at(self, index: int) -> bytes | None:
        """The stored entry, if it is in the stored log."""
        place = index - self.snapshot_index - 1
        return self.entries[place] if 0 <= place < len(self.entries) else None


@dataclass(slots=True)
class Write:
    """One durable write under way: an update's, or a cut of the log."""

    hard_state: HardState
    state: tuple[bytes, ...]
    truncate_from: int = 0
    entries: list[bytes] = field(default_factory=list)
    cut_to: tuple[int, int, Membership] | None = None
    messages: list[Message] = field(default_factory=list)

    def store(self, disk: Disk) -> None:
        """Becomes durable."""
        disk.hard_state, disk.state = self.hard_state, self.state
        if self.truncate_from:
            del disk.entries[max(self.truncate_from - disk.snapshot_index - 1, 0) :]
        if self.cut_to is not None:
            index, term, membership = self.cut_to
            if index >= disk.snapshot_index:
                del disk.entries[: index - disk.snapshot_index]
                disk.snapshot_index, disk.snapshot_term = index, term
                disk.membership = membership
        if self.entries:
            first = entry_index(self.entries[0])
            assert first == disk.last_index + 1, f"append {first} after {disk.last_index}"
            disk.entries += self.entries


class Member:
    """A core, its disk, and what is between them."""

    def __init__(self, world: "World", member_id: int, disk: Disk) -> None:
        self.world = world
        self.member_id = member_id
        self.disk = disk
        self.slow_disk = False
        """Whether writes wait to be finished one by one."""
        self.writes: deque[Write] = deque()
        self.state: list[bytes] = []
        self.staged: dict[tuple[int, int], tuple[bytes, ...]] = {}
        self.raft: Raft | None = None
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Starts from the disk."""
        assert self.raft is None, f"member {self.member_id} runs already"
        disk = self.disk
        self.starts += 1
        self.state = list(disk.state)
        self.raft = Raft(
            self.member_id,
            self.world.config,
            lambda: self.world.election_timeout(self.member_id),
            disk.hard_state,
            disk.snapshot_index,
            disk.snapshot_term,
            disk.membership,
            list(disk.entries),
            len(disk.state),
        )

    def store(self, write: Write) -> None:
        """Makes a write durable."""
        write.store(self.disk)
        if write.entries:
            first, disk = entry_index(write.entries[0]), self.disk
            previous = disk.entry_at(first - 1)
            before = entry_term(previous) if previous else disk.snapshot_term
            self.world.observer.written(self, before, write.entries)

    def crash(self, writes_done: int = 0) -> None:
        """Stops; of the writes under way only the first few may have become durable."""
        for write in list(self.writes)[:writes_done]:
            self.store(write)
        self.writes.clear()
        self.staged.clear()
        self.raft = None


class Observer:
    """Looks on; the base sees nothing."""

    def sent(self, member: Member, message: Message) -> None:
        """A message left."""

    def updated(self, member: Member, update: Update) -> None:
        """An update was taken and is about to be carried out."""

    def written(self, member: Member, before: int, entries: list[bytes]) -> None:
        """Entries became durable; the one before the first has the term `before`."""

    def stepped(self, member: Member) -> None:
        """An event and all that it asked for is done."""


class World:
    """The cluster."""

    def __init__(
        self,
        voters: Iterable[int],
        *,
        learners: Iterable[int] = (),
        config: RaftConfig | None = None,
        election_timeout: Callable[[int], int] | None = None,
        tell: Callable[[str], None] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.config = config or RaftConfig()
        base = self.config.election_timeout_ticks
        self.election_timeout = election_timeout or (lambda member: base + member)
        self.membership = Membership(frozenset(voters), learners=frozenset(learners))
        self.tell = tell
        self.observer = observer or Observer()
        self.network: list[Parcel] = []
        self.members: dict[int, Member] = {}
        self.reads: list[tuple[int, int, int]] = []
        """(member, context, index) of reads that may be served."""
        self.reads_dropped: list[tuple[int, int]] = []
        self.rejected: list[tuple[int, bytes]] = []
        self.cuts: set[tuple[int, int]] = set()
        """(sender, receiver) pairs between which `settle` loses everything."""
        for member_id in sorted(self.membership.members):
            self.add_member(member_id, self.membership)

    def add_member(self, member_id: int, membership: Membership) -> Member:
        """Starts a member with an empty disk that believes in `membership`."""
        member = Member(self, member_id, Disk(HardState(), membership))
        self.members[member_id] = member
        return member

    def raft(self, member_id: int) -> Raft:
        """The core of a member that runs."""
        raft = self.members[member_id].raft
        assert raft is not None, f"member {member_id} does not run"
        return raft

    def is_cut(self, sender: int, receiver: int) -> bool:
        """Whether the network loses what one member sends to another."""
        return (sender, receiver) in self.cuts

    # -- what can happen

    def step(self, member_id: int, *events: Event) -> None:
        """Lets a member see events, then carries out its update."""
        raft = self.raft(member_id)
        before = (raft.role, raft.term, raft.leader, raft.membership)
        for event in events:
            raft.step(event)
        self._carry_out(self.members[member_id], before)
        self.observer.stepped(self.members[member_id])

    def deliver(self, parcel: Parcel, *, keep: bool = False) -> None:
        """Hands over something from the network (and keeps a copy there, to come again)."""
        if not keep:
            self._take(parcel)
        receiver = self.members.get(parcel.to)
        if receiver is None or receiver.raft is None:
            if isinstance(parcel, StateTransfer) and not keep:
                self._transfer_ended(parcel, succeeded=False)
            return
        if isinstance(parcel, StateTransfer):
            install = parcel.install
            receiver.staged[install.last_index, install.last_term] = parcel.state
            self.step(parcel.to, Receive(install))
            if not keep:
                self._transfer_ended(parcel, succeeded=True)
        else:
            self.step(parcel.to, Receive(parcel))

    def deliver_together(self, messages: list[Message]) -> None:
        """Hands over several messages to one member, which sees them before it acts on any."""
        for message in messages:
            self._take(message)
        self.step(messages[0].to, *map(Receive, messages))

    def drop(self, parcel: Parcel) -> None:
        """Loses something from the network."""
        self._take(parcel)
        if self.tell is not None:
            self.tell(f"lost m{parcel.sender} -> {describe.parcel(parcel)}")
        if isinstance(parcel, StateTransfer):
            self._transfer_ended(parcel, succeeded=False)

    def _take(self, parcel: Parcel) -> None:
        at = next(at for at, other in enumerate(self.network) if other is parcel)
        del self.network[at]

    def finish_write(self, member_id: int) -> None:
        """Makes the oldest write of a member durable, and does what waited for that."""
        member = self.members[member_id]
        write = member.writes.popleft()
        member.store(write)
        self._send(write.messages)
        if write.entries:
            last = write.entries[-1]
            if self.tell is not None:
                self.tell(f"m{member_id} wrote up to {describe.place(last)}")
            self.step(member_id, Persisted(entry_term(last), entry_index(last)))

    def compact(self, member_id: int, index: int) -> None:
        """Lets a member cut its log back to what its disk's state has by now."""
        member, raft = self.members[member_id], self.raft(member_id)
        member.writes.append(Write(self._hard_state(raft), tuple(member.state)))
        self._finish_writes(member)
        index = min(index, len(member.disk.state))
        if index < raft.first_index:
            return
        cut = (index, raft.term_at(index), raft.membership_at(index))
        self.step(member_id, Compact(index))
        member.writes.append(Write(self._hard_state(raft), tuple(member.state), cut_to=cut))
        self._finish_writes(member)

    def settle(self, rounds_max: int = 20_000) -> None:
        """Delivers everything, oldest first, until nothing is left; slow disks stay slow."""
        for _ in range(rounds_max):
            if not self.network:
                return
            for parcel in list(self.network):
                if self.is_cut(parcel.sender, parcel.to):
                    self.drop(parcel)
                else:
                    self.deliver(parcel)
        raise AssertionError(f"the cluster did not settle: {self.network[:10]}")

    def elect(self, member_id: int) -> None:
        """Makes a member leader by letting time pass for it alone, and then for the others."""
        for other in self.members.values():
            if other.raft is not None and other.raft.leader:
                self.step(other.member_id, PeerLost(other.raft.leader))
        for _ in range(3 * self.config.election_timeout_ticks):
            if self.raft(member_id).leader == member_id:
                return
            self.step(member_id, Tick())
            self.settle()
        raise AssertionError(f"member {member_id} was not elected")

    # -- what follows

    def _carry_out(self, member: Member, before: tuple[object, ...]) -> None:
        raft = member.raft
        assert raft is not None, f"member {member.member_id} does not run"
        update = raft.take_update()
        if self.tell is not None:
            for line in describe.changes(raft, before):
                self.tell(f"m{member.member_id} {line}")
        if update is None:
            return
        if self.tell is not None:
            for line in describe.update(update):
                self.tell(f"m{member.member_id} {line}")
        self.observer.updated(member, update)
        self._send(update.messages)
        if update.install is not None:
            install = update.install
            member.state = list(member.staged[install.last_index, install.last_term])
        # What was applied before this update goes along with its write, as the loop does it.
        if update.must_write:
            member.writes.append(self._write(raft, member, update))
        elif member.writes:
            member.writes[-1].messages += update.messages_after_write
        else:
            self._send(update.messages_after_write)
        for entry in update.committed:
            assert entry_index(entry) == len(member.state) + 1, "applied out of order"
            member.state.append(entry)
        self._start_transfers(member, raft, update)
        self.reads += [(member.member_id, *read) for read in update.reads]
        self.reads_dropped += [(member.member_id, read) for read in update.reads_dropped]
        self.rejected += [(member.member_id, payload) for payload in update.rejected]
        self._finish_writes(member)

    def _write(self, raft: Raft, member: Member, update: Update) -> Write:
        write = Write(
            self._hard_state(raft),
            tuple(member.state),
            update.truncate_from,
            update.entries,
            messages=list(update.messages_after_write),
        )
        if update.install is not None:
            install = update.install
            write.cut_to = (install.last_index, install.last_term, install.membership)
        return write

    def _start_transfers(self, member: Member, raft: Raft, update: Update) -> None:
        for to in update.snapshots:
            index, own = len(member.state), member.member_id
            install = InstallSnapshot(
                to, own, raft.term, index, raft.term_at(index), raft.membership_at(index)
            )
            parcel = StateTransfer(to, own, install, tuple(member.state))
            if self.tell is not None:
                self.tell(f"m{own} -> {describe.parcel(parcel)}")
            self.network.append(parcel)

    def _transfer_ended(self, parcel: StateTransfer, *, succeeded: bool) -> None:
        sender = self.members[parcel.sender]
        if sender.raft is not None:
            index = parcel.install.last_index
            index = min(index, sender.raft.last_index)
            self.step(parcel.sender, SnapshotSent(parcel.to, succeeded, index))

    def _finish_writes(self, member: Member) -> None:
        while member.writes and not member.slow_disk:
            self.finish_write(member.member_id)

    def _send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if self.tell is not None:
                self.tell(f"m{message.sender} -> {describe.message(message)}")
            self.observer.sent(self.members[message.sender], message)
            self.network.append(message)

    @staticmethod
    def _hard_state(raft: Raft) -> HardState:
        return HardState(raft.term, raft.vote, raft.commit)
