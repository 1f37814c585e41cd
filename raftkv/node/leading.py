"""What only a leader does: take other members' requests, keep leases, refuse unwise membership changes."""

from collections.abc import Callable, Iterable

from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure, decode_head, encode_command
from raftkv.node.lease_queries import NO_SUCH_LEASE, UNANSWERED
from raftkv.node.offers import request_ids
from raftkv.node.ports import Transport
from raftkv.pb import rpc_pb2
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    LeaseRequest,
    LeaseResponse,
    ProposalsRejected,
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
        *,
        strict_reconfig_check: bool,
        healthy_ticks: int,
    ) -> None:
        self._raft = raft
        self._me = raft.member_id
        self._transport = transport
        self._strict_reconfig_check = strict_reconfig_check
        self._healthy_ticks = healthy_ticks
        self._last_context = 0
        self._remote_reads: dict[int, tuple[int, int]] = {}
        """Core context -> (member, its context). Negative, so that they never meet this member's own."""

    # -- requests of other members

    def on_proposals(self, message: ForwardProposals) -> None:
        """Takes another member's commands into the log."""
        if self._raft.leader != self._me or message.term != self._raft.term:
            self.reject(message.commands, Failure.LEADER_CHANGED)
            return
        self._raft.step(Propose(message.commands))

    def on_membership(self, message: ForwardMembership) -> None:
        """Takes another member's membership change, if it is wise."""
        if self._raft.leader != self._me or message.term != self._raft.term:
            self.reject([message.context], Failure.LEADER_CHANGED)
            return
        changes = tuple(MembershipChange(action, member) for action, member in message.changes)
        failure = self.check_membership(changes)
        if failure is not None:
            self.reject([message.context], failure)
            return
        self._raft.step(ProposeMembership(changes, message.context))

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
        by_origin: dict[int, list[bytes]] = {}
        for command in commands:
            by_origin.setdefault(decode_head(command)[2], []).append(command)
        self._transport.send(
            [
                ProposalsRejected(origin, self._me, request_ids(theirs), failure.name)
                for origin, theirs in by_origin.items()
            ]
        )

    # -- membership

    def check_membership(self, changes: tuple[MembershipChange, ...]) -> Failure | None:
        """What etcd's strict check, and its check of learners, say to a change."""
        raft = self._raft
        for change in changes:
            if change.action == "add_voter" and change.member in raft.membership.learners:
                match = {peer.member: peer.match for peer in raft.status.peers}
                if match.get(change.member, 0) < raft.last_index * _READY_MATCH:
                    return Failure.LEARNER_NOT_READY
        if not self._strict_reconfig_check:
            return None
        voters = raft.membership.voters
        connected = [m for m in voters if m == self._me or self._transport.is_connected(m)]
        after = len(voters)
        for change in changes:
            if change.action == "add_voter" and change.member not in voters:
                after += 1
            if change.action == "remove" and change.member in voters:
                after -= 1
                connected = [m for m in connected if m != change.member]
        if after and len(connected) < after // 2 + 1 and after <= len(voters):
            return Failure.NOT_ENOUGH_STARTED_MEMBERS
        if any(change.action == "add_voter" for change in changes) and not self._all_healthy():
            return Failure.UNHEALTHY
        return None

    def _all_healthy(self) -> bool:
        voters = self._raft.membership.voters
        healthy = sum(
            1
            for member in voters
            if member == self._me
            or self._transport.active_since_ticks(member) >= self._healthy_ticks
        )
        return healthy >= len(voters) // 2 + 1

    # -- leases

    def expire_leases(self, state: StateMachine, tick: int, expirations_max: int) -> None:
        """Proposes to revoke what has expired: never forwarded, so only a leader of now can do it."""
        due = []
        for lease in state.lessor.expired(tick, expirations_max):
            body = rpc_pb2.LeaseRevokeRequest(ID=lease).SerializeToString()
            due.append(encode_command(CommandKind.LEASE_REVOKE, self._me, 0, body))
        if due:
            self._raft.step(Propose(due))

    def forget(self) -> None:
        """Leadership is over."""
        self._remote_reads.clear()

    def lease_answer(
        self,
        state: StateMachine,
        lease: int,
        renew: bool,
        tick: int,  # noqa: FBT001
    ) -> tuple[int, int]:
        """(remaining, granted) seconds, renewed if asked; only meaningful after a read barrier."""
        lessor = state.lessor
        if self._raft.leader != self._me or not lessor.is_primary:
            return UNANSWERED, 0
        if renew:
            ttl = lessor.renew(lease, tick)
            return (NO_SUCH_LEASE, 0) if ttl is None else (ttl, ttl)
        found = lessor.remaining(lease, tick)
        return (NO_SUCH_LEASE, 0) if found is None else found

    def on_lease_request(
        self,
        message: LeaseRequest,
        barrier: Callable[[Callable[[Failure | None], None]], None],
        answer: Callable[[int, bool], tuple[int, int]],
    ) -> None:
        """Answers another member about a lease, once leadership is proved."""

        def when_proved(failure: Failure | None) -> None:
            ttl, granted = (UNANSWERED, 0) if failure else answer(message.lease, message.renew)
            self._transport.send(
                [LeaseResponse(message.sender, self._me, message.context, ttl, granted)]
            )

        barrier(when_proved)
