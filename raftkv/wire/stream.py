"""One HTTP/2 stream as both roles see it: what came of it in part, and what it still has to send.

Most streams live for one call of a few hundred bytes and need none of this, so the fields are class
attributes until they are first set.
"""

from collections import deque
from typing import TYPE_CHECKING

from raftkv.wire.message import PREFIX, PREFIX_BYTES, MessageReader, frame_message

if TYPE_CHECKING:
    from raftkv.wire.connection import Connection
    from raftkv.wire.flow import ReceiveWindow


_COPIED_BYTES_MAX = 8_192
"""Shorter messages are joined to their prefix, so that they need one frame."""


class Stream:
    """The base of calls and streams of both roles. Not used any more once it has left `streams`."""

    stream_id: int
    connection: "Connection"

    window_extra = 0
    """The peer's window for this stream, relative to its INITIAL_WINDOW_SIZE."""
    queue: deque[bytes] | None = None
    """What waits to be sent."""
    queue_offset = 0
    """How much of the queue's first piece is sent."""
    output_bytes = 0
    """Bytes in the queue."""
    is_ending = False
    """Nothing comes after the queue but the stream's end."""
    deadline_ms: int | None = None
    """When the call ends by itself, on the connection's clock."""

    receive_window: "ReceiveWindow | None" = None
    """Made when the peer sends more than one frame."""
    reader: MessageReader | None = None
    """Made when a message does not come alone in its frame."""
    is_remote_closed = False
    """The peer has sent END_STREAM."""
    held_bytes = 0
    """Bytes kept for this stream, as counted in the connection's `held_bytes`."""
    received_bytes = 0
    """Bytes of DATA without padding."""

    @property
    def encoding(self) -> str:
        """How messages with the compressed flag are compressed."""
        raise NotImplementedError

    @property
    def is_active(self) -> bool:
        """False once the stream is finished, cancelled or lost."""
        return self.connection.streams.get(self.stream_id) is self

    def push(self, message: bytes) -> None:
        """Queues one message and sends what the windows allow."""
        if self.queue is None:
            self.queue = deque()
        self.output_bytes += PREFIX_BYTES + len(message)
        if len(message) < _COPIED_BYTES_MAX:
            self.queue.append(frame_message(message))
        else:
            self.queue.append(PREFIX.pack(0, len(message)))
            self.queue.append(message)
        self.connection.send_queue(self)

    def on_sent(self, count: int) -> None:
        """Called after `count` bytes of the queue were sent."""

    def write_end(self) -> None:
        """Writes what ends our side of the stream."""
        raise NotImplementedError

    def on_messages(self, messages: list[bytes]) -> None:
        """Called with complete messages, in order."""
        raise NotImplementedError

    def on_end(self) -> None:
        """Called when the peer has ended its side."""
        raise NotImplementedError

    def on_expired(self) -> None:
        """Called when the deadline has passed."""
        raise NotImplementedError

    def on_lost(self, code: int, text: str) -> None:
        """Called after the stream was reset or its connection ended."""
        raise NotImplementedError
