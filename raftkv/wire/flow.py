"""Flow control (RFC 9113, section 5.2): what the peer may send, and what we may.

Totals instead of remainders: `received` and `sent` only grow and are compared with a limit that
also only grows. One comparison then answers several questions at once, and nothing is ever given
back.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from raftkv.wire.errors import ConnectionViolationError, ErrorCode
from raftkv.wire.frames import (
    DATA,
    FRAME_BYTES_MIN,
    FRAME_HEADER,
    WINDOW_BYTES_DEFAULT,
    WINDOW_BYTES_MAX,
)

if TYPE_CHECKING:
    from raftkv.wire.stream import Stream

_FRAME_BYTES_USED_MAX = 65_536
"""A peer may take larger frames; one stream should not hold up the others for longer."""


class ReceiveWindow:
    """What the peer may still send, for the connection or for one stream.

    All that arrives is granted again, half a window at a time. That bounds what is under way; what
    is kept is bounded elsewhere (`held_bytes_max`).
    """

    __slots__ = ("_limit", "_window", "grant_at", "received")

    def __init__(self, granted: int, window: int) -> None:
        self._window = window
        self._limit = granted
        self.received = 0
        """Flow-controlled bytes so far; whoever adds to it calls `grant` once it passes
        `grant_at`."""
        self.grant_at = granted - window // 2

    def grant(self) -> int:
        """Returns the increment of a WINDOW_UPDATE that is due, -1 when the peer sent too much."""
        if self.received > self._limit:
            return -1
        increment = self.received + self._window - self._limit
        self._limit += increment
        self.grant_at = self._limit - self._window // 2
        return increment


class Sending:
    """What leaves a connection: bytes in order, and streams that wait for the peer's windows."""

    def __init__(self, on_output: Callable[[], None], output_bytes_max: int) -> None:
        self.output: list[bytes | memoryview] = []
        """Waits for `take_output`. Whoever makes it non-empty calls `on_output`."""
        self.on_output = on_output
        self.bytes_out = 0
        """Bytes taken so far."""
        self.streams: dict[int, Stream] = {}
        """All streams that are open or half closed."""
        self.sent = 0
        """Bytes of DATA so far, as flow control counts them."""
        self.sendable = min(WINDOW_BYTES_DEFAULT, output_bytes_max)
        """What `sent` may not pass: the connection's window and the bound of the output, whichever
        ends first."""
        self.stream_window = WINDOW_BYTES_DEFAULT
        """The peer's INITIAL_WINDOW_SIZE; each stream adds its own `window_extra`."""
        self.frame_bytes_max = FRAME_BYTES_MIN
        """The largest DATA payload that we send."""
        self._granted = WINDOW_BYTES_DEFAULT
        self._output_bytes_max = output_bytes_max
        self._taken = 0
        self._extra_max = 0
        self._waiting: OrderedDict[int, Stream] = OrderedDict()
        """Streams that wait for `sendable`, in the order in which they began to."""

    def forget_stream(self, stream: "Stream") -> bool:
        """Takes a stream out of all that is kept here; False when it was not there any more."""
        if self.streams.get(stream.stream_id) is not stream:
            return False
        del self.streams[stream.stream_id]
        self._waiting.pop(stream.stream_id, None)
        return True

    def write(self, data: bytes) -> None:
        """Appends bytes to the output."""
        output = self.output
        if not output:
            self.on_output()
        output.append(data)

    def take_output(self) -> bytes:
        """Returns all that is to be written now; the caller writes it before it calls again.

        A caller whose socket is full does not call. `on_output` is called again when there is more.
        """
        output = self.output
        taken = b"".join(output)
        output.clear()
        self.bytes_out += len(taken)
        self._taken = self.sent
        self.sendable = min(self._granted, self._taken + self._output_bytes_max)
        if self._waiting:
            self._resume_waiting()
        return taken

    def send_queue(self, stream: "Stream") -> None:
        """Sends as much of a stream's queue as the windows allow, and its end when all is sent."""
        queue = stream.queue
        offset = stream.queue_offset
        before = self.sent
        while queue:
            room = min(self.sendable - self.sent, self.stream_window + stream.window_extra)
            if room <= 0:
                break
            piece = queue[0]
            size = min(room, self.frame_bytes_max, len(piece) - offset)
            self.write(FRAME_HEADER.pack(size << 8 | DATA, 0, stream.stream_id))
            # Copied once, when the output is taken.
            self.output.append(memoryview(piece)[offset : offset + size])
            self.sent += size
            stream.window_extra -= size
            offset += size
            if offset == len(piece):
                queue.popleft()
                offset = 0
        stream.queue_offset = offset
        if queue and self.sendable <= self.sent:
            self._waiting[stream.stream_id] = stream
        if self.sent != before:
            stream.output_bytes -= self.sent - before
            stream.on_sent(self.sent - before)
        # Being told what was sent, the stream may have ended by itself.
        if not queue and stream.is_ending and stream.is_active:
            stream.write_end()

    def _resume_waiting(self) -> None:
        """Goes on with the streams that waited for the connection, in turn.

        A stream leaves for good or uses the window up, so this ends.
        """
        while self._waiting and self.sendable > self.sent:
            self.send_queue(self._waiting.popitem(last=False)[1])

    def widen_connection(self, increment: int) -> None:
        """Takes a WINDOW_UPDATE of the connection.

        Raises:
            ConnectionViolationError: a window over 2^31-1 (section 6.9.1).
        """
        if self._granted + increment - self.sent > WINDOW_BYTES_MAX:
            raise ConnectionViolationError(ErrorCode.FLOW_CONTROL_ERROR, "a window over 2^31-1")
        self._granted += increment
        self.sendable = min(self._granted, self._taken + self._output_bytes_max)
        if self._waiting:
            self._resume_waiting()

    def widen_stream(self, stream: "Stream", increment: int) -> bool:
        """Takes a WINDOW_UPDATE of a stream; False when its window would pass 2^31-1."""
        stream.window_extra += increment
        if self.stream_window + stream.window_extra > WINDOW_BYTES_MAX:
            return False
        self._extra_max = max(self._extra_max, stream.window_extra)
        if stream.queue:
            self.send_queue(stream)
        return True

    def set_stream_window(self, window: int) -> int:
        """Takes the peer's INITIAL_WINDOW_SIZE; returns how many streams had to be looked at.

        Raises:
            ConnectionViolationError: a stream's window would pass 2^31-1 (section 6.9.2).
        """
        before, self.stream_window = self.stream_window, window
        if window <= before:
            return 0
        # No stream is looked at as long as none can have too large a window.
        if window + self._extra_max > WINDOW_BYTES_MAX and any(
            window + stream.window_extra > WINDOW_BYTES_MAX for stream in self.streams.values()
        ):
            raise ConnectionViolationError(ErrorCode.FLOW_CONTROL_ERROR, "a window over 2^31-1")
        held_up = [stream for stream in self.streams.values() if stream.queue]
        for stream in held_up:
            self.send_queue(stream)
        return len(self.streams)

    def set_frame_size(self, bytes_max: int) -> None:
        """Takes the peer's MAX_FRAME_SIZE."""
        self.frame_bytes_max = min(bytes_max, _FRAME_BYTES_USED_MAX)
