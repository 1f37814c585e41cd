"""The client role: starting calls, the loop over a read's frames, and what the server's limits ask.

The usual response of a unary call, three frames of which the headers are known, is recognised as a
whole in `parse`; anything else goes the long way.
"""

from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import TypeAlias

from typing_extensions import override

from raftkv.config import WireConfig
from raftkv.wire import frames
from raftkv.wire.client_call import ClientCall, ClientStream, OnReply
from raftkv.wire.connection import Connection
from raftkv.wire.data_frames import take_bytes
from raftkv.wire.errors import ConnectionViolationError, ErrorCode
from raftkv.wire.header_cache import HeaderCache
from raftkv.wire.hpack_decoder import Decoder
from raftkv.wire.message import CONTENT_TYPE, PREFIX_BYTES, format_timeout
from raftkv.wire.response_head import ResponseHead, interpret_response
from raftkv.wire.status import Code
from raftkv.wire.stream import Stream

Metadata: TypeAlias = tuple[tuple[str, str], ...]

_READ_FRAME = frames.FRAME_HEADER.unpack_from
_READ_MESSAGE_START = Struct(">IBIBI").unpack_from
"""A DATA frame's header and the message's prefix."""
_MESSAGE_START_BYTES = frames.FRAME_HEADER_BYTES + PREFIX_BYTES
_PACK_FRAME = frames.FRAME_HEADER.pack
_PACK_MESSAGE_START = Struct(">IBIxI").pack
_TRAILERS_FLAGS = frames.END_HEADERS | frames.END_STREAM
_TIMEOUT = "grpc-timeout"
_BLOCKS_MAX = 256
_ENDED_TEXT = "transport is closing"


