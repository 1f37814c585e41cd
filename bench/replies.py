"""What the load generator receives: enough HTTP/2 and gRPC to count answers, not to trust them.

Takes bytes in whatever pieces they arrive, gives the answers they complete, and says what must be
sent back (acknowledgements, window updates). An answer counts as good only if its trailers carry
`grpc-status: 0`. Header blocks go through the `hpack` library, but a block already seen is looked
up, as long as decoding it changed no state (RFC 7541, 2.3.2).

Refuses what no etcd server sends: padding, CONTINUATION, compressed messages, server push.
"""

import struct
from typing import Final

import hpack

from bench.requests import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES_MAX,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

WINDOW_BYTES: Final = 1 << 30
"""What the server may send ahead of us, a connection and a stream: we never hold it up."""
WINDOW_DEFAULT: Final = 65_535
"""RFC 9113, 6.9.2: both windows before anybody says otherwise."""
HEADER_TABLE_BYTES: Final = 4_096

SETTINGS_HEADER_TABLE_SIZE: Final = 1
SETTINGS_MAX_CONCURRENT_STREAMS: Final = 3
SETTINGS_INITIAL_WINDOW_SIZE: Final = 4

STREAMING_ID: Final = 1
"""The one call of a streaming connection."""
NO_ERROR: Final = 0
FIRST_HEADERS: Final = END_HEADERS
LAST_HEADERS: Final = END_HEADERS | END_STREAM
NOT_ENDED: Final = -1
"""Status of a message that arrives while its call goes on."""
UNAVAILABLE: Final = 14

_unpack_frame = struct.Struct(">BHBBI").unpack_from
_unpack_prefix = struct.Struct(">BI").unpack_from


class ProtocolError(Exception):
    """The server sent something the generator does not take."""


Replies = list[tuple[int, int, bytes]]
"""Answers: the stream's number, gRPC's status code (NOT_ENDED for a message of a stream that goes
on), and the protobuf bytes, or the error's text if the status is greater than 0."""


def changes_table(block: bytes) -> bool:
    """Whether decoding the block inserts into the dynamic table or resizes it (RFC 7541, 6)."""
    position = 0
    while position < len(block):
        first = block[position]
        if first & 0x80:
            _, position = _integer(block, position, 0x7F)
        elif first & 0x60:
            return True  # 01: literal with incremental indexing; 001: size update
        else:
            name, position = _integer(block, position, 0x0F)
            for _ in range(1 if name else 2):
                length, position = _integer(block, position, 0x7F)
                position += length
    return False


