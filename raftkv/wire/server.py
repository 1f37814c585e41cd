"""The server role: the loop over a read's frames, the way of a call, and leaving in peace.

The hot path is the one in `parse`: a HEADERS frame whose block is known, a DATA frame that holds
the whole request and ends it, and the handler called on the spot. Whatever is different about a
request, padding, several frames, compression, a stream, sends it the long way, which does the same
with more checks.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from struct import Struct

from typing_extensions import override

from raftkv.config import WireConfig
from raftkv.wire import frames
from raftkv.wire.answering import AnsweringConnection
from raftkv.wire.data_frames import end_remote, grant
from raftkv.wire.errors import ConnectionViolationError, ErrorCode, StreamViolationError
from raftkv.wire.header_cache import HeaderCache
from raftkv.wire.hpack_decoder import Decoder
from raftkv.wire.keepalive import PingPolicy
from raftkv.wire.message import PREFIX_BYTES, CallError, parse_timeout
from raftkv.wire.request_head import (
    EXPIRED,
    RequestHead,
    interpret_request,
    refuse_timeout,
    refused_head,
)
from raftkv.wire.routes import MethodKind, Routes
from raftkv.wire.server_call import ServerStream, UnaryCall

_DRAIN_PING = b"raftkv:)"
_OTHER_BITS = 0xFFFFFFFF ^ (frames.FRAME_BYTES_MIN - 1 << 8)
"""Of a frame's length and type: all but the length's bits that a frame of legal size has."""
_READ_FRAME = frames.FRAME_HEADER.unpack_from
_READ_MESSAGE_START = Struct(">IBIBI").unpack_from
"""A DATA frame's header and the message's prefix."""
_MESSAGE_START_BYTES = frames.FRAME_HEADER_BYTES + PREFIX_BYTES
_REQUEST_BYTES_MIN = 2 * frames.FRAME_HEADER_BYTES + 1
"""No stream can be opened and used with less."""


class _Leaving(Enum):
    """How far a graceful shutdown is (RFC 9113, section 6.8)."""

    NO = "no"
    ANNOUNCED = "announced"
    """GOAWAY for no stream in particular is sent; new streams are still taken."""
    REFUSING = "refusing"
    """GOAWAY with the last stream is sent."""


class ServerConnection(AnsweringConnection):
    """One client's connection."""

    def __init__(self, routes: Routes, config: WireConfig, on_output: Callable[[], None]) -> None:
        super().__init__(config, on_output)
        self._cache: HeaderCache[RequestHead] = HeaderCache(
            Decoder(apart="grpc-timeout"), partial(interpret_request, routes=routes), config
        )
        self._request_bytes_max = min(
            config.message_bytes_max, frames.FRAME_BYTES_MIN - PREFIX_BYTES
        )
        self._next_id = 1
        self._skipped_ids = 0
        self._has_preface = False
        self._is_smooth = False
        """New streams need no check but their id."""
        self._pings = PingPolicy(config)
        self._leaving = _Leaving.NO
        self._leaving_since_ms = 0
        self._last_id = 0

    # What the I/O layer calls.

    @property
    def calls_started(self) -> int:
        """Streams that the client has opened so far."""
        return (self._next_id - 1) // 2 - self._skipped_ids

    @property
    @override
    def should_close(self) -> bool:
        return self.is_closed or (self._leaving is _Leaving.REFUSING and not self.streams)

    def shutdown(self) -> None:
        """Lets the client finish its calls and go elsewhere; `should_close` says when it has.

        In two steps, so that no request is lost: the client first learns that it should leave, and
        when the answer to a PING shows that it knows, which of its calls are the last.
        """
        if self._leaving is not _Leaving.NO or self.is_closed:
            return
        self._leaving = _Leaving.ANNOUNCED
        self._leaving_since_ms = self.now_ms
        if self._has_preface:
            self.write(frames.goaway(frames.STREAM_ID_MAX, ErrorCode.NO_ERROR))
            self.write(frames.ping(_DRAIN_PING))
        else:
            self._leaving = _Leaving.REFUSING

    # Reading.

    @override
    def parse(self, data: bytes) -> int:  # noqa: PLR0915 - the hot loop, in one piece
        if not self._has_preface:
            return self._take_preface(data)
        position = 0
        end = len(data)
        streams = self.streams
        blocks = self._cache.blocks
        window = self.window
        self._see_whether_smooth(end)
        while end - position >= 9:
            size_kind, flags, stream_id = _READ_FRAME(data, position)
            start = position + 9
            stop = start + (size_kind >> 8)
            if stop > end:
                self.check_frame_size(size_kind >> 8)
                break
            if (
                size_kind & _OTHER_BITS != frames.HEADERS
                or flags != frames.END_HEADERS
                or stream_id != self._next_id
                or not self._is_smooth
            ):
                position = stop
                self.on_frame(size_kind & 0xFF, flags, stream_id, data[start:stop])
                self._see_whether_smooth(end - position)
                continue
            block = data[start:stop]
            head = blocks.get(block)
            if head is None:
                head, timeout_ms = self._read_head(block)
            else:
                timeout_ms = head.timeout_ms
            self._next_id = stream_id + 2
            position = stop
            unary = head.unary
            if unary is not None and end - stop >= _MESSAGE_START_BYTES:
                size_kind, flags, data_id, compressed, size = _READ_MESSAGE_START(data, stop)
                start = stop + _MESSAGE_START_BYTES
                stop = start + size
                if (
                    size_kind == (size + PREFIX_BYTES) << 8 | frames.DATA
                    and flags == frames.END_STREAM
                    and data_id == stream_id
                    and not compressed
                    and stop <= end
                    and size <= self._request_bytes_max
                    and not self.is_congested
                ):
                    position = stop
                    call = UnaryCall(self, stream_id, head)
                    streams[stream_id] = call
                    if timeout_ms is not None:
                        call.limit_time(timeout_ms)
                    window.received += size + PREFIX_BYTES
                    if window.received > window.grant_at:
                        grant(self)
                    unary(call, data[start:stop])
                    continue
            self._open_or_reset(stream_id, head, timeout_ms)
        return position

    def _take_preface(self, data: bytes) -> int:
        """Checks the client's first bytes and sends ours, then goes on with the frames behind."""
        known = frames.PREFACE[: len(data)]
        if not data.startswith(known):
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "not HTTP/2")
        if len(known) < len(frames.PREFACE):
            return 0
        self._has_preface = True
        config = self.config
        self.write(
            frames.settings(
                (
                    (frames.MAX_CONCURRENT_STREAMS, config.concurrent_streams_max),
                    (frames.INITIAL_WINDOW_SIZE, config.receive_window_bytes),
                    (frames.MAX_HEADER_LIST_SIZE, config.header_list_bytes_max),
                )
            )
        )
        extra = config.receive_window_bytes - frames.WINDOW_BYTES_DEFAULT
        if extra:
            self.write(frames.window_update(0, extra))
        return len(known) + self.parse(data[len(known) :])

    def _see_whether_smooth(self, data_bytes: int) -> None:
        """Decides whether streams may be opened without checks while the next bytes are read."""
        self._is_smooth = (
            self.is_greeted
            and self.block is None
            and self._leaving is not _Leaving.REFUSING
            and len(self.streams) + data_bytes // _REQUEST_BYTES_MIN
            < self.config.concurrent_streams_max
        )

    def _read_head(self, block: bytes) -> tuple[RequestHead, int | None]:
        """Returns what a block means, and the deadline of its call."""
        if len(block) > self.config.header_block_bytes_max:
            raise ConnectionViolationError(ErrorCode.ENHANCE_YOUR_CALM, "too large a header block")
        head, timeout = self._cache.read(block)
        if timeout is None or head.is_malformed or head.refusal is not None:
            return head, head.timeout_ms
        try:
            timeout_ms = parse_timeout(timeout)
        except ValueError as error:
            return refused_head(refuse_timeout(error)), None
        return (head, timeout_ms) if timeout_ms else (refused_head(EXPIRED), None)

    @override
    def on_block(self, stream_id: int, flags: int, block: bytes) -> None:
        if stream_id % 2 == 0:
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "a client's stream is odd")
        # Whatever becomes of the stream, the decoder has to see each block.
        head, timeout_ms = self._read_head(block)
        is_end = bool(flags & frames.END_STREAM)
        if stream_id >= self._next_id:
            self._skipped_ids += (stream_id - self._next_id) // 2
            self._next_id = stream_id + 2
            self._open(stream_id, head, timeout_ms, is_end=is_end)
        else:
            self._take_trailers(stream_id, head, is_end=is_end)

    def _open_or_reset(self, stream_id: int, head: RequestHead, timeout_ms: int | None) -> None:
        """Opens a stream of which only the headers are here."""
        try:
            self._open(stream_id, head, timeout_ms, is_end=False)
        except StreamViolationError as violation:
            self.on_stream_violation(violation)

    def _open(
        self, stream_id: int, head: RequestHead, timeout_ms: int | None, *, is_end: bool
    ) -> None:
        """Opens a stream, or says why not."""
        if head.is_malformed:
            raise StreamViolationError(stream_id, ErrorCode.PROTOCOL_ERROR)
        is_full = len(self.streams) >= self.config.concurrent_streams_max
        if is_full or self._leaving is _Leaving.REFUSING:
            raise StreamViolationError(stream_id, ErrorCode.REFUSED_STREAM)
        method = head.method
        if head.refusal is not None or method is None:
            assert head.refusal is not None, head.path
            self.refuse(stream_id, head.refusal, is_end=is_end)
            return
        is_unary = method.kind is MethodKind.UNARY
        call = (UnaryCall if is_unary else ServerStream)(self, stream_id, head)
        call.is_remote_closed = False
        self.streams[stream_id] = call
        if timeout_ms is not None:
            call.limit_time(timeout_ms)
        try:
            if head.held_bytes:
                call.keep_head()
            if not is_unary:
                method.handler(call)
            if is_end and call.is_active:
                end_remote(call)
        except CallError as error:
            self.fail_stream(call, error.code, error.text)

    def _take_trailers(self, stream_id: int, head: RequestHead, *, is_end: bool) -> None:
        """Takes headers on a stream that is open or was (section 5.1, section 8.1)."""
        stream = self.streams.get(stream_id)
        if stream is None:
            if self.is_aborted(stream_id):
                self.count_useless()
                return
            code = ErrorCode.PROTOCOL_ERROR if self._skipped_ids else ErrorCode.STREAM_CLOSED
            raise ConnectionViolationError(code, "HEADERS on a stream that is over")
        if stream.is_remote_closed:
            raise StreamViolationError(stream_id, ErrorCode.STREAM_CLOSED)
        if not is_end or any(name.startswith(":") for name in head.metadata):
            raise StreamViolationError(stream_id, ErrorCode.PROTOCOL_ERROR)
        try:
            end_remote(stream)
        except CallError as error:
            self.fail_stream(stream, error.code, error.text)

    # What the base asks and tells.

    @override
    def is_idle(self, stream_id: int) -> bool:
        return stream_id % 2 == 0 or stream_id >= self._next_id

    @override
    def last_peer_stream_id(self) -> int:
        return self._last_id if self._leaving is _Leaving.REFUSING else max(self._next_id - 2, 0)

    @override
    def on_ping(self) -> None:
        progress = self.sent + self.answers
        if self._pings.is_too_often(self.now_ms, progress, has_calls=bool(self.streams)):
            raise ConnectionViolationError(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings")

    @override
    def on_ping_answer(self, payload: bytes) -> None:
        if payload == _DRAIN_PING and self._leaving is _Leaving.ANNOUNCED:
            self._refuse_new_streams()

    @override
    def keep_house(self) -> None:
        super().keep_house()
        waited_ms = self.now_ms - self._leaving_since_ms
        is_late = waited_ms >= self.config.shutdown_ping_timeout_ms
        if is_late and self._leaving is _Leaving.ANNOUNCED and not self.is_closed:
            self._refuse_new_streams()

    def _refuse_new_streams(self) -> None:
        """Sends the second GOAWAY."""
        self._last_id = max(self._next_id - 2, 0)
        self._leaving = _Leaving.REFUSING
        self._is_smooth = False
        self.write(frames.goaway(self._last_id, ErrorCode.NO_ERROR))
