"""Streams between clients and simulated members: watches, and the renewal of a lease."""

from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from typing_extensions import override

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.wiring import Wire
from jepsen_tests.sim.world import MILLISECOND, SECOND
from jepsen_tests.world.outcomes import failure_of
from jepsen_tests.world.ports import Refused, Unanswered, WatchStream
from jepsen_tests.world.virtual import VirtualFuture
from raftkv.pb import rpc_pb2
from raftkv.service.watch import PATH as WATCH_PATH
from raftkv.wire import Code

if TYPE_CHECKING:
    from jepsen_tests.sim.serving import SimStream
    from raftkv.node.node import Node

RETRY_US = 50 * MILLISECOND
"""How soon a reader that was held up looks again."""
KEEPALIVE_US = 5 * SECOND
"""After so long without a sign of the member a client takes the connection for dead."""
SLOW_READ_US = 300 * MILLISECOND
SLOW_READ_CHANCE = 0.02
"""How often a client lets its stream wait, so that the member has to keep what it would send."""


class SimWatch(WatchStream):
    """A watch, on a stream of its own."""

    def __init__(
        self,
        cluster: SimCluster,
        wire: Wire,
        member: str,
        request: rpc_pb2.WatchCreateRequest,
    ) -> None:
        self._cluster = cluster
        self._wire = wire
        self._member = member
        self._request = rpc_pb2.WatchRequest(create_request=request).SerializeToString()
        self._stream: SimStream | None = None
        self._node: Node | None = None
        self._arrived: deque[rpc_pb2.WatchResponse] = deque()
        self._waiting: VirtualFuture[None] | None = None
        self._error: Exception | None = None
        self._is_closed = False
        self._is_carrying = False
        self._held_up_us = 0
        wire.to_member(self._arrive, self._is_over)

    @property
    @override
    def member(self) -> str:
        return self._member

    @override
    def __aiter__(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        return self

    async def __anext__(self) -> rpc_pb2.WatchResponse:
        """The next response."""
        while not self._arrived:
            if self._is_closed:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            self._waiting = VirtualFuture()
            await self._waiting
        return self._arrived.popleft()

    @override
    def request_progress(self) -> None:
        message = rpc_pb2.WatchRequest(progress_request=rpc_pb2.WatchProgressRequest())

        def arrive(_: SimMember) -> None:
            if self._stream is not None and self._is_there():
                self._stream.receive(message.SerializeToString())

        self._wire.to_member(arrive, self._is_over)

    @override
    def close(self) -> None:
        if self._is_over():
            return
        self._is_closed = True
        self._wake()
        self._wire.to_member(self._hang_up, lambda: False)

    def _is_over(self) -> bool:
        return self._is_closed or self._error is not None

    def _is_there(self) -> bool:
        """Whether the member's process is still the one that the stream was opened at."""
        return self._node is not None and self._wire.place.node is self._node

    def _hang_up(self, _: SimMember) -> None:
        if self._stream is not None and self._is_there():
            self._stream.hang_up()

    def _arrive(self, place: SimMember) -> None:
        if self._is_over():
            return
        port = place.port
        if port is None or not port.is_serving:
            refused = Unanswered("UNAVAILABLE: connection refused")
            self._wire.to_client(lambda: self._break(refused), self._is_over)
            return
        self._node = place.node
        self._stream = port.open(WATCH_PATH, self._on_output, self._lost)
        self._stream.receive(self._request)

    def _lost(self) -> None:
        reset = Unanswered("UNAVAILABLE: connection reset")
        self._wire.to_client(lambda: self._break(reset), self._is_over)

    def _on_output(self) -> None:
        if not self._is_carrying:
            self._is_carrying = True
            self._cluster.world.after(self._wire.delay_us(), self._carry)

    def _carry(self) -> None:
        """What the member has sent arrives, unless something holds it up."""
        self._is_carrying = False
        stream = self._stream
        if self._is_over() or stream is None or not self._is_there():
            return
        if self._wire.place.paused or self._wire.is_cut_towards_client:
            self._hold_up()
            return
        self._held_up_us = 0
        chance = self._cluster.world.random
        is_slow = chance.random() < SLOW_READ_CHANCE
        for _ in range(1 if is_slow else len(stream.output)):
            if stream.output:
                response = rpc_pb2.WatchResponse.FromString(stream.take())
                self._arrived.append(response)
        if stream.output:
            self._later(SLOW_READ_US if is_slow else self._wire.delay_us())
        elif stream.status is not None:
            code, text = stream.status
            self._error = Unanswered(f"{Code(code).name}: {text}")
        self._wake()

    def _hold_up(self) -> None:
        self._held_up_us += RETRY_US
        if self._held_up_us > KEEPALIVE_US:
            self._break(Unanswered("UNAVAILABLE: keepalive ping failed"))
        else:
            self._later(RETRY_US)

    def _later(self, delay_us: int) -> None:
        if not self._is_carrying:
            self._is_carrying = True
            self._cluster.world.after(delay_us, self._carry)

    def _break(self, error: Exception) -> None:
        self._error = error
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set(None)


class SingleAnswer:
    """A stream of one request, that ends with the first response."""

    def __init__(self, wire: Wire, path: str, message: bytes, answer: VirtualFuture[bytes]) -> None:
        self._wire = wire
        self._path = path
        self._message = message
        self._answer = answer
        self._stream: SimStream | None = None
        wire.to_member(self._arrive, self._is_over)

    def _is_over(self) -> bool:
        return self._answer.is_done

    def _arrive(self, place: SimMember) -> None:
        port = place.port
        if port is None or not port.is_serving:
            self._fail(Refused("UNAVAILABLE", "connection refused; nothing was sent"))
            return
        self._stream = port.open(self._path, self._on_output, self._lost)
        if self._stream.status is None:
            self._stream.receive(self._message)
        self._on_output()

    def _on_output(self) -> None:
        stream = self._stream
        if stream is None:
            return
        if stream.output:
            message, self._stream = stream.take(), None
            self._wire.to_client(lambda: self._answer.set(message), self._is_over)
            stream.hang_up()
        elif stream.status is not None:
            code, text = stream.status
            self._stream = None
            self._fail(failure_of(Code(code).name, text))

    def _lost(self) -> None:
        self._fail(Unanswered("UNAVAILABLE: connection reset"))

    def _fail(self, error: Exception) -> None:
        self._wire.to_client(lambda: self._answer.fail(error), self._is_over)
