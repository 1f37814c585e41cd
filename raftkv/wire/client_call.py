"""One call as a client sees it: `ClientCall` (one request, one response) and `ClientStream`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from typing_extensions import override

from raftkv.wire import frames
from raftkv.wire.errors import ErrorCode, StreamViolationError
from raftkv.wire.message import CallError
from raftkv.wire.status import DEADLINE_TEXT, Code
from raftkv.wire.stream import Stream

if TYPE_CHECKING:
    from raftkv.wire.client import ClientConnection
    from raftkv.wire.response_head import ResponseHead

OnReply: TypeAlias = Callable[[int, str, bytes | None], None]
"""Called once with status code, status text and, if the code is OK, the response."""


class ClientStream(Stream):
    """A call with any number of requests and responses."""

    connection: "ClientConnection"  # type: ignore[mutable-override]
    """Never set again, so that the narrower type is safe."""
    on_message: Callable[[bytes], None] | None = None
    """Called with each response."""
    on_close: Callable[[int, str], None] | None = None
    """Called once with the status code and text when the call is over."""
    head: "ResponseHead | None" = None
    """The response headers, once they have come."""

    def __init__(self, connection: "ClientConnection") -> None:
        self.connection = connection
        self.stream_id = 0

    @property
    @override
    def encoding(self) -> str:
        return self.head.encoding if self.head is not None else ""

    def metadata(self, name: str) -> str | None:
        """Returns the first field of that (lower-case) name in the response headers."""
        return self.head.metadata.get(name) if self.head is not None else None

    def send(self, message: bytes) -> None:
        """Sends one request, now or when the server's windows allow."""
        if self.is_active and not self.is_ending:
            self.push(message)

    def half_close(self) -> None:
        """Says that no more requests follow."""
        if self.is_active and not self.is_ending:
            self.is_ending = True
            if not self.queue:
                self.write_end()

    def cancel(self) -> None:
        """Ends the call; `on_close` is called with CANCELLED."""
        self._end_early(Code.CANCELLED, "context canceled")

    def take_head(self, head: "ResponseHead", *, is_end: bool) -> None:
        """Takes response headers or trailers."""
        if head.is_malformed:
            raise StreamViolationError(self.stream_id, ErrorCode.PROTOCOL_ERROR)
        if head.is_informational and self.head is None and not is_end:
            return
        if self.head is None:
            self.head = head
        elif not is_end:
            raise StreamViolationError(self.stream_id, ErrorCode.PROTOCOL_ERROR)
        if is_end:
            self.is_remote_closed = True
            text = "the server ended the call without a status"
            code, text = (Code.INTERNAL, text) if head.code is None else (head.code, head.text)
            self._finish(code, text)
        elif head.code is not None:
            self._end_early(head.code, head.text)

    @override
    def write_end(self) -> None:
        if not self.is_local_closed:
            self.is_local_closed = True
            self.connection.write(frames.frame(frames.DATA, frames.END_STREAM, self.stream_id, b""))

    @override
    def on_messages(self, messages: list[bytes]) -> None:
        if self.head is None:
            raise StreamViolationError(self.stream_id, ErrorCode.PROTOCOL_ERROR)
        for message in messages:
            if self.on_message is not None and self.is_active:
                self.on_message(message)

    @override
    def on_end(self) -> None:
        raise CallError(Code.INTERNAL, "the server ended the call without a status")

    @override
    def on_expired(self) -> None:
        self._end_early(Code.DEADLINE_EXCEEDED, DEADLINE_TEXT)

    @override
    def on_lost(self, code: int, text: str) -> None:
        callback, self.on_close = self.on_close, None
        self.on_message = None
        if callback is not None:
            callback(code, text)

    is_local_closed = False
    """We have sent END_STREAM."""

    def _finish(self, code: int, text: str) -> None:
        """Ends a call whose status has come."""
        if not self.is_local_closed:
            self.connection.reset_stream(self, ErrorCode.NO_ERROR)
        else:
            self.connection.close_stream(self)
        self.on_lost(code, text)

    def _end_early(self, code: int, text: str) -> None:
        """Ends a call before the server has."""
        if self.connection.cancel_queued(self):
            self.on_lost(code, text)
        elif self.is_active:
            self.connection.reset_stream(self, ErrorCode.CANCEL)
            self.on_lost(code, text)


class ClientCall(ClientStream):
    """A call with one request and one response."""

    response: bytes | None = None
    is_plain = True
    """The request is sent and nothing of the response has come."""

    def __init__(self, connection: "ClientConnection", on_reply: OnReply) -> None:
        super().__init__(connection)
        self.on_reply = on_reply

    @override
    def take_head(self, head: "ResponseHead", *, is_end: bool) -> None:
        self.is_plain = False
        super().take_head(head, is_end=is_end)

    @override
    def on_messages(self, messages: list[bytes]) -> None:
        if self.head is None:
            raise StreamViolationError(self.stream_id, ErrorCode.PROTOCOL_ERROR)
        if self.response is not None or len(messages) > 1:
            raise CallError(
                Code.INTERNAL,
                "cardinality violation: expected <EOF> for non server-streaming RPCs,"
                " but received another message",
            )
        self.response = messages[0]

    @override
    def on_lost(self, code: int, text: str) -> None:
        response = self.response
        if code != Code.OK:
            response = None
        elif response is None:
            code = Code.INTERNAL
            text = (
                "cardinality violation: received no response message from non-server-streaming RPC"
            )
        self.on_reply(code, text, response)
