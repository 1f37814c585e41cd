"""One call as a service sees it: `UnaryCall` and `ServerStream`.

A call may be answered from its handler or much later; answers that come after its end are ignored,
so a service need not ask first. The usual reply of a unary call, three frames that fit the windows,
is written at once by `UnaryCall.reply`; all else goes through the stream's queue.
"""

from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING

from typing_extensions import override

from raftkv.wire import frames
from raftkv.wire.errors import ErrorCode, StreamViolationError
from raftkv.wire.message import PREFIX_BYTES, CallError
from raftkv.wire.status import DEADLINE_TEXT, Code
from raftkv.wire.stream import Stream

if TYPE_CHECKING:
    from raftkv.wire.answering import AnsweringConnection
    from raftkv.wire.request_head import RequestHead

_PACK_START = Struct(">5sI2sIxIxI").pack
"""HEADERS frame with a block of two bytes, then a DATA frame's header and the message's prefix."""
_PACK_END = Struct(">5sI1s").pack
"""HEADERS frame with a block of one byte."""
_PACK_DATA = Struct(">IxIxI").pack
"""A DATA frame's header and the message's prefix."""
_HEADERS_START = frames.frame(frames.HEADERS, frames.END_HEADERS, 0, b"..")[:5]
_TRAILERS_START = frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 0, b".")[:5]
_POSTPONED_CALL_BYTES = 512
"""What a call that waits for its turn weighs besides its request, roughly."""
_POSTPONED_REQUEST_BYTES = 64
"""What a stream's request that waits for its turn weighs besides its bytes, roughly."""


class ServerCall(Stream):
    """What both kinds of calls have."""

    connection: "AnsweringConnection"  # type: ignore[mutable-override]
    """Never set again, so that the narrower type is safe."""
    has_sent_headers = False
    timeout_ms: int | None = None
    """The deadline that the client gave, counted from the request's arrival."""
    ending: tuple[int, str] = (Code.OK, "")
    """The status that is sent when the queue is empty, once `is_ending`."""

    def __init__(
        self, connection: "AnsweringConnection", stream_id: int, head: "RequestHead"
    ) -> None:
        self.connection = connection
        self.stream_id = stream_id
        self.head = head

    @property
    @override
    def encoding(self) -> str:
        return self.head.encoding

    @property
    def active(self) -> bool:
        """False after the call's end: answered, cancelled, expired or its connection lost."""
        return self.is_active

    def metadata(self, name: str) -> str | None:
        """Returns the first header field of that (lower-case) name."""
        return self.head.metadata.get(name)

    def limit_time(self, timeout_ms: int) -> None:
        """Sets the deadline that the client gave."""
        self.timeout_ms = timeout_ms
        self.connection.set_deadline(self, timeout_ms)

    def keep_head(self) -> None:
        """Counts headers that are not shared against what the connection may hold."""
        self.connection.hold(self, self.head.held_bytes)

    def on_failed(self) -> None:
        """Called when the call is ended from below: what is queued is not sent any more."""
        self.queue = None

    @override
    def write_end(self) -> None:
        code, text = self.ending
        self.connection.write_status(self, code, text)

    @override
    def on_end(self) -> None:
        length = self.head.content_length
        if length is not None and length != self.received_bytes:
            # RFC 9113 section 8.1.1: then the request is malformed.
            raise StreamViolationError(self.stream_id, ErrorCode.PROTOCOL_ERROR)

    @override
    def on_expired(self) -> None:
        if self.queue and self.queue_offset:
            # A message is half sent: no trailers can follow it.
            self.connection.reset_stream(self, ErrorCode.CANCEL)
            self.on_lost(Code.CANCELLED, DEADLINE_TEXT)
        else:
            self.connection.fail_stream(self, Code.DEADLINE_EXCEEDED, DEADLINE_TEXT)


class UnaryCall(ServerCall):
    """A call with one request and one response. Ends with the first `reply` or `fail`."""

    is_remote_closed = True
    """Unless it is opened before its request is complete."""
    is_plain = True
    """Nothing is kept or queued for the call."""
    request: bytes | None = None
    """The request, until the client has ended its side."""
    _is_request_held = False

    def reply(self, message: bytes) -> None:
        """Answers with a message and status OK."""
        connection = self.connection
        size = len(message) + PREFIX_BYTES
        sent = connection.sent + size
        if (
            size > connection.whole_reply_bytes_max
            or sent > connection.sendable
            or not self.is_plain
        ):
            self._reply_in_pieces(message)
            return
        stream_id = self.stream_id
        if connection.streams.pop(stream_id, None) is None:
            return
        connection.sent = sent
        output = connection.output
        if not output:
            connection.on_output()
        output += (
            _PACK_START(
                _HEADERS_START,
                stream_id,
                connection.headers_block,
                size << 8,
                stream_id,
                size - PREFIX_BYTES,
            ),
            message,
            _PACK_END(_TRAILERS_START, stream_id, connection.trailers_block),
        )

    def fail(self, code: int, text: str) -> None:
        """Answers with a status that is not OK."""
        if self.is_active and not self.is_ending:
            self.connection.write_status(self, code, text)

    def _reply_in_pieces(self, message: bytes) -> None:
        if self.is_ending or not self.is_active:
            return
        self.is_plain = False
        self.is_ending = True
        connection = self.connection
        connection.write_headers(self)
        connection.add_waiting(len(message) + PREFIX_BYTES)
        self.push(message)

    @override
    def on_sent(self, count: int) -> None:
        self.connection.add_waiting(-count)

    @override
    def on_messages(self, messages: list[bytes]) -> None:
        if self.request is not None or len(messages) > 1:
            raise CallError(
                Code.INTERNAL,
                "cardinality violation: received multiple request messages"
                " for non-client-streaming RPC",
            )
        self.request = messages[0]
        if not self.is_remote_closed:
            self.connection.hold(self, len(self.request))
            self._is_request_held = True

    @override
    def on_end(self) -> None:
        super().on_end()
        request, self.request = self.request, None
        if request is None:
            raise CallError(
                Code.INTERNAL,
                "cardinality violation: received no request message from non-client-streaming RPC",
            )
        if self._is_request_held:
            self._is_request_held = False
            self.connection.hold(self, -len(request))
        self.connection.dispatch(self, request)

    @override
    def keep_head(self) -> None:
        self.is_plain = False
        super().keep_head()

    def postpone(self, request: bytes) -> None:
        """Counts the request against what the connection may hold while it waits for its turn."""
        self.connection.hold(self, len(request) + _POSTPONED_CALL_BYTES)

    def resume(self, request: bytes) -> None:
        """Takes `postpone` back."""
        self.connection.hold(self, -len(request) - _POSTPONED_CALL_BYTES)

    @override
    def on_lost(self, code: int, text: str) -> None:
        self.connection.add_waiting(-self.output_bytes)
        self.output_bytes = 0
        self.queue = None


