"""A client of one member: grpcio, which is not ours, and nothing that repeats a call by itself.

What may have had an effect is told from what certainly had none. Without a connection nothing was
sent, which is certain; of a call that was sent, only the codes that etcd answers before it proposes
anything are.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from jepsen_tests.process.subnets import CLIENT_PORT
from jepsen_tests.world.ports import M, Refused, Unanswered
from raftkv.pb import rpc_pb2

CONNECT_SECONDS_MAX = 1.0
"""A call that has found no connection in this time was not sent."""
WATCH_PATH = "/etcdserverpb.Watch/Watch"
KEEP_ALIVE_PATH = "/etcdserverpb.Lease/LeaseKeepAlive"
"""A stream in etcd's API; here each request has one of its own, of one request."""
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
_WITHOUT_EFFECT = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)


class GrpcClient:
    """A client of one member; its connection is made when the first call needs it."""

    def __init__(self, address: str) -> None:
        """Takes the member's address; its port is the usual one."""
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
            raise _failure(error) from error
        else:
            return answer

    def watch(self, request: rpc_pb2.WatchCreateRequest) -> "GrpcWatch":
        """Opens a watch, on a connection of its own."""
        stream = GrpcWatch(self._target, request)
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
        return channel

    def _hang_up(self) -> None:
        if self._channel is not None:
            task = asyncio.get_running_loop().create_task(self._channel.close(grace=None))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._channel = None


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


def _failure(error: grpc.aio.AioRpcError) -> Refused | Unanswered:
    code, text = error.code(), error.details() or ""
    if code in _WITHOUT_EFFECT:
        return Refused(code.name, text)
    return Unanswered(f"{code.name}: {text}")


class GrpcWatch:
    """The responses of one watch; ends with Unanswered when the stream breaks."""

    def __init__(self, target: str, request: rpc_pb2.WatchCreateRequest) -> None:
        self._target = target
        self._request = request
        self._channel: grpc.aio.Channel | None = None
        self._call: Any = None
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        """The responses as they come, until `close`."""
        return self._responses()

    def close(self) -> None:
        """Ends it."""
        self._is_closed = True
        if self._call is not None:
            self._call.cancel()

    async def _responses(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        async with grpc.aio.insecure_channel(self._target, options=_OPTIONS) as channel:
            self._call = channel.stream_stream(
                WATCH_PATH,
                request_serializer=_encoded,
                response_deserializer=rpc_pb2.WatchResponse.FromString,
            )()
            try:
                if not self._is_closed:
                    await self._call.write(rpc_pb2.WatchRequest(create_request=self._request))
                while not self._is_closed:
                    response = await self._call.read()
                    if not isinstance(response, rpc_pb2.WatchResponse):
                        return
                    yield response
            except asyncio.CancelledError:
                if not self._is_closed:
                    raise
            except grpc.aio.AioRpcError as error:
                if not self._is_closed:
                    raise Unanswered(f"{error.code().name}: {error.details()}") from error
            except asyncio.InvalidStateError as error:
                if not self._is_closed:
                    raise Unanswered("the stream ended") from error
            finally:
                self._call.cancel()
