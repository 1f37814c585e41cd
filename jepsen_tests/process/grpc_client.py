"""A client of one member: grpcio, which is not ours, and nothing that repeats a call by itself.

What may have had an effect is told from what certainly had none. Without a connection nothing was
sent, which is certain; of a call that was sent, only the codes that etcd answers before it proposes
anything are.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from jepsen_tests.process.subnets import CLIENT_PORT
from jepsen_tests.world.outcomes import failure_of
from jepsen_tests.world.ports import KEEP_ALIVE_PATH, M, Refused, Unanswered
from raftkv.pb import rpc_pb2

CONNECT_SECONDS_MAX = 1.0
"""A call that has found no connection in this time was not sent."""
WATCH_PATH = "/etcdserverpb.Watch/Watch"
_OPTIONS = [
    # Whether a call is made again is for the workload to say, never for the library.
    ("grpc.enable_retries", 0),
    # Clients do not share connections, and look for a member again soon after it was gone.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
]
_WATCH_OPTIONS = [
    *_OPTIONS,
    # A watch behind a partition would wait for ever; etcd allows a ping each five seconds.
    ("grpc.keepalive_time_ms", 6_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
]


class GrpcClient:
    """A client of one member; its connection is made when the first call needs it."""

    def __init__(self, member: str, address: str) -> None:
        """Takes the member's name and address; its port is the usual one."""
        self.member = member
        self._target = f"{address}:{CLIENT_PORT}"
        self._channel: grpc.aio.Channel | None = None
        self._streams: set[GrpcWatch] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def call(
        self, method: str, request: Message, response_type: type[M], timeout_seconds: float
    ) -> M:
        """Calls a method once.

        Raises:
            Refused: It certainly had no effect.
            Unanswered: It may have had one.
        """
        channel = await self._connected(timeout_seconds)
        try:
            if method == KEEP_ALIVE_PATH:
                return await _call_stream(channel, method, request, response_type, timeout_seconds)
            unary = channel.unary_unary(
                method,
                request_serializer=_encoded,
                response_deserializer=response_type.FromString,
            )
            answer: M = await unary(request, timeout=timeout_seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                self._hang_up()  # Behind a partition a connection may be dead without a sign.
            raise failure_of(error.code().name, error.details() or "") from error
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise Unanswered("the connection was closed") from None
        else:
            return answer

    def watch(self, request: rpc_pb2.WatchCreateRequest) -> "GrpcWatch":
        """Opens a watch, on a connection of its own."""
        stream = GrpcWatch(self.member, self._target, request)
        self._streams.add(stream)
        return stream

    async def close(self) -> None:
        """Ends the connection, and the watches."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()
        self._hang_up()
        await asyncio.gather(*self._closing)

    async def _connected(self, timeout_seconds: float) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        channel = self._channel
        if channel.get_state() is grpc.ChannelConnectivity.READY:
            return channel
        try:
            limit = min(timeout_seconds, CONNECT_SECONDS_MAX)
            await asyncio.wait_for(channel.channel_ready(), limit)
        except TimeoutError:
            raise Refused("UNAVAILABLE", "no connection; nothing was sent") from None
        except grpc.aio.UsageError:
            raise Refused("CANCELLED", "the connection was closed; nothing was sent") from None
        return channel

    def _hang_up(self) -> None:
        if self._channel is not None:
            task = asyncio.get_running_loop().create_task(self._channel.close(grace=None))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._channel = None


def _is_being_cancelled() -> bool:
    """Whether it is the caller that somebody wants to end, and not the call alone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _encoded(message: Message) -> bytes:
    return message.SerializeToString()


async def _call_stream(
    channel: grpc.aio.Channel,
    method: str,
    request: Message,
    response_type: type[M],
    timeout_seconds: float,
) -> M:
    """Asks one question on a stream of its own."""
    stream = channel.stream_stream(
        method,
        request_serializer=_encoded,
        response_deserializer=response_type.FromString,
    )(timeout=timeout_seconds)
    try:
        await stream.write(request)
        answer = await stream.read()
    except asyncio.InvalidStateError as error:
        raise Unanswered("the stream ended") from error
    finally:
        stream.cancel()
    if not isinstance(answer, response_type):
        raise Unanswered("the stream ended without an answer")
    return answer


class GrpcWatch:
    """The responses of one watch."""

    def __init__(self, member: str, target: str, request: rpc_pb2.WatchCreateRequest) -> None:
        self.member = member
        self._target = target
        self._request = request
        self._call: Any = None
        self._wants_progress = asyncio.Event()
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        """The responses as they come, until `close`; raises Unanswered when the stream breaks."""
        return self._responses()

    def request_progress(self) -> None:
        """Asks for a response that says up to which revision everything was told."""
        self._wants_progress.set()

    def close(self) -> None:
        """Ends it."""
        self._is_closed = True
        self.break_off()

    def break_off(self) -> None:
        """Breaks the stream, as a network does."""
        if self._call is not None:
            self._call.cancel()

    async def _responses(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        async with grpc.aio.insecure_channel(self._target, options=_WATCH_OPTIONS) as channel:
            self._call = channel.stream_stream(
                WATCH_PATH,
                request_serializer=_encoded,
                response_deserializer=rpc_pb2.WatchResponse.FromString,
            )()
            asking = asyncio.get_running_loop().create_task(self._ask(self._call))
            try:
                while not self._is_closed:
                    response = await self._next()
                    if response is None:
                        return
                    yield response
            finally:
                asking.cancel()
                self._call.cancel()

    async def _next(self) -> rpc_pb2.WatchResponse | None:
        """The next response; None: it was closed."""
        # A call that is cancelled cancels those who read it: only the reader may suffer that.
        reader = asyncio.ensure_future(self._call.read())
        try:
            await asyncio.wait({reader})
        finally:
            reader.cancel()
        if self._is_closed:
            return None
        if reader.cancelled():
            raise Unanswered("the stream was broken off")
        error = reader.exception()
        if isinstance(error, grpc.aio.AioRpcError):
            raise Unanswered(f"{error.code().name}: {error.details()}") from error
        response = reader.result()
        if not isinstance(response, rpc_pb2.WatchResponse):
            raise Unanswered("the member ended the stream")
        return response

    async def _ask(self, call: Any) -> None:  # noqa: ANN401 - grpcio has no types
        """Sends the requests; when the stream breaks, whoever reads is told."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(rpc_pb2.WatchRequest(create_request=self._request))
            progress = rpc_pb2.WatchRequest(progress_request=rpc_pb2.WatchProgressRequest())
            while True:
                await self._wants_progress.wait()
                self._wants_progress.clear()
                await call.write(progress)
