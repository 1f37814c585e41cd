"""Snapshots between members as the loop sees them: who is sent one, and what is being received."""

from collections import deque
from collections.abc import Callable

from raftkv.apply.state import TABLES, StateMachine
from raftkv.config import NodeConfig
from raftkv.node.applying import Applied
from raftkv.node.counts import TransferCounts
from raftkv.node.ports import Storage, Transport
from raftkv.node.snapshots import SnapshotSender
from raftkv.peer.messages import (
    SnapshotAck,
    SnapshotBegin,
    SnapshotChunk,
    SnapshotEnd,
)
from raftkv.raft.core import Raft
from raftkv.raft.events import SnapshotSent
from raftkv.raft.messages import InstallSnapshot


class Sending:
    """The snapshots this leader sends, at most one a member."""

    def __init__(
        self,
        raft: Raft,
        storage: Storage,
        transport: Transport,
        config: NodeConfig,
        counts: TransferCounts,
    ) -> None:
        self._raft = raft
        self._storage = storage
        self._transport = transport
        self._config = config
        self._counts = counts
        self._last_transfer = 0
        self._senders: dict[int, SnapshotSender] = {}

    @property
    def under_way(self) -> bool:
        """Whether any snapshot is being sent: history must stay readable meanwhile."""
        return bool(self._senders)

    @property
    def receivers(self) -> list[int]:
        """Whom a snapshot is being sent to."""
        return list(self._senders)

    @property
    def may_send(self) -> bool:
        """Whether `pump` has something to send now."""
        return bool(self._senders) and any(sender.may_send for sender in self._senders.values())

    def start(self, to: int, member_id: int) -> None:
        """Starts sending to a member; an earlier sending to it is forgotten."""
        self._last_transfer += 1
        sender = SnapshotSender(to, member_id, self._raft.term, self._last_transfer, self._config)
        self._senders[to] = sender
        self._transport.send([sender.begin()])

    def pump(self, applied: Applied) -> None:
        """Sends one chunk to each member that may have one."""
        for sender in self._senders.values():
            if not sender.may_send:
                continue
            rows, last = sender.next_rows(self._storage.rows)
            if last:
                self._end(sender, rows, applied)
            else:
                self._transport.send([sender.chunk(rows)])

    def acknowledge(self, ack: SnapshotAck) -> None:
        """Takes note of an arrived chunk, or of a refusal."""
        sender = self._senders.get(ack.sender)
        if sender is None or sender.transfer != ack.transfer:
            return
        if not ack.accepted:
            self._finish(sender, succeeded=False)
            return
        sender.acknowledge()
        if sender.done:
            self._finish(sender, succeeded=True)

    def tick(self, idle_ticks_max: int) -> None:
        """Gives up on members that no longer acknowledge, and on all when no longer leading."""
        for sender in list(self._senders.values()):
            sender.idle_ticks += 1
            if sender.idle_ticks > idle_ticks_max or sender.term != self._raft.term:
                self._finish(sender, succeeded=False)

    def _finish(self, sender: SnapshotSender, *, succeeded: bool) -> None:
        del self._senders[sender.to]
        (self._counts.succeeded if succeeded else self._counts.failed)[sender.to] += 1
        self._raft.step(SnapshotSent(sender.to, succeeded, sender.ended_index))

    def _end(
        self,
        sender: SnapshotSender,
        rows: list[tuple[bytes, bytes]],
        applied: Applied,
    ) -> None:
        state, index, term = applied
        state.save_meta()
        tables = {name: list(self._storage.tables.items(name)) for name in TABLES}
        sender.ended_index = index
        self._transport.send(
            [
                SnapshotEnd(
                    sender.to,
                    sender.sender,
                    sender.term,
                    sender.transfer,
                    sender.next_sequence(),
                    rows,
                    tables,
                    index,
                    term,
                    self._raft.membership_at(index),
                )
            ]
        )


class Receiving:
    """The snapshot this member is being sent, if any. Its index is built while its rows arrive."""

    def __init__(
        self,
        storage: Storage,
        transport: Transport,
        raft: Raft,
        new_state: Callable[[], StateMachine],
        counts: TransferCounts,
    ) -> None:
        self._storage = storage
        self._transport = transport
        self._raft = raft
        self._new_state = new_state
        self._counts = counts
        self._from = (0, 0)
        self._sender = 0
        self._term = 0
        self._next_sequence = 0
        self.state: StateMachine | None = None
        """The state that arrives."""
        self._is_complete = False
        """Whether all of it has arrived: until it is installed or refused nothing is staged."""
        self._acks: deque[tuple[int, SnapshotAck]] = deque()
        """(the chunk's number, what to say once it is on the disk)."""

    def begin(self, message: SnapshotBegin) -> None:
        """Forgets what was staged, and stages what comes from now on; not during an install."""
        if self._is_complete or message.term < self._raft.term:
            self._answer(message, 0, accepted=False)
            return
        if self._from != (0, 0):
            self._counts.failed[self._sender] += 1  # its end never came
        self._from = (message.sender, message.transfer)
        self._sender = message.sender
        self._term = message.term
        self._next_sequence = 1
        self._storage.stage_reset()
        self.state = self._new_state()

    def chunk(self, message: SnapshotChunk) -> None:
        """Stages rows."""
        self._stage(message)

    def staged(self, number: int) -> None:
        """Acknowledges the chunks that are on the disk: the sender keeps to the disk's pace."""
        while self._acks and self._acks[0][0] <= number:
            self._transport.send([self._acks.popleft()[1]])

    def end(self, message: SnapshotEnd) -> InstallSnapshot | None:
        """Stages the rest; the message for consensus when everything has arrived."""
        state = self._stage(message)
        if state is None:
            return None
        self._storage.stage_tables(message.tables)
        state.load_tables(message.tables)
        self._from = (0, 0)
        self._is_complete = True
        return InstallSnapshot(
            message.to,
            message.sender,
            message.term,
            message.last_index,
            message.last_term,
            message.membership,
        )

    @property
    def sender(self) -> int:
        """Whose snapshot is being received and not yet installed; 0 for none."""
        is_arriving = self._from != (0, 0) and self._term >= self._raft.term
        return self._sender if self._is_complete or is_arriving else 0

    def take(self) -> StateMachine | None:
        """The received state, which is installed and no longer kept here."""
        self._counts.succeeded[self._sender] += 1
        state, self.state = self.state, None
        self._is_complete = False
        return state

    def discard(self) -> None:
        """Forgets the received state: consensus did not want it."""
        self._counts.failed[self._sender] += 1
        self.state = None
        self._is_complete = False

    def _stage(self, message: SnapshotChunk | SnapshotEnd) -> StateMachine | None:
        if self._from != (message.sender, message.transfer) or self.state is None:
            self._answer(message, message.sequence, accepted=False)
            return None
        if message.sequence != self._next_sequence:
            self._counts.failed[self._sender] += 1
            self._from = (0, 0)
            self._answer(message, message.sequence, accepted=False)
            return None
        self._next_sequence += 1
        self.state.load_rows(message.rows)
        staged = self._storage.stage(message.rows)
        ack = SnapshotAck(
            message.sender, message.to, message.transfer, message.sequence, accepted=True
        )
        self._acks.append((staged, ack))
        return self.state

    def _answer(
        self,
        message: SnapshotBegin | SnapshotChunk | SnapshotEnd,
        sequence: int,
        *,
        accepted: bool,
    ) -> None:
        self._transport.send(
            [SnapshotAck(message.sender, message.to, message.transfer, sequence, accepted)]
        )
