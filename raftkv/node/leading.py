"""What only a leader does: take others' requests, keep leases, refuse unwise membership changes."""

from collections.abc import Iterable

from raftkv.apply.state import StateMachine
from raftkv.cluster.members import Members, from_message
from raftkv.command.types import (
    COMMAND_HEAD_BYTES,
    CommandKind,
    Failure,
    decode_head,
    encode_command,
)
from raftkv.node.applying import Applied
from raftkv.node.counts import NodeCounts
from raftkv.node.lease_queries import NO_SUCH_LEASE, UNANSWERED
from raftkv.node.offers import request_ids
from raftkv.node.ports import Transport
from raftkv.pb import rpc_pb2
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    ProposalsRejected,
    ProposalsReturned,
    ReadIndexRequest,
    ReadIndexResponse,
)
from raftkv.raft.core import Raft
from raftkv.raft.events import MembershipChange, Propose, ProposeMembership, ReadIndex

_READY_MATCH = 0.9
"""A learner may be promoted when it has this share of the leader's log, as in etcd."""


class Leading:
    """The leader's duties towards other members and towards leases."""

    def __init__(
        self,
        raft: Raft,
        transport: Transport,
        counts: NodeCounts,
        *,
        strict_reconfig_check: bool,
        healthy_ticks: int,
    ) -> None:
        self.proposer = 0
        """The member that forwarded proposals last: a client there waits."""
        self._raft = raft
        self._me = raft.member_id
        self._transport = transport
        self._counts = counts
        self._strict_reconfig_check = strict_reconfig_check
        self._healthy_ticks = healthy_ticks
        self._last_context = 0
        self._remote_reads: dict[int, tuple[int, int]] = {}
        """Core context -> (member, its context). Negative: they never meet this member's own."""

    # -- requests of other members

    def on_proposals(self, message: ForwardProposals) -> None:
        """Takes another member's commands into the log."""
        self.proposer = message.sender
        if self._raft.leader != self._me or message.term != self._raft.term:
            self.give_back(message.commands)
            return
        self._raft.step(Propose(message.commands))

    def on_membership(self, message: ForwardMembership, applied: Applied) -> None:
        """Takes another member's membership change, if it is wise."""
        if self._raft.leader != self._me or message.term != self._raft.term:
            self.reject([message.context], Failure.LEADER_CHANGED)
            return
        changes = tuple(MembershipChange(action, member) for action, member in message.changes)
        failure = self.change_membership(changes, message.context, applied)
        if failure is not None:
            self.reject([message.context], failure)

    def on_read_index(self, message: ReadIndexRequest) -> None:
        """Asks the core on behalf of another member."""
        if self._raft.leader != self._me or message.term != self._raft.term:
            self._transport.send([ReadIndexResponse(message.sender, self._me, message.context, -1)])
            return
        self._last_context -= 1
        self._remote_reads[self._last_context] = (message.sender, message.context)
        self._raft.step(ReadIndex(self._last_context))

    def answer_reads(self, reads: Iterable[tuple[int, int]]) -> None:
        """Tells other members the indexes they asked for; -1 for those that can't be confirmed.

        What was asked of an earlier leadership of this member is forgotten: they ask again.
        """
        responses = []
        for context, index in reads:
            asked = self._remote_reads.pop(context, None)
            if asked is None:
                continue
            member, their_context = asked
            responses.append(ReadIndexResponse(member, self._me, their_context, index))
        self._transport.send(list(responses))

    def reject(self, commands: list[bytes], failure: Failure) -> None:
        """Tells the origins of commands that they were not taken."""
        self._transport.send(
            [
                ProposalsRejected(origin, self._me, request_ids(theirs), failure.name)
                for origin, theirs in _by_origin(commands)
            ]
        )

    def give_back(self, commands: list[bytes]) -> None:
        """Returns commands that were not taken to their origins, for whoever leads next."""
        self._transport.send(
            [ProposalsReturned(origin, self._me, theirs) for origin, theirs in _by_origin(commands)]
        )

    # -- membership

    def change_membership(
        self, changes: tuple[MembershipChange, ...], command: bytes, applied: Applied
    ) -> Failure | None:
        """Takes a membership change into the log, unless that would be unwise.

        What the members table will refuse may not reach consensus either, or the two would part
        ways; and only a table that knows of the change before can tell.
        Thesis 4.2.1: a new voter would weaken the quorum for as long as it lags, or is not even
        started. So it begins as a learner to consensus, whatever the members table calls it, and
        `promote_ready` lets it vote once it has caught up.
        """
        failure = self._refuse(changes, command, applied)
        if decode_head(command)[1] == CommandKind.MEMBER_PROMOTE:
            self._count_promotion(failure)
        if failure is not None:
            return failure
        known = self._raft.membership.members
        gentle = tuple(
            MembershipChange("add_learner", change.member)
            if change.action == "add_voter" and change.member not in known
            else change
            for change in changes
        )
        self._raft.step(ProposeMembership(gentle, command))
        return None

    def _refuse(
        self, changes: tuple[MembershipChange, ...], command: bytes, applied: Applied
    ) -> Failure | None:
        """Why a change is unwise now."""
        if self._raft.membership_at(applied.index) != self._raft.membership:
            return Failure.TOO_MANY_REQUESTS
        return _refusal(applied.state.members, command) or self.check_membership(changes)

    def _count_promotion(self, failure: Failure | None) -> None:
        if failure is None:
            self._counts.learners_promoted += 1
        else:
            self._counts.promotions_refused[failure] += 1

    def promote_ready(self, state: StateMachine) -> None:
        """Lets members vote that were added as voters and have caught up, one at a time."""
        raft = self._raft
        for learner in sorted(raft.membership.learners):
            member = state.members.get(learner)
            if member is not None and not member.is_learner and self._has_caught_up(learner):
                raft.step(ProposeMembership((MembershipChange("add_voter", learner),), b""))
                return

    def _has_caught_up(self, learner: int) -> bool:
        match = {peer.member: peer.match for peer in self._raft.status.peers}
        return match.get(learner, 0) >= self._raft.last_index * _READY_MATCH

    def check_membership(self, changes: tuple[MembershipChange, ...]) -> Failure | None:
        """What etcd's strict check, and its check of learners, say to a change."""
        raft = self._raft
        for change in changes:
            promoted = change.action == "add_voter" and change.member in raft.membership.learners
            if promoted and not self._has_caught_up(change.member):
                return Failure.LEARNER_NOT_READY
        if not self._strict_reconfig_check or self._keeps_quorum(changes):
            return None
        return Failure.UNHEALTHY

    def _keeps_quorum(self, changes: tuple[MembershipChange, ...]) -> bool:
        """Whether the changed cluster would have a quorum that has been connected for a while.

        A cluster of one may always grow. A new member counts as one more that is not there yet, a
        removed one as gone; as in etcd, whether it is to vote makes no difference.
        """
        members = self._raft.membership.members
        removed = {change.member for change in changes if change.action == "remove"}
        added = {change.member for change in changes if change.action != "remove"} - members
        if len(members) == 1 and not removed:
            return True
        healthy = [member for member in members - removed if self._is_healthy(member)]
        after = len(members | added) if added else len(members - removed)
        return len(healthy) >= after // 2 + 1

    def _is_healthy(self, member: int) -> bool:
        connected_ticks = self._transport.active_since_ticks(member)
        return member == self._me or connected_ticks >= self._healthy_ticks

    # -- leases

    def expire_leases(self, state: StateMachine, tick: int, expirations_max: int) -> None:
        """Proposes to revoke what has expired; never forwarded: only today's leader can do it."""
        due = []
        for lease in state.lessor.expired(tick, expirations_max):
            self._counts.leases_expired += 1
            body = rpc_pb2.LeaseRevokeRequest(ID=lease).SerializeToString()
            due.append(encode_command(CommandKind.LEASE_REVOKE, self._me, 0, body))
        if due:
            self._raft.step(Propose(due))

    def compact(self, revision: int) -> None:
        """Proposes to give up history, of the cluster's own accord."""
        body = rpc_pb2.CompactionRequest(revision=revision).SerializeToString()
        self._raft.step(Propose([encode_command(CommandKind.COMPACT, self._me, 0, body)]))

    def forget(self) -> None:
        """Leadership is over."""
        self._remote_reads.clear()

    def lease_answer(
        self, state: StateMachine, lease: int, tick: int, *, renew: bool
    ) -> tuple[int, int]:
        """(remaining, granted) seconds, renewed if asked; only meaningful after a read barrier."""
        lessor = state.lessor
        if self._raft.leader != self._me or not lessor.is_primary:
            return UNANSWERED, 0
        if renew:
            ttl = lessor.renew(lease, tick)
            self._counts.leases_renewed += ttl is not None
            return (NO_SUCH_LEASE, 0) if ttl is None else (ttl, ttl)
        found = lessor.remaining(lease, tick)
        return (NO_SUCH_LEASE, 0) if found is None else found


def _refusal(members: Members, command: bytes) -> Failure | None:
    """What the members table says to the command of a membership change."""
    kind, body = decode_head(command)[1], command[COMMAND_HEAD_BYTES:]
    if kind == CommandKind.MEMBER_ADD:
        return members.check_add(from_message(rpc_pb2.Member.FromString(body)))
    if kind == CommandKind.MEMBER_PROMOTE:
        return members.check_promote(rpc_pb2.MemberPromoteRequest.FromString(body).ID)
    assert kind == CommandKind.MEMBER_REMOVE, f"command {kind} does not change membership"
    return members.check_exists(rpc_pb2.MemberRemoveRequest.FromString(body).ID)


def _by_origin(commands: list[bytes]) -> Iterable[tuple[int, list[bytes]]]:
    """Commands by the member that was asked for them."""
    found: dict[int, list[bytes]] = {}
    for command in commands:
        found.setdefault(decode_head(command)[2], []).append(command)
    return found.items()