class ClientConnection(Connection):
    """One connection to a server. The I/O layer calls what `Connection` has; `close` leaves."""

    def __init__(
        self,
        config: WireConfig,
        on_output: Callable[[], None],
        authority: str = "localhost",
        scheme: str = "http",
    ) -> None:
        super().__init__(config, on_output)
        self._cache: HeaderCache[ResponseHead] = HeaderCache(Decoder(), interpret_response, config)
        self._lasting = (
            (":method", "POST"),
            (":scheme", scheme),
            (":authority", authority),
            ("content-type", CONTENT_TYPE),
            ("te", "trailers"),
            ("user-agent", "raftkv"),
        )
        self._blocks: dict[tuple[str, Metadata], bytes] = {}
        """Encoded request headers, as long as the encoder's table stays as it is."""
        self._blocks_at = 0
        self._timeout_name = b""
        self._timeout_at = -1
        self._next_id = 1
        self._streams_max = config.concurrent_streams_max
        self._queued: deque[tuple[ClientStream, str, Metadata, int | None, bytes | None]] = deque()
        """Calls that wait for a stream."""
        self._has_preface = False
        self._is_leaving = False

    # What callers call.

    def start_unary(
        self,
        path: str,
        message: bytes,
        on_reply: OnReply,
        metadata: Metadata = (),
        timeout_ms: int | None = None,
    ) -> ClientCall:
        """Starts a call with one request and one response; `on_reply` is called once, maybe now."""
        call = ClientCall(self, on_reply)
        self._start(call, path, metadata, timeout_ms, message)
        return call

    def start_stream(
        self,
        path: str,
        on_message: Callable[[bytes], None],
        on_close: Callable[[int, str], None],
        metadata: Metadata = (),
        timeout_ms: int | None = None,
    ) -> ClientStream:
        """Starts a call with any number of requests and responses."""
        stream = ClientStream(self)
        stream.on_message = on_message
        stream.on_close = on_close
        self._start(stream, path, metadata, timeout_ms, None)
        return stream

    def close(self) -> None:
        """Leaves; open calls end with UNAVAILABLE."""
        if not self.is_closed:
            self.abort(ErrorCode.NO_ERROR, "")

    @property
    @override
    def should_close(self) -> bool:
        return self.is_closed or (self._is_leaving and not self.streams)

    # Sending.

    def _start(
        self,
        stream: ClientStream,
        path: str,
        metadata: Metadata,
        timeout_ms: int | None,
        message: bytes | None,
    ) -> None:
        """Opens the stream, or puts it in the queue when the server allows no more."""
        if self._is_leaving or self.is_closed or self._next_id > frames.STREAM_ID_MAX:
            stream.on_lost(Code.UNAVAILABLE, _ENDED_TEXT)
        elif len(self.streams) >= self._streams_max:
            self._queued.append((stream, path, metadata, timeout_ms, message))
        else:
            self._open(stream, path, metadata, timeout_ms, message)

    def _open(
        self,
        stream: ClientStream,
        path: str,
        metadata: Metadata,
        timeout_ms: int | None,
        message: bytes | None,
    ) -> None:
        if not self._has_preface:
            self._write_preface()
        stream_id = stream.stream_id = self._next_id
        self._next_id = stream_id + 2
        self.streams[stream_id] = stream
        block = self._blocks.get((path, metadata))
        if block is None or self._blocks_at != self.encoder.changes:
            block = self._encode(path, metadata)
        if timeout_ms is not None:
            self.set_deadline(stream, timeout_ms)
            block += self._encode_timeout(format_timeout(timeout_ms))
        if len(block) > frames.FRAME_BYTES_MIN:
            self.write(frames.header_frames(stream_id, block, 0))
        else:
            header = _PACK_FRAME(len(block) << 8 | frames.HEADERS, frames.END_HEADERS, stream_id)
            self.write(header)
            self.output.append(block)
        if message is not None:
            self._send_only(stream, message)

    def _send_only(self, stream: ClientStream, message: bytes) -> None:
        """Sends the request of a unary call and ends our side."""
        size = len(message) + PREFIX_BYTES
        sent = self.sent + size
        if size <= self.frame_bytes_max and size <= self.stream_window and sent <= self.sendable:
            self.sent = sent
            stream.window_extra = -size
            stream.is_local_closed = True
            stream.is_ending = True
            self.output += (
                _PACK_MESSAGE_START(
                    size << 8, frames.END_STREAM, stream.stream_id, size - PREFIX_BYTES
                ),
                message,
            )
        else:
            stream.is_ending = True
            stream.push(message)

    def _encode(self, path: str, metadata: Metadata) -> bytes:
        """Returns the header block of a path, and keeps it while it is true."""
        encoder = self.encoder
        before = encoder.changes
        lasting = (*self._lasting, (":path", path))
        # Pseudo-header fields come first; the rest of `_lasting` is behind them.
        block = encoder.encode(sorted(lasting, key=lambda pair: pair[0][0] != ":"), metadata)
        if encoder.changes != self._blocks_at or len(self._blocks) >= _BLOCKS_MAX:
            self._blocks.clear()
            self._blocks_at = encoder.changes
        if encoder.changes == before:
            self._blocks[path, metadata] = block
        return block

    def _encode_timeout(self, value: str) -> bytes:
        """Returns the deadline's field. Its name is in the table; its value seldom comes again."""
        encoder = self.encoder
        if self._timeout_at != encoder.changes:
            self._timeout_name = encoder.encode_name(_TIMEOUT)
            if not self._timeout_name:
                return encoder.encode(((_TIMEOUT, value),))
            self._timeout_at = encoder.changes
        return b"%b%c%b" % (self._timeout_name, len(value), value.encode())

    def _write_preface(self) -> None:
        self._has_preface = True
        config = self.config
        pairs = (
            (frames.ENABLE_PUSH, 0),
            (frames.INITIAL_WINDOW_SIZE, config.receive_window_bytes),
            (frames.MAX_HEADER_LIST_SIZE, config.header_list_bytes_max),
        )
        self.write(frames.PREFACE + frames.settings(pairs))
        extra = config.receive_window_bytes - frames.WINDOW_BYTES_DEFAULT
        if extra:
            self.write(frames.window_update(0, extra))

    def _start_queued(self) -> None:
        """Starts calls that waited for a stream."""
        while self._queued and len(self.streams) < self._streams_max and not self.is_closed:
            self._open(*self._queued.popleft())

    def cancel_queued(self, stream: ClientStream) -> bool:
        """Takes a call out of the queue; False when it is not there."""
        for waiting in self._queued:
            if waiting[0] is stream:
                self._queued.remove(waiting)
                return True
        return False

    # Reading.

    @override
    def receive(self, data: bytes) -> None:
        if not self._has_preface:
            self._write_preface()
        super().receive(data)

    @override
    def parse(self, data: bytes) -> int:
        position = 0
        end = len(data)
        while end - position >= frames.FRAME_HEADER_BYTES:
            size_kind, flags, stream_id = _READ_FRAME(data, position)
            start = position + frames.FRAME_HEADER_BYTES
            stop = start + (size_kind >> 8)
            if stop > end:
                self.check_frame_size(size_kind >> 8)
                break
            position = stop
            if size_kind & 0xFF == frames.HEADERS and flags == frames.END_HEADERS:
                whole = self._parse_whole_response(data, stream_id, start, stop)
                if whole:
                    position = whole
                    continue
            self.on_frame(size_kind & 0xFF, flags, stream_id, data[start:stop])
        return position

    def _parse_whole_response(self, data: bytes, stream_id: int, start: int, stop: int) -> int:
        """Takes a unary call's whole response; returns where it ends, 0 when it is not one."""
        end = len(data)
        blocks = self._cache.blocks
        head = blocks.get(data[start:stop])
        if head is None or not head.is_plain_headers or end - stop < _MESSAGE_START_BYTES:
            return 0
        size_kind, flags, data_id, compressed, size = _READ_MESSAGE_START(data, stop)
        start = stop + _MESSAGE_START_BYTES
        stop = start + size
        if (
            size_kind != (size + PREFIX_BYTES) << 8 | frames.DATA
            or flags
            or compressed
            or data_id != stream_id
            or end - stop < frames.FRAME_HEADER_BYTES
        ):
            return 0
        size_kind, flags, trailers_id = _READ_FRAME(data, stop)
        whole: int = stop + frames.FRAME_HEADER_BYTES + (size_kind >> 8)
        trailers = blocks.get(data[stop + frames.FRAME_HEADER_BYTES : whole])
        call = self.streams.get(stream_id)
        if (
            trailers is None
            or not trailers.is_plain_trailers
            or size_kind & 0xFF != frames.HEADERS
            or flags != _TRAILERS_FLAGS
            or trailers_id != stream_id
            or type(call) is not ClientCall
            or not call.is_plain
            or not call.is_local_closed
            or size + PREFIX_BYTES > frames.FRAME_BYTES_MIN
            or size > self.config.message_bytes_max
            or self.block is not None
        ):
            return 0
        del self.streams[stream_id]
        take_bytes(self, size + PREFIX_BYTES)
        call.on_reply(Code.OK, "", data[start:stop])
        if self._queued:
            self._start_queued()
        return whole

    @override
    def on_block(self, stream_id: int, flags: int, block: bytes) -> None:
        head, _ = self._cache.read(block)
        stream = self.streams.get(stream_id)
        if stream is not None:
            assert isinstance(stream, ClientStream), stream
            stream.take_head(head, is_end=bool(flags & frames.END_STREAM))
        elif self.is_idle(stream_id):
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "HEADERS on an idle stream")
        else:
            self.count_useless()

    # What the base asks and tells.

    @override
    def close_stream(self, stream: Stream) -> bool:
        was_open = super().close_stream(stream)
        if self._queued:
            self._start_queued()
        return was_open

    @override
    def connection_lost(self) -> None:
        super().connection_lost()
        while self._queued:
            self._queued.popleft()[0].on_lost(Code.UNAVAILABLE, _ENDED_TEXT)

    @override
    def is_idle(self, stream_id: int) -> bool:
        return stream_id % 2 == 0 or stream_id >= self._next_id

    @override
    def fail_stream(self, stream: Stream, code: Code, text: str) -> None:
        if stream.is_active:
            self.reset_stream(stream, ErrorCode.CANCEL)
            stream.on_lost(code, text)

    @override
    def on_setting(self, setting: int, value: int) -> None:
        if setting == frames.MAX_CONCURRENT_STREAMS:
            self._streams_max = min(value, self.config.concurrent_streams_max)
            self._start_queued()
        elif setting == frames.ENABLE_PUSH and value:
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH from a server")

    @override
    def on_goaway(self, last_stream_id: int, code: int, debug_data: bytes) -> None:
        self._is_leaving = True
        text = f"the server went away: code {code}, {debug_data.decode('utf-8', 'replace')!r}"
        for stream in [s for s in self.streams.values() if s.stream_id > last_stream_id]:
            if self.close_stream(stream):
                self.note_aborted(stream.stream_id)
                stream.on_lost(Code.UNAVAILABLE, text)
        while self._queued:
            self._queued.popleft()[0].on_lost(Code.UNAVAILABLE, text)
