"""etcdserverpb.Lease: grant, revoke, keep alive, look up.

Grants and revocations go through the log. How long a lease still lives only the leader knows; it is
asked directly, and a renewal leaves no trace in the log.
"""

from functools import partial

from google.protobuf.message import DecodeError

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.answers import Answers
from raftkv.service.header import Headers
from raftkv.service.ports import Call, Host, Node, Stream
from raftkv.service.quota import LEASE_BYTES, Quota
from raftkv.service.status import BAD_MESSAGE, fail, finish

NO_SUCH_LEASE = -1
RENEWALS_WAITING_MAX = 10_000
"""Unanswered renewals of one stream; beyond it the stream ends with `too many requests`."""


class LeaseService:
    """The lease service of one member; `ttl_seconds_min` is what shorter leases are raised to."""

    def __init__(
        self, node: Node, host: Host, headers: Headers, quota: Quota, ttl_seconds_min: int
    ) -> None:
        self._node = node
        self._host = host
        self._headers = headers
        self._answer = Answers(headers).answer
        self._quota = quota
        self._ttl_seconds_min = ttl_seconds_min

    def grant(self, call: Call, message: bytes) -> None:
        """LeaseGrant: picks an id where the client has none, and raises a TTL that is too short."""
        request = pb.LeaseGrantRequest.FromString(message)
        if not self._quota.has_room(LEASE_BYTES):
            fail(call, Failure.NO_SPACE)
            return
        if request.ID == 0:
            request.ID = self._host.random_id()
        request.TTL = max(request.TTL, self._ttl_seconds_min)
        body = request.SerializeToString()
        self._node.propose(CommandKind.LEASE_GRANT, body, partial(self._answer, call))

    def revoke(self, call: Call, message: bytes) -> None:
        """LeaseRevoke: deletes the lease and its keys."""
        pb.LeaseRevokeRequest.FromString(message)
        self._node.propose(CommandKind.LEASE_REVOKE, message, partial(self._answer, call))

    def keep_alive(self, stream: Stream) -> None:
        """LeaseKeepAlive: a renewal for each request."""
        _KeepAlive(self._node, self._headers, stream)

    def time_to_live(self, call: Call, message: bytes) -> None:
        """LeaseTimeToLive: what is left of a lease, and its keys if asked for."""
        request = pb.LeaseTimeToLiveRequest.FromString(message)
        if request.keys:
            # The keys are read here: they must be as new as what the leader says about the lease.
            self._node.read_barrier(partial(self._ask_time, call, request))
        else:
            self._ask_time(call, request, None)

    def _ask_time(
        self, call: Call, request: pb.LeaseTimeToLiveRequest, failure: Failure | None
    ) -> None:
        if failure is not None:
            fail(call, failure)
            return
        on_answer = partial(self._on_time, call, request)
        self._node.lease_query(request.ID, False, on_answer)  # noqa: FBT003

    def _on_time(
        self, call: Call, request: pb.LeaseTimeToLiveRequest, ttl: int, granted_ttl: int
    ) -> None:
        if ttl < NO_SUCH_LEASE:
            fail(call, unanswered(self._node))
            return
        body = pb.LeaseTimeToLiveResponse(ID=request.ID, TTL=ttl)
        if ttl != NO_SUCH_LEASE:
            body.grantedTTL = granted_ttl
            if request.keys:
                body.keys.extend(self._node.state.lessor.keys(request.ID))
        header = self._headers.field(self._node.state.store.revision)
        call.reply(header + body.SerializeToString())

    def leases(self, call: Call, message: bytes) -> None:
        """LeaseLeases: the ids of all leases, as this member knows them."""
        pb.LeaseLeasesRequest.FromString(message)
        state = self._node.state
        body = pb.LeaseLeasesResponse(leases=[pb.LeaseStatus(ID=i) for i in state.lessor.ids()])
        call.reply(self._headers.field(state.store.revision) + body.SerializeToString())


class _KeepAlive:
    """One stream of renewals. Each is answered when the leader has answered it."""

    def __init__(self, node: Node, headers: Headers, stream: Stream) -> None:
        self._node = node
        self._headers = headers
        self._stream = stream
        self._waiting = 0
        self._half_closed = False
        stream.on_message = self._on_message
        stream.on_half_close = self._on_half_close

    def _on_message(self, message: bytes) -> None:
        try:
            lease_id = pb.LeaseKeepAliveRequest.FromString(message).ID
        except DecodeError:
            finish(self._stream, BAD_MESSAGE)
            return
        if self._waiting >= RENEWALS_WAITING_MAX:
            finish(self._stream, Failure.TOO_MANY_REQUESTS)
            return
        self._waiting += 1
        # The header is older than the renewal: a lease that is revoked at a later revision than the
        # one in the header may have been renewed before, never the other way round.
        header = self._headers.field(self._node.state.store.revision)
        on_answer = partial(self._on_answer, lease_id, header)
        self._node.lease_query(lease_id, True, on_answer)  # noqa: FBT003

    def _on_answer(self, lease_id: int, header: bytes, ttl: int, _granted_ttl: int) -> None:
        self._waiting -= 1
        if ttl < NO_SUCH_LEASE:
            finish(self._stream, unanswered(self._node))
            return
        body = pb.LeaseKeepAliveResponse(ID=lease_id, TTL=max(ttl, 0))
        self._stream.send(header + body.SerializeToString())
        self._end_if_done()

    def _on_half_close(self) -> None:
        self._half_closed = True
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._half_closed and not self._waiting:
            self._stream.finish()


def unanswered(node: Node) -> Failure:
    """Why the leader did not say how long a lease lives."""
    return Failure.TIMEOUT if node.raft.leader else Failure.NO_LEADER