class ServerStream(ServerCall):
    """A call with any number of requests and responses. The handler sets the `on_` attributes."""

    on_message: Callable[[bytes], None] | None = None
    """Called with each request."""
    on_half_close: Callable[[], None] | None = None
    """Called when the client has sent its last request."""
    on_close: Callable[[], None] | None = None
    """Called once when the call is over: finished, cancelled, expired or its connection lost."""
    on_drained: Callable[[], None] | None = None
    """Called when `output_bytes` falls to `drained_below_bytes` after having been above."""
    drained_below_bytes = 65_536
    """See `on_drained`."""

    _is_over_mark = False
    _is_delivering = False
    _inbox: deque[bytes] | None = None
    """Requests that wait until the client has read more of the responses."""
    _is_half_closed = False

    def send(self, message: bytes) -> None:
        """Sends one response, now or when the client's windows allow."""
        connection = self.connection
        size = len(message) + PREFIX_BYTES
        sent = connection.sent + size
        if (
            not self.queue
            and self.has_sent_headers
            and sent <= connection.sendable
            and size <= connection.stream_window + self.window_extra
            and size <= connection.frame_bytes_max
            and self.is_active
            and not self.is_ending
        ):
            connection.sent = sent
            self.window_extra -= size
            output = connection.output
            if not output:
                connection.on_output()
            output += (_PACK_DATA(size << 8, self.stream_id, size - PREFIX_BYTES), message)
        elif self.is_active and not self.is_ending:
            if not self.has_sent_headers:
                connection.write_headers(self)
            self.push(message)
            if self.output_bytes > self.drained_below_bytes:
                self._is_over_mark = True

    def finish(self, code: int = Code.OK, text: str = "") -> None:
        """Ends the call once all responses are sent."""
        if self.is_ending or not self.is_active:
            return
        self.is_ending = True
        self.ending = (code, text)
        if not self.queue:
            self.write_end()

    @override
    def write_end(self) -> None:
        super().write_end()
        self._call_on_close()

    @override
    def on_messages(self, messages: list[bytes]) -> None:
        for message in messages:
            if self._inbox or self._is_over_bound():
                if self._inbox is None:
                    self._inbox = deque()
                self._inbox.append(message)
                self.connection.hold(self, len(message) + _POSTPONED_REQUEST_BYTES)
            elif self.on_message is not None and self.is_active:
                self.on_message(message)

    @override
    def on_end(self) -> None:
        super().on_end()
        self._is_half_closed = True
        if not self._inbox:
            self._call_on_half_close()

    @override
    def on_sent(self, count: int) -> None:
        if self._inbox and not self._is_delivering:
            self._deliver_inbox(self._inbox)
        if self._is_over_mark and self.output_bytes <= self.drained_below_bytes:
            self._is_over_mark = False
            if self.on_drained is not None:
                self.on_drained()

    @override
    def on_lost(self, code: int, text: str) -> None:
        self.queue = self._inbox = None
        self.output_bytes = 0
        self._call_on_close()

    def _is_over_bound(self) -> bool:
        return self.output_bytes > self.connection.config.stream_output_bytes_max

    def _deliver_inbox(self, inbox: deque[bytes]) -> None:
        """Goes on with the requests that waited."""
        self._is_delivering = True
        while inbox and self.is_active and not self._is_over_bound():
            message = inbox.popleft()
            self.connection.hold(self, -len(message) - _POSTPONED_REQUEST_BYTES)
            if self.on_message is not None:
                self.on_message(message)
        self._is_delivering = False
        if not inbox and self._is_half_closed and self.is_active:
            self._call_on_half_close()

    def _call_on_half_close(self) -> None:
        callback, self.on_half_close = self.on_half_close, None
        if callback is not None:
            callback()

    def _call_on_close(self) -> None:
        """Calls the service for the last time, and lets go of its callbacks."""
        callback = self.on_close
        self.on_message = self.on_half_close = self.on_close = self.on_drained = None
        if callback is not None:
            callback()
