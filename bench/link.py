"""One connection to one member, for calls of one method: its socket and both protocol halves.

Never blocks once connected. Whoever drives it calls `receive` when the socket is readable and
`flush` after a turn of work, so that all requests of a turn leave in one send.
"""

import socket
from collections import deque
from typing import Final

from bench.replies import Replies, ReplyParser, opening_frames
from bench.requests import (
    END_STREAM,
    PREFACE,
    RequestFrames,
    deadline_blocks,
    message_frame,
    steady_blocks,
)

READ_BYTES: Final = 1 << 18
CONNECT_SECONDS: Final = 5.0


class Link:
    """A non-blocking HTTP/2 connection without encryption.

    Invariant: stream numbers, and with them the header blocks, leave in the order of `call`; what
    the server's window does not admit yet waits in `_waiting`, and everything after it too.
    """

    __slots__ = ("_frames", "_next_stream", "_output", "_parser", "_socket", "_waiting", "endpoint")

    def __init__(
        self, endpoint: str, path: str, *, deadlines: bool = False, streaming: bool = False
    ) -> None:
        """Connects.

        Args:
            endpoint: `host:port`.
            path: the method that all calls of this connection are for.
            deadlines: send a `grpc-timeout` with every call, as clients with deadlines do.
            streaming: give messages as they come instead of with their call's end.

        Raises:
            OSError: nobody listens there.
        """
        self.endpoint = endpoint
        host, _, port = endpoint.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(0)
        blocks = deadline_blocks if deadlines else steady_blocks
        self._frames = RequestFrames(blocks(path, endpoint))
        self._parser = ReplyParser(streaming=streaming)
        self._next_stream = 1
        self._output: list[bytes] = [PREFACE, opening_frames()]
        self._waiting: deque[tuple[int, bytes, int]] = deque()

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes the socket; calls in flight stay unanswered."""
        self._socket.close()

    def call(self, message: bytes, flags: int = END_STREAM) -> int:
        """Adds a call to what the next `flush` sends; returns its stream number."""
        stream_id = self._next_stream
        self._next_stream = stream_id + 2
        parser = self._parser
        size = len(message) + 5
        if self._waiting or parser.send_window < size:
            self._waiting.append((stream_id, message, flags))
        else:
            parser.send_window -= size
            self._output.append(self._frames(stream_id, message, flags))
        return stream_id

    def send_message(self, stream_id: int, message: bytes) -> None:
        """Puts one more message of an open call into the output; for a handful of small ones."""
        self._parser.send_window -= len(message) + 5
        self._output.append(message_frame(stream_id, message))

    def receive(self) -> Replies:
        """The answers that have arrived.

        Raises:
            ConnectionError: the server closed the connection.
            ProtocolError: it sent what we do not take.
        """
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError(f"{self.endpoint} closed the connection")
        return self._parser.feed(data)

    def flush(self) -> bool:
        """Sends what waits, acknowledgements too; False if the socket did not take it all."""
        parser, output = self._parser, self._output
        control = parser.take_control()
        if control:
            output.append(control)
        while self._waiting and parser.send_window >= len(self._waiting[0][1]) + 5:
            stream_id, message, flags = self._waiting.popleft()
            parser.send_window -= len(message) + 5
            output.append(self._frames(stream_id, message, flags))
        if not output:
            return True
        data = b"".join(output)
        output.clear()
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return True
        output.append(data[sent:])
        return False
