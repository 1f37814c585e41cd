"""How a server answers: response headers, trailers, refusals, and the form that most replies have.

`:status: 200` is in HPACK's static table; `content-type` and `grpc-status: 0` enter the client's
dynamic table with the first reply. From then on headers are two bytes and trailers one, and nothing
else is ever inserted, so their indices stay. A client whose table is too small gets literals.

Replies that a client does not take make its next requests wait (`is_congested`), so that a client
can't make us hold more replies than it could hold itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from raftkv.wire import frames
from raftkv.wire.connection import Connection
from raftkv.wire.errors import ErrorCode
from raftkv.wire.message import CONTENT_TYPE, quote
from raftkv.wire.request_head import Refusal
from raftkv.wire.server_call import ServerCall, UnaryCall
from raftkv.wire.status import Code
from raftkv.wire.stream import Stream

if TYPE_CHECKING:
    from raftkv.config import WireConfig
    from raftkv.wire.hpack_encoder import HeaderPair

_RESPONSE_HEADERS: Final = ((":status", "200"), ("content-type", CONTENT_TYPE))
_OK_TRAILERS: Final = (("grpc-status", "0"),)


class AnsweringConnection(Connection):
    """The part of `ServerConnection` that calls use to answer."""

    def __init__(self, config: "WireConfig", on_output: Callable[[], None]) -> None:
        super().__init__(config, on_output)
        self.whole_reply_bytes_max = -1
        """Replies up to this size go out in one piece; -1 until both blocks below are indices."""
        self.headers_block = b""
        self.trailers_block = b""
        self.is_congested = False
        """So many replies wait for the client's windows that its unary requests wait too."""
        self.waiting_bytes = 0
        """Bytes of those replies."""
        self._postponed: OrderedDict[UnaryCall, bytes] = OrderedDict()
        """Requests that wait for their turn; a call that ends leaves at once."""
        self._settled_at = -1

    @override
    def receive(self, data: bytes) -> None:
        super().receive(data)
        if self.is_congested:
            self._resume_postponed()

    @override
    def take_output(self) -> bytes:
        taken = super().take_output()
        if self.is_congested:
            self._resume_postponed()
        return taken

    def dispatch(self, call: UnaryCall, request: bytes) -> None:
        """Gives a complete unary request to its handler, or to the queue when replies pile up."""
        if self.is_congested:
            call.postpone(request)
            self._postponed[call] = request
        else:
            method = call.head.method
            assert method is not None, call.head.path
            method.handler(call, request)

    @override
    def close_stream(self, stream: Stream) -> bool:
        if self._postponed and isinstance(stream, UnaryCall):
            self._postponed.pop(stream, None)
        return super().close_stream(stream)

    def _resume_postponed(self) -> None:
        """Goes on with requests that waited, once half of the replies before them are sent."""
        postponed = self._postponed
        low = self.config.output_bytes_max // 2
        self.is_congested = False
        while postponed and self.waiting_bytes <= low:
            call, request = postponed.popitem(last=False)
            call.resume(request)
            self.dispatch(call, request)
        self.is_congested = bool(postponed) or self.waiting_bytes > low

    def add_waiting(self, count: int) -> None:
        """Counts bytes of unary replies that wait for the client's windows."""
        self.waiting_bytes += count
        if self.waiting_bytes > self.config.output_bytes_max:
            self.is_congested = True

    def write_headers(self, call: ServerCall) -> None:
        """Writes the response headers."""
        call.has_sent_headers = True
        self.answers += 1
        block = self.encoder.encode(_RESPONSE_HEADERS)
        self.write(frames.header_frames(call.stream_id, block, 0))

    def write_status(self, call: ServerCall, code: int, text: str) -> None:
        """Writes the trailers, behind the response headers if those are not sent yet."""
        lasting: tuple[HeaderPair, ...] = () if call.has_sent_headers else _RESPONSE_HEADERS
        passing: tuple[HeaderPair, ...] = ()
        if code == Code.OK:
            lasting += _OK_TRAILERS
        else:
            passing = (("grpc-status", str(int(code))),)
        if text:
            passing += (("grpc-message", quote(text)),)
        self.answers += 1
        block = self.encoder.encode(lasting, passing)
        self.write(frames.header_frames(call.stream_id, block, frames.END_STREAM))
        self.close_stream(call)
        if not call.is_remote_closed:
            self._stop_request(call.stream_id)
        self._settle()

    def refuse(self, stream_id: int, refusal: Refusal, *, is_end: bool) -> None:
        """Answers a request that no method gets to see."""
        fields = (
            (":status", str(refusal.http_status)),
            ("content-type", CONTENT_TYPE),
            ("grpc-status", str(int(refusal.code))),
            ("grpc-message", quote(refusal.text)),
        )
        self.answers += 1
        block = self.encoder.encode((), fields)
        self.write(frames.header_frames(stream_id, block, frames.END_STREAM))
        if not is_end:
            self._stop_request(stream_id)

    def _stop_request(self, stream_id: int) -> None:
        """Asks the client to send no more of a request that is answered (section 8.1)."""
        self.write(frames.rst_stream(stream_id, ErrorCode.NO_ERROR))
        self.note_aborted(stream_id)

    @override
    def fail_stream(self, stream: Stream, code: Code, text: str) -> None:
        assert isinstance(stream, ServerCall), stream
        if stream.is_active:
            stream.on_failed()
            self.write_status(stream, code, text)
            stream.on_lost(code, text)

    def _settle(self) -> None:
        """Sees whether replies can go out in one piece from now on."""
        if self.encoder.changes != self._settled_at:
            self._settled_at = self.encoder.changes
            self.headers_block = self.encoder.encode_known(_RESPONSE_HEADERS)
            self.trailers_block = self.encoder.encode_known(_OK_TRAILERS)
        is_settled = len(self.headers_block) == 2 and len(self.trailers_block) == 1
        self.whole_reply_bytes_max = (
            min(self.stream_window, self.frame_bytes_max) if is_settled else -1
        )

    @override
    def on_setting(self, setting: int, value: int) -> None:
        self._settle()
