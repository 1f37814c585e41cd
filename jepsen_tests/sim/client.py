"""Clients of simulated members: what they ask goes to the production services, and back.

A connection is TCP's: requests to a member that does not listen are refused, a crash resets it, a
partition holds everything up. What was sent to a paused member waits there and is carried out when
that goes on, whether or not anybody still waits for the answer.
"""

from google.protobuf.message import Message
from typing_extensions import override

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.stream import SimWatch, SingleAnswer
from jepsen_tests.sim.wiring import Wire, member_id_of
from jepsen_tests.world.outcomes import failure_of
from jepsen_tests.world.ports import KEEP_ALIVE_PATH, Client, M, Refused, Unanswered
from jepsen_tests.world.virtual import MICROSECONDS, VirtualFuture
from raftkv.pb import rpc_pb2
from raftkv.wire import Code


class SimClient(Client):
    """A client of one member."""

    def __init__(self, cluster: SimCluster, member: str) -> None:
        self._member = member
        self._cluster = cluster
        self._wire = Wire(cluster, member_id_of(member))

    @property
    @override
    def member(self) -> str:
        return self._member

    @override
    async def call(
        self, method: str, request: Message, response_type: type[M], timeout_seconds: float
    ) -> M:
        answer: VirtualFuture[bytes] = VirtualFuture()
        message = request.SerializeToString()
        if method == KEEP_ALIVE_PATH:
            SingleAnswer(self._wire, method, message, answer)
        else:
            _Exchange(self._wire, method, message, answer)
        timer = self._cluster.world.after(
            round(timeout_seconds * MICROSECONDS),
            lambda: answer.fail(Unanswered("DEADLINE_EXCEEDED: context deadline exceeded")),
        )
        try:
            return response_type.FromString(await answer)
        finally:
            timer.cancel()

    @override
    def watch(self, request: rpc_pb2.WatchCreateRequest) -> SimWatch:
        return SimWatch(self._cluster, self._wire, self._member, request)


class _Exchange:
    """One unary call, on its way there and back."""

    def __init__(
        self, wire: Wire, method: str, message: bytes, answer: VirtualFuture[bytes]
    ) -> None:
        self._wire = wire
        self._method = method
        self._message = message
        self._answer = answer
        wire.to_member(self._arrive, self._is_over)

    def _is_over(self) -> bool:
        return self._answer.is_done

    def _arrive(self, place: SimMember) -> None:
        port = place.port
        if port is None or not port.is_serving:
            self._wire.to_client(self._refused, self._is_over)
        else:
            port.call(self._method, self._message, self._ended, self._lost)

    def _refused(self) -> None:
        self._answer.fail(Refused("UNAVAILABLE", "connection refused; nothing was sent"))

    def _lost(self) -> None:
        def tell() -> None:
            self._answer.fail(Unanswered("UNAVAILABLE: connection reset"))

        self._wire.to_client(tell, self._is_over)

    def _ended(self, code: int, what: bytes | str) -> None:
        def tell() -> None:
            if isinstance(what, bytes):
                self._answer.set(what)
            else:
                self._answer.fail(failure_of(Code(code).name, what))

        self._wire.to_client(tell, self._is_over)
