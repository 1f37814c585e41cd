"""The loop of a member: drain events, step, persist and send, apply, answer.

`turn` is called once for everything that arrived since the last one, so one consensus step, one
disk write and one message a peer serve all of it. Nothing here waits, and nothing here knows a
socket, a file or a clock.
"""

from collections.abc import Callable

from raftkv.command.types import RIDES_ON_MEMBERSHIP, Failure, decode_head
from raftkv.node.applying import Applied
from raftkv.node.housekeeping import on_tick
from raftkv.node.inbox import Inbox
from raftkv.node.lease_answers import ask_about_lease
from raftkv.node.lease_queries import UNANSWERED, OnAnswer
from raftkv.node.offers import request_ids
from raftkv.node.parts import Parts, Ports
from raftkv.node.peers import receive
from raftkv.node.proposals import OnResult
from raftkv.node.reads import OnReady
from raftkv.node.settings import NodeHooks, NodeSettings
from raftkv.node.status import NodeStatus
from raftkv.peer.messages import PeerMessage
from raftkv.raft.core import Raft
from raftkv.raft.events import Hasten, MembershipChange, PeerLost
from raftkv.raft.messages import Message, is_commit_notice
from raftkv.raft.update import Update
from raftkv.watch.hub import Hub


class Node(Parts):
    """One member's loop. Every method is called on one thread; none of them blocks.

    The order that keeps promises: a write starts before the messages that rest on it may leave,
    those leave when it is durable; what a quorum has is applied; watch events go out; then answers.
    """

    def __init__(
        self,
        raft: Raft,
        applied: Applied,
        hub: Hub,
        ports: Ports,
        settings: NodeSettings,
        hooks: NodeHooks,
    ) -> None:
        super().__init__(raft, applied, hub, ports, settings, hooks)
        hub.on_work = self._wake
        self.ticks_per_second = settings.ticks_per_second
        self._me = raft.member_id
        self._config = settings.config
        self._inbox = Inbox()
        self._awake = False
        self._stopped = False
        self._notices: list[Message] = []
        """Messages that may leave after this turn's answers."""
        self._seen_leader = (0, 0)
        self._leader_changes = 0
        self._proposals_failed = 0

    # -- what services ask

    @property
    def status(self) -> NodeStatus:
        """This member as it sees itself now."""
        raft = self.raft
        return NodeStatus(
            member_id=self._me,
            cluster_id=self.settings.cluster_id,
            leader=raft.leader,
            term=raft.term,
            commit_index=raft.commit,
            applied_index=self.applying.index,
            last_index=raft.last_index,
            is_learner=self._me in raft.membership.learners,
            leader_changes=self._leader_changes,
            proposals_waiting=len(self.proposals),
            proposals_failed=self._proposals_failed,
            reads_failed=self.reads_failed,
        )

    def propose(self, kind: int, body: bytes, on_result: OnResult) -> None:
        """Replicates a command; `on_result` is called once: when it is applied here, or given up.

        A failure of TIMEOUT kind leaves open whether the command will still be applied.
        """
        if (
            len(self.applying.committed) > self._config.apply_lag_entries_max
            or self.writes.bytes_waiting > self._config.log_bytes_waiting_max
        ):
            on_result(Failure.TOO_MANY_REQUESTS)
            return
        failure = self.proposals.add(kind, body, on_result)
        if failure is not None:
            on_result(failure)
            return
        if not self._awake:
            self._wake()

    def propose_membership(
        self,
        changes: tuple[MembershipChange, ...],
        kind: int,
        body: bytes,
        on_result: OnResult,
    ) -> None:
        """Replicates a membership change together with its command."""
        command = self.proposals.register(kind, body, on_result)
        if command is None:
            on_result(Failure.TOO_MANY_REQUESTS)
            return
        if self.raft.leader == self._me:
            failure = self.leading.change_membership(changes, command, self.applying.applied)
        else:
            failure = self.offers.membership(changes, command)
        if failure is not None:
            for callback in self.proposals.fail([decode_head(command)[3]]):
                callback(failure)
        self._wake()

    def read_barrier(self, on_ready: OnReady) -> None:
        """Calls `on_ready(None)` once the state here has every write acknowledged by now."""
        failure = self.reads.add(on_ready, self.tick_count)
        if failure is not None:
            on_ready(failure)
            return
        if not self._awake:
            self._wake()

    def lease_query(self, lease: int, renew: bool, on_answer: OnAnswer) -> None:  # noqa: FBT001
        """Asks the leader for a lease's time, renewing it if told so."""
        context = self.lease_queries.add(lease, renew, on_answer, self.tick_count)
        if not context:
            on_answer(UNANSWERED, 0)
            return
        ask_about_lease(self, context)
        self._wake()

    def transfer_leadership(self, target: int, on_done: Callable[[Failure | None], None]) -> None:
        """Hands leadership to `target`; only on the leader."""
        self.handover.begin(target, on_done)
        self._wake()

    # -- what arrives

    def receive(self, message: Message | PeerMessage) -> None:
        """A message from another member."""
        self._inbox.messages.append(message)
        if not self._awake:
            self._wake()

    def tick(self) -> None:
        """One heartbeat interval has passed."""
        self._inbox.ticks += 1
        self._wake()

    def durable(self, sequence: int) -> None:
        """The storage's write `sequence`, and every earlier one, is durable."""
        self._inbox.durable = sequence
        if not self._awake:
            self._wake()

    def staged(self, number: int) -> None:
        """The storage has chunk `number` of a snapshot, and every earlier one, on the disk."""
        self._inbox.staged = number
        self._wake()

    def hasten_election(self) -> None:
        """Lets an election start early: this member has just started and reaches a quorum."""
        self.raft.step(Hasten())

    def peer_lost(self, member: int) -> None:
        """The connection to a member closed."""
        self._inbox.lost.append(member)
        self._wake()

    def stop(self) -> None:
        """Fails everything that waits; nothing is done afterwards."""
        self._stopped = True
        for on_result in self.proposals.abandon():
            on_result(Failure.STOPPED)
        for on_ready in self.reads.abandon():
            on_ready(Failure.STOPPED)
        for on_answer in self.lease_queries.abandon():
            on_answer(UNANSWERED, 0)

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self.hooks.wake()

    # -- the turn

    def turn(self) -> None:
        """Does everything that is due; asks for another turn when something is left."""
        if self._stopped:
            return
        self._awake = False
        self._drain()
        self._on_durable(self.storage.durable)  # a tick's write may be
        self._observe_leader()
        self.offers.proposals()
        self.offers.read_round(self.tick_count)
        update = self.raft.take_update()
        while update is not None:
            self._carry_out(update)
            self._on_durable(self.storage.durable)
            if update.reads:
                self.offers.read_round(self.tick_count)  # those that gathered during the last one
            update = self.raft.take_update()
        self._apply()
        self._answer()
        self._send_notices()
        if self._more_to_do():
            self._wake()

    def _drain(self) -> None:
        inbox, self._inbox = self._inbox, Inbox()
        self._on_durable(max(inbox.durable, self.storage.durable))
        self.receiving.staged(inbox.staged)
        for message in inbox.messages:
            receive(self, message)
        for member in inbox.lost:
            self.raft.step(PeerLost(member))
        for _ in range(inbox.ticks):
            on_tick(self)

    def _on_durable(self, sequence: int) -> None:
        for write in self.writes.durable(sequence):
            if write.messages:
                self.transport.send(list(write.messages))
            if write.persisted is not None:
                self.raft.step(write.persisted)
            if write.installs:
                self._installed()

    def _observe_leader(self) -> None:
        """Takes note of a new leader or term."""
        raft = self.raft
        seen = (raft.leader, raft.term)
        if seen == self._seen_leader:
            return
        if raft.leader and raft.leader != self._seen_leader[0]:
            self._leader_changes += 1
        self._seen_leader = seen
        self.leading.forget()
        if self.state.lessor.is_primary:
            self.state.lessor.demote()
        self.handover.leader_changed()

    def _carry_out(self, update: Update) -> None:
        if all(is_commit_notice(message) for message in update.messages):
            self._notices += update.messages
        else:
            self.transport.send(list(update.messages))
        if update.must_write or update.install is not None:
            self.write(update)
        elif update.messages_after_write:
            ready = self.writes.after_all(update.messages_after_write)
            if ready:
                self.transport.send(list(ready))
        self.applying.committed += update.committed
        for member in update.snapshots:
            self.sending.start(member, self._me)
        if update.rejected:
            self._on_rejected(update.rejected)
        self._on_reads(update)
        if update.transfer_failed:
            self.handover.failed()

    def _send_notices(self) -> None:
        """Tells followers what is committed, after the clients here: nobody's answer waits for it.

        Each send takes as long as waking its receiver, 40 us: where a client waits goes first.
        """
        if self._notices:
            self.hooks.flush()
            notices, self._notices = self._notices, []
            notices.sort(key=lambda notice: notice.to != self.leading.proposer)
            self.transport.send(list(notices))

    def _on_rejected(self, commands: list[bytes]) -> None:
        """The core did not take these: who asked is told, unless it can wait for who is next."""
        hands_over = self.handover.is_under_way
        failure = Failure.LEADER_CHANGED if hands_over else Failure.TOO_MANY_REQUESTS
        waiting: list[bytes] = []
        refused: list[bytes] = []
        for command in filter(None, commands):  # what nobody asked for has no command
            can_wait = hands_over and decode_head(command)[1] not in RIDES_ON_MEMBERSHIP
            (waiting if can_wait else refused).append(command)
        mine, others = self._by_origin(refused)
        for callback in self.proposals.fail(request_ids(mine)):
            self.answers.append((callback, failure))
        self.leading.reject(others, failure)
        mine, others = self._by_origin(waiting)
        self.proposals.put_back(mine)
        self.leading.give_back(others)

    def _by_origin(self, commands: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Commands that this member was asked for, and others'."""
        mine = [command for command in commands if decode_head(command)[2] == self._me]
        return mine, [command for command in commands if decode_head(command)[2] != self._me]

    def _on_reads(self, update: Update) -> None:
        remote = [(context, index) for context, index in update.reads if context < 0]
        remote += [(context, -1) for context in update.reads_dropped if context < 0]
        if remote:
            self.leading.answer_reads(remote)
        for context, index in update.reads:
            if context > 0:
                self.reads.confirm(context, index)

    def _apply(self) -> None:
        if self.writes.is_installing:
            return
        if self.applying.committed:
            self.answers += self.applying.run(self._config.apply_entries_per_turn_max)
            self.is_state_dirty = True
            self._begin_lease_duty()
        if self.sending.under_way:
            self.sending.pump(self.applying.applied)

    def _begin_lease_duty(self) -> None:
        """A leader takes over the leases once it has applied an entry of its own term."""
        raft = self.raft
        lessor = self.state.lessor
        if raft.leader == self._me and not lessor.is_primary and self.applying.term == raft.term:
            lessor.promote(self.tick_count)

    def _answer(self) -> None:
        self.watch_hub.catch_up()
        self.watch_hub.flush()
        answers, self.answers = self.answers, []
        for on_result, result in answers:
            if result.__class__ is Failure:
                self._proposals_failed += 1
            on_result(result)
        for on_ready in self.reads.ready(self.applying.index):
            on_ready(None)

    def _more_to_do(self) -> bool:
        return bool(
            (self.applying.committed and not self.writes.is_installing)
            or self.watch_hub.is_catching_up
            or self.sending.may_send
            or self.answers
        )

    def _installed(self) -> None:
        """The received snapshot is durable: go on from it."""
        index, term = self.writes.installed()
        state = self.receiving.take()
        assert state is not None, f"snapshot {index} was installed but never received"
        state.go_on_counting(self.state)
        self.answers += self.applying.restart(Applied(state, index, term))
        state.on_changes = self.watch_hub.notify
        self.watch_hub.restored(state.store)
        self.hooks.members_changed()
