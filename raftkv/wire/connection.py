"""A connection in either role: what the I/O layer calls, how things end, and what time does.

`receive` hands bytes to the role's `parse`, a loop that deals with the frames of ordinary calls
itself and gives all others to `on_frame`, which finds the handler in `data_frames.py`,
`header_frames.py` or `control_frames.py`. A broken rule is raised where it is seen and turned into
GOAWAY or RST_STREAM here, nowhere else. Nothing waits, reads a clock or knows a socket.
"""

from collections import OrderedDict
from collections.abc import Callable

from raftkv.config import WireConfig
from raftkv.wire import control_frames, data_frames, frames, header_frames
from raftkv.wire.errors import ConnectionViolationError, ErrorCode, StreamViolationError
from raftkv.wire.flood import FORGIVE_INTERVAL_MS, FloodGuard
from raftkv.wire.flow import ReceiveWindow, Sending
from raftkv.wire.hpack_encoder import Encoder
from raftkv.wire.keepalive import Keepalive, Verdict
from raftkv.wire.message import CallError
from raftkv.wire.status import Code
from raftkv.wire.stream import Stream

_ABORTED_STREAMS_MAX = 1_000
_KEEPALIVE_PING = b"raftkv?!"
_NEVER_MS = 1 << 62

_FRAME_HANDLERS = {
    frames.DATA: data_frames.on_data,
    frames.HEADERS: header_frames.on_headers,
    frames.PRIORITY: control_frames.on_priority,
    frames.RST_STREAM: control_frames.on_rst_stream,
    frames.SETTINGS: control_frames.on_settings,
    frames.PUSH_PROMISE: control_frames.on_push_promise,
    frames.PING: control_frames.on_ping,
    frames.GOAWAY: control_frames.on_goaway,
    frames.WINDOW_UPDATE: control_frames.on_window_update,
    frames.CONTINUATION: header_frames.on_continuation,
}


