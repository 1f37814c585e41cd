"""etcdserverpb.Cluster: list, add, remove, update and promote members.

What can be checked against the members table is checked here, for a quick and exact answer; the
leader checks what only it knows, and the state machine everything again when it applies. The
headers of these responses carry no revision, as on etcd.
"""

from functools import partial

from raftkv.cluster.identity import member_id
from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.events import MembershipChange
from raftkv.service.header import Headers
from raftkv.service.ports import Call, Host, Node
from raftkv.service.reconfigure import may_add_voter, may_promote, may_remove
from raftkv.service.status import BAD_MEMBER_URLS, fail
from raftkv.service.urls import parse_urls

_NO_REVISION = 0


class ClusterService:
    """The cluster service of one member; `strict` is the flag --strict-reconfig-check."""

    def __init__(
        self, node: Node, host: Host, headers: Headers, *, strict: bool, learners_max: int
    ) -> None:
        self._node = node
        self._host = host
        self._headers = headers
        self._strict = strict
        self._learners_max = learners_max

    def add(self, call: Call, message: bytes) -> None:
        """MemberAdd: the new member may start when this is answered."""
        request = pb.MemberAddRequest.FromString(message)
        urls = parse_urls(request.peerURLs)
        if urls is None:
            fail(call, BAD_MEMBER_URLS)
            return
        members = self._node.state.members
        if self._strict and not request.isLearner and not may_add_voter(members.all()):
            fail(call, Failure.NOT_ENOUGH_STARTED_MEMBERS)
            return
        new = Member(
            member_id(urls, "", self._host.unix_seconds()),
            peer_urls=urls,
            is_learner=request.isLearner,
        )
        failure = members.check_add(new, self._learners_max)
        if failure is not None:
            fail(call, failure)
            return
        action = "add_learner" if new.is_learner else "add_voter"
        self._change(call, action, new.id, CommandKind.MEMBER_ADD, new.message())

    def remove(self, call: Call, message: bytes) -> None:
        """MemberRemove: its id never comes back."""
        request = pb.MemberRemoveRequest.FromString(message)
        members = self._node.state.members
        if self._strict and not may_remove(members.all(), request.ID):
            fail(call, Failure.NOT_ENOUGH_STARTED_MEMBERS)
            return
        failure = members.check_exists(request.ID)
        if failure is not None:
            fail(call, failure)
            return
        self._change(call, "remove", request.ID, CommandKind.MEMBER_REMOVE, request)

    def promote(self, call: Call, message: bytes) -> None:
        """MemberPromote: makes a learner that has caught up a voter."""
        request = pb.MemberPromoteRequest.FromString(message)
        members = self._node.state.members
        failure = members.check_promote(request.ID)
        if failure is not None:
            fail(call, failure)
        elif self._strict and not may_promote(members.all()):
            fail(call, Failure.NOT_ENOUGH_STARTED_MEMBERS)
        else:
            self._change(call, "add_voter", request.ID, CommandKind.MEMBER_PROMOTE, request)

    def update(self, call: Call, message: bytes) -> None:
        """MemberUpdate: gives a member other peer URLs."""
        request = pb.MemberUpdateRequest.FromString(message)
        urls = parse_urls(request.peerURLs)
        if urls is None:
            fail(call, BAD_MEMBER_URLS)
            return
        failure = self._node.state.members.check_update(request.ID, urls)
        if failure is not None:
            fail(call, failure)
            return
        body = pb.MemberUpdateRequest(ID=request.ID, peerURLs=urls).SerializeToString()
        self._node.propose(CommandKind.MEMBER_UPDATE, body, partial(self._answer, call))

    def list(self, call: Call, message: bytes) -> None:
        """MemberList: after a round with the leader if asked for."""
        if pb.MemberListRequest.FromString(message).linearizable:
            self._node.read_barrier(partial(self._list_now, call))
        else:
            self._list_now(call, None)

    def _list_now(self, call: Call, failure: Failure | None) -> None:
        if failure is not None:
            fail(call, failure)
            return
        members = [member.message() for member in self._node.state.members.all()]
        body = pb.MemberListResponse(members=members).SerializeToString()
        call.reply(self._headers.field(_NO_REVISION) + body)

    def _change(
        self,
        call: Call,
        action: str,
        member: int,
        kind: CommandKind,
        command: pb.Member | pb.MemberRemoveRequest | pb.MemberPromoteRequest,
    ) -> None:
        self._node.propose_membership(
            (MembershipChange(action, member),),
            kind,
            command.SerializeToString(),
            partial(self._answer, call),
        )

    def _answer(self, call: Call, result: Result) -> None:
        if isinstance(result, tuple):
            call.reply(self._headers.field(_NO_REVISION) + result[1])
        else:
            fail(call, result)