def _integer(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """The prefixed integer at `position` and the position after it (RFC 7541, 5.1)."""
    value = block[position] & mask
    position += 1
    if value < mask:
        return value, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


class ReplyParser:
    """The receiving half of one connection.

    Invariants: `send_window` is what the server lets us send on the connection, less what
    `Link` sent; `take_control()` holds every acknowledgement owed, in order.
    """

    def __init__(self, *, streaming: bool = False) -> None:
        """Starts at the first byte the server sends.

        Args:
            streaming: the connection is for one call, STREAMING_ID, that goes on; each of its
                messages is given when it is complete.
        """
        self.send_window = WINDOW_DEFAULT
        self._streaming = streaming
        self._rest = b""
        self._messages: dict[int, bytes] = {}
        self._partial: dict[int, bytearray] = {}
        self._decoder = hpack.Decoder()
        self._known: dict[bytes, int] = {}
        self._control: list[bytes] = []
        self._unreported_bytes = 0

    def take_control(self) -> bytes:
        """The frames that answer the server's own, to be sent before anything else."""
        control = b"".join(self._control)
        self._control.clear()
        return control

    def feed(self, data: bytes) -> Replies:
        """The answers that these bytes complete: stream, status, message.

        Raises:
            ProtocolError: the connection is of no more use.
        """
        if self._rest:
            data = self._rest + data
        replies: Replies = []
        messages, partial, known = self._messages, self._partial, self._known
        streaming = self._streaming
        data_bytes = 0
        position, end = 0, len(data)
        while end - position >= 9:
            high, low, kind, flags, stream_id = _unpack_frame(data, position)
            start = position + 9
            stop = start + (high << 16 | low)
            if stop > end:
                break
            position = stop
            # What an ordinary answer is made of is taken here, everything else in `_on_frame`.
            if (
                kind == DATA
                and low >= 5
                and not flags
                and _unpack_prefix(data, start) == (0, stop - start - 5)
                and stream_id not in partial
            ):
                data_bytes += low
                if streaming:
                    replies.append((stream_id, NOT_ENDED, data[start + 5 : stop]))
                else:
                    messages[stream_id] = data[start + 5 : stop]
            elif kind == HEADERS and known.get(data[start:stop]) == flags:
                if flags == LAST_HEADERS:
                    replies.append((stream_id, 0, messages.pop(stream_id, b"")))
            else:
                self._on_frame(kind, flags, stream_id, data[start:stop], replies)
        self._rest = data[position:]
        self._consumed(data_bytes)
        return replies

    def _on_frame(
        self, kind: int, flags: int, stream_id: int, payload: bytes, out: Replies
    ) -> None:
        """Takes any frame, the ordinary ones as well."""
        if kind == DATA:
            self._on_data(flags, stream_id, payload, out)
        elif kind == HEADERS:
            self._on_headers(flags, stream_id, payload, out)
        elif kind == RST_STREAM:
            self._on_reset(stream_id, int.from_bytes(payload, "big"), out)
        elif kind == GOAWAY:
            raise ProtocolError(f"GOAWAY {payload[4:8].hex()} {payload[8:]!r}")
        elif kind == WINDOW_UPDATE:
            # A stream carries one small request, so that its own window never matters.
            self.send_window += 0 if stream_id else int.from_bytes(payload, "big")
        elif kind == PING and not flags & ACK:
            self._control.append(frame(PING, ACK, 0, payload))
        elif kind == SETTINGS and not flags & ACK:
            self._on_settings(payload)
        elif kind not in {PING, SETTINGS}:
            raise ProtocolError(f"frame of type {kind}")

    def _on_data(self, flags: int, stream_id: int, payload: bytes, out: Replies) -> None:
        """Joins and splits where a frame is not exactly one message."""
        if flags:
            # No etcd server ends a call with DATA: the status travels in trailers.
            raise ProtocolError(f"DATA with flags {flags:#x}")
        self._consumed(len(payload))
        buffer = self._partial.setdefault(stream_id, bytearray())
        buffer += payload
        while len(buffer) >= 5:
            compressed, size = _unpack_prefix(buffer)
            if compressed:
                raise ProtocolError("a compressed message, though none was asked for")
            if len(buffer) < 5 + size:
                return
            message = bytes(buffer[5 : 5 + size])
            del buffer[: 5 + size]
            if self._streaming:
                out.append((stream_id, NOT_ENDED, message))
            else:
                self._messages[stream_id] = message
        if not buffer:
            del self._partial[stream_id]

    def _on_headers(self, flags: int, stream_id: int, block: bytes, out: Replies) -> None:
        """Decodes the block, remembers it if that is allowed, and ends the call with trailers."""
        if flags not in {FIRST_HEADERS, LAST_HEADERS}:
            raise ProtocolError(f"HEADERS with flags {flags:#x}")
        changes = changes_table(block)
        fields = {str(name): str(value) for name, value in self._decoder.decode(block)}
        if fields.get(":status", "200") != "200":
            raise ProtocolError(f"HTTP status {fields[':status']}")
        status = int(fields.get("grpc-status", NOT_ENDED))
        if changes:
            self._known.clear()
        elif status == (0 if flags == LAST_HEADERS else NOT_ENDED):
            self._known[block] = flags
        if flags == LAST_HEADERS:
            if status == NOT_ENDED:
                raise ProtocolError("a call ended without grpc-status")
            self._partial.pop(stream_id, None)
            message = self._messages.pop(stream_id, b"")
            text = fields.get("grpc-message", "").encode()
            out.append((stream_id, status, text if status else message))

    def _on_reset(self, stream_id: int, code: int, out: Replies) -> None:
        """Ends the call with an error, unless the server just wants no more of a request."""
        if code == NO_ERROR:
            return  # grpc-go answered before it saw that we had finished; the answer counts.
        self._messages.pop(stream_id, None)
        self._partial.pop(stream_id, None)
        out.append((stream_id, UNAVAILABLE, f"RST_STREAM {code}".encode()))

    def _on_settings(self, payload: bytes) -> None:
        """Refuses what a sender of small requests cannot keep to, and acknowledges the rest."""
        for name, value in struct.iter_unpack(">HI", payload):
            if name == SETTINGS_INITIAL_WINDOW_SIZE and value < FRAME_BYTES_MAX:
                raise ProtocolError(f"window of {value} bytes a stream: too small for a request")
            if name == SETTINGS_HEADER_TABLE_SIZE and value < HEADER_TABLE_BYTES:
                raise ProtocolError(f"header table of {value} bytes: blocks are made for 4,096")
            if name == SETTINGS_MAX_CONCURRENT_STREAMS and value < 100:
                raise ProtocolError(f"at most {value} calls a connection: too few to measure")
        self._control.append(frame(SETTINGS, ACK, 0, b""))

    def _consumed(self, size: int) -> None:
        """Gives the windows back when half is used; a stream that goes on is the only one here."""
        self._unreported_bytes += size
        if self._unreported_bytes >= WINDOW_BYTES // 2:
            self._control.append(_window_update(0, self._unreported_bytes))
            if self._streaming:
                self._control.append(_window_update(STREAMING_ID, self._unreported_bytes))
            self._unreported_bytes = 0


def opening_frames() -> bytes:
    """What a client sends after the preface: its settings and a wide connection window."""
    settings = struct.pack(">HI", SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES)
    return frame(SETTINGS, 0, 0, settings) + _window_update(0, WINDOW_BYTES - WINDOW_DEFAULT)


def _window_update(stream_id: int, size: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, size.to_bytes(4, "big"))