class Connection(Sending):
    """The base of `ServerConnection` and `ClientConnection`."""

    def __init__(self, config: WireConfig, on_output: Callable[[], None]) -> None:
        super().__init__(on_output, config.output_bytes_max)
        assert config.receive_window_bytes >= frames.WINDOW_BYTES_DEFAULT, config
        self.config = config
        self.now_ms = 0
        """The clock, as the last `tick` said."""
        self.bytes_in = 0
        """Bytes received so far."""
        self.answers = 0
        """Header lists sent outside the fast path; with `sent`, the sign of useful work."""
        self.held_bytes = 0
        """Bytes kept for calls whose request is not complete or not yet handled."""
        self.is_closed = False
        """Nothing is received any more: lost, or ended by an error."""
        self.window = ReceiveWindow(config.receive_window_bytes, config.receive_window_bytes)
        self.encoder = Encoder()
        self.block: header_frames.PartialBlock | None = None
        """A header block that CONTINUATION frames will complete; nothing else may come before."""
        self._guard = FloodGuard(config.control_frames_max)
        self._keepalive = Keepalive(config.keepalive_interval_ms, config.keepalive_timeout_ms)
        self.is_greeted = False
        """The peer's first frame, its SETTINGS, has come."""
        self._rest = b""
        self._aborted: OrderedDict[int, None] = OrderedDict()
        """Streams that we ended before the peer did: what it had under way is ignored."""
        self._earliest_deadline_ms = _NEVER_MS
        self._is_ticking = False
        self._started_ms = 0
        self._housekeeping_ms = 0

    # What the I/O layer calls.

    @property
    def should_close(self) -> bool:
        """Whether to close the socket once all output is written."""
        return self.is_closed

    @property
    def accepts_input(self) -> bool:
        """False while so much output waits to be taken that reading should stop."""
        return len(self.output) <= self.config.output_frames_max

    def receive(self, data: bytes) -> None:
        """Takes bytes from the socket and does all that they ask for."""
        self.bytes_in += len(data)
        if self.is_closed:
            return
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self.parse(data) :]
        except ConnectionViolationError as violation:
            self.abort(violation.code, violation.reason)

    def connection_lost(self) -> None:
        """Says that the socket is gone; every open call ends."""
        self.is_closed = True
        self._rest = b""
        self.block = None
        for stream in list(self.streams.values()):
            if self.close_stream(stream):
                stream.on_lost(Code.UNAVAILABLE, "transport is closing")

    def tick(self, now_ms: int) -> None:
        """Brings the time, in milliseconds of a steady clock; to be called about 10 times a second.

        Deadlines are as exact as ticks are frequent.
        """
        passed_ms = now_ms - self.now_ms
        self.now_ms = now_ms
        if not self._is_ticking:
            self._start_clock(passed_ms)
        if now_ms >= self._earliest_deadline_ms:
            self._expire()
        if now_ms >= self._housekeeping_ms and not self.is_closed:
            self._housekeeping_ms = now_ms + FORGIVE_INTERVAL_MS
            self.keep_house()

    # What the roles fill in.

    def parse(self, data: bytes) -> int:
        """Deals with the complete frames in `data`; returns how many bytes they took."""
        raise NotImplementedError

    def on_block(self, stream_id: int, flags: int, block: bytes) -> None:
        """Takes a complete header block."""
        raise NotImplementedError

    def is_idle(self, stream_id: int) -> bool:
        """Says whether the stream has never been opened (section 5.1)."""
        raise NotImplementedError

    def fail_stream(self, stream: Stream, code: Code, text: str) -> None:
        """Ends a call whose peer sent something that gRPC does not allow."""
        raise NotImplementedError

    def last_peer_stream_id(self) -> int:
        """Returns the highest stream that the peer opened and we looked at."""
        return 0

    def on_setting(self, setting: int, value: int) -> None:
        """Called for each setting of the peer, after the base has taken it."""

    def on_ping(self) -> None:
        """Called for each PING that asks for an answer."""

    def on_ping_answer(self, payload: bytes) -> None:
        """Called for each answer to a PING."""

    def on_goaway(self, last_stream_id: int, code: int, debug_data: bytes) -> None:
        """Called for each GOAWAY."""

    # Ends.

    def abort(self, code: ErrorCode, reason: str) -> None:
        """Ends the connection with GOAWAY (section 5.4.1)."""
        self.write(frames.goaway(self.last_peer_stream_id(), code, reason.encode()))
        self.connection_lost()

    def close_stream(self, stream: Stream) -> bool:
        """Forgets a stream that has ended; False when it had before."""
        if not self.forget_stream(stream):
            return False
        self.held_bytes -= stream.held_bytes
        return True

    def reset_stream(self, stream: Stream, code: ErrorCode) -> None:
        """Ends a stream from our side before the peer has ended its own."""
        if stream.is_active:
            # Said first: the stream's place may be taken as soon as it is closed.
            self.write(frames.rst_stream(stream.stream_id, code))
            self.note_aborted(stream.stream_id)
            self.close_stream(stream)

    def note_aborted(self, stream_id: int) -> None:
        """Remembers that what is still under way on the stream is to be ignored."""
        self._aborted[stream_id] = None
        if len(self._aborted) > _ABORTED_STREAMS_MAX:
            self._aborted.popitem(last=False)

    def is_aborted(self, stream_id: int) -> bool:
        """Says whether we ended the stream, not long ago, before the peer did."""
        return stream_id in self._aborted

    # Limits.

    def count_useless(self, count: int = 1) -> None:
        """Counts frames against `control_frames_max`.

        Raises:
            ConnectionViolationError: too many.
        """
        self._guard.count(self.sent + self.answers, count)

    def hold(self, stream: Stream, count: int) -> None:
        """Counts bytes that are kept for a stream, or given back when negative.

        Raises:
            CallError: RESOURCE_EXHAUSTED, the connection holds more than `held_bytes_max`.
        """
        stream.held_bytes += count
        self.held_bytes += count
        if count > 0 and self.held_bytes > self.config.held_bytes_max:
            raise CallError(
                Code.RESOURCE_EXHAUSTED, "too many bytes of unfinished requests on this connection"
            )

    # Time.

    def set_deadline(self, stream: Stream, timeout_ms: int) -> None:
        """Lets a call end by itself, without a timer that would have to be removed.

        All streams are looked through when the earliest deadline passes, about once in a timeout.
        """
        deadline_ms = stream.deadline_ms = self.now_ms + timeout_ms
        self._earliest_deadline_ms = min(self._earliest_deadline_ms, deadline_ms)

    def keep_house(self) -> None:
        """Does what is to be done once a second."""
        self._guard.forgive()
        if not self.is_greeted:
            if self.now_ms - self._started_ms >= self.config.preface_timeout_ms:
                self.connection_lost()
            return
        verdict = self._keepalive.tick(self.now_ms, self.bytes_in)
        if verdict is Verdict.SEND_PING:
            self.write(frames.ping(_KEEPALIVE_PING))
        elif verdict is Verdict.DEAD:
            self.connection_lost()

    def _start_clock(self, passed_ms: int) -> None:
        """Moves deadlines that were counted from 0, before the first tick."""
        self._is_ticking = True
        self._started_ms = self.now_ms
        self._earliest_deadline_ms += passed_ms
        for stream in self.streams.values():
            if stream.deadline_ms is not None:
                stream.deadline_ms += passed_ms

    def _expire(self) -> None:
        """Ends the calls whose deadline has passed."""
        now_ms = self.now_ms
        earliest_ms = _NEVER_MS
        expired = []
        for stream in self.streams.values():
            deadline_ms = stream.deadline_ms
            if deadline_ms is None:
                continue
            if deadline_ms <= now_ms:
                expired.append(stream)
            elif deadline_ms < earliest_ms:
                earliest_ms = deadline_ms
        self._earliest_deadline_ms = earliest_ms
        for stream in expired:
            if stream.is_active:
                stream.on_expired()

    # Frames.

    def on_frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        """Deals with any frame.

        Raises:
            ConnectionViolationError: the connection must end.
        """
        self.check_frame_size(len(payload))
        if self.block is not None and kind != frames.CONTINUATION:
            raise ConnectionViolationError(
                ErrorCode.PROTOCOL_ERROR, "a frame inside a header block"
            )
        if not self.is_greeted:
            # Section 3.4: each side's first frame is SETTINGS.
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "SETTINGS must come first")
            self.is_greeted = True
        handler = _FRAME_HANDLERS.get(kind)
        if handler is None:
            # Section 5.5: unknown frames are ignored.
            self.count_useless()
            return
        try:
            handler(self, flags, stream_id & frames.STREAM_ID_MAX, payload)
        except StreamViolationError as violation:
            self.on_stream_violation(violation)

    def check_frame_size(self, length: int) -> None:
        """Refuses a frame that is too large, before it is read or after (section 4.2).

        Raises:
            ConnectionViolationError: FRAME_SIZE_ERROR.
        """
        if length > frames.FRAME_BYTES_MIN:
            raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")

    def on_stream_violation(self, violation: StreamViolationError) -> None:
        """Resets a stream (section 5.4.2)."""
        stream_id = violation.stream_id
        self.write(frames.rst_stream(stream_id, violation.code))
        self.note_aborted(stream_id)
        stream = self.streams.get(stream_id)
        if stream is not None and self.close_stream(stream):
            stream.on_lost(Code.INTERNAL, f"stream terminated by {violation.code.name}")
        self.count_useless()
