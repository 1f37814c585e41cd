"""HTTP/2 frames as bytes: the constants of RFC 9113 section 6, and a function a frame that we send.

Nothing here knows a connection's state. Reading a frame's header is three machine integers
(`FRAME_HEADER`), done in the loops of `server.py` and `client.py` without an object a frame.
"""

from collections.abc import Iterable
from struct import Struct, iter_unpack

from raftkv.wire.errors import ConnectionViolationError, ErrorCode

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first (RFC 9113, section 3.4)."""
ALPN_PROTOCOL = "h2"
"""HTTP/2's name in TLS application-layer protocol negotiation."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)

END_STREAM = 0x1
ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20

HEADER_TABLE_SIZE = 0x1
ENABLE_PUSH = 0x2
MAX_CONCURRENT_STREAMS = 0x3
INITIAL_WINDOW_SIZE = 0x4
MAX_FRAME_SIZE = 0x5
MAX_HEADER_LIST_SIZE = 0x6

FRAME_HEADER_BYTES = 9
FRAME_BYTES_MIN = 16_384
"""Every peer takes frames of this size; it is also the largest that we take."""
FRAME_BYTES_MAX = (1 << 24) - 1
WINDOW_BYTES_DEFAULT = 65_535
WINDOW_BYTES_MAX = (1 << 31) - 1
STREAM_ID_MAX = (1 << 31) - 1
HEADER_TABLE_BYTES_DEFAULT = 4_096

FRAME_HEADER = Struct(">IBI")
"""Length and type in one integer (length << 8 | type), flags, stream id with the reserved bit."""
_SETTING = Struct(">HI")
_UINT32_FRAME = Struct(">IBII")
_GOAWAY_FRAME = Struct(">IBIII")


def frame(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    """Returns one frame."""
    return FRAME_HEADER.pack(len(payload) << 8 | kind, flags, stream_id) + payload


def settings(pairs: Iterable[tuple[int, int]]) -> bytes:
    """Returns a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join([_SETTING.pack(key, value) for key, value in pairs]))


SETTINGS_ACK = frame(SETTINGS, ACK, 0, b"")


def ping(payload: bytes, flags: int = 0) -> bytes:
    """Returns a PING frame; the payload has 8 bytes."""
    return frame(PING, flags, 0, payload)


def rst_stream(stream_id: int, code: int) -> bytes:
    """Returns a RST_STREAM frame."""
    return _UINT32_FRAME.pack(4 << 8 | RST_STREAM, 0, stream_id, code)


def window_update(stream_id: int, increment: int) -> bytes:
    """Returns a WINDOW_UPDATE frame; stream 0 means the connection."""
    return _UINT32_FRAME.pack(4 << 8 | WINDOW_UPDATE, 0, stream_id, increment)


def goaway(last_stream_id: int, code: int, debug_data: bytes = b"") -> bytes:
    """Returns a GOAWAY frame."""
    length = 8 + len(debug_data)
    return _GOAWAY_FRAME.pack(length << 8 | GOAWAY, 0, 0, last_stream_id, code) + debug_data


def header_frames(stream_id: int, block: bytes, flags: int) -> bytes:
    """Returns a HEADERS frame, and CONTINUATION frames when the block is too long for it.

    `flags` may have END_STREAM; END_HEADERS is added where it belongs.
    """
    if len(block) <= FRAME_BYTES_MIN:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    pieces = [frame(HEADERS, flags, stream_id, block[:FRAME_BYTES_MIN])]
    for start in range(FRAME_BYTES_MIN, len(block), FRAME_BYTES_MIN):
        end_headers = END_HEADERS if start + FRAME_BYTES_MIN >= len(block) else 0
        piece = block[start : start + FRAME_BYTES_MIN]
        pieces.append(frame(CONTINUATION, end_headers, stream_id, piece))
    return b"".join(pieces)


def parse_settings(payload: bytes) -> list[tuple[int, int]]:
    """Returns the (identifier, value) pairs of a SETTINGS frame.

    Raises:
        ConnectionViolationError: a length or a value that RFC 9113 section 6.5 forbids.
    """
    if len(payload) % 6:
        raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken length")
    pairs: list[tuple[int, int]] = list(iter_unpack(">HI", payload))
    for key, value in pairs:
        if key == ENABLE_PUSH and value > 1:
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH over 1")
        if key == INITIAL_WINDOW_SIZE and value > WINDOW_BYTES_MAX:
            raise ConnectionViolationError(
                ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE over 2^31-1"
            )
        if key == MAX_FRAME_SIZE and not FRAME_BYTES_MIN <= value <= FRAME_BYTES_MAX:
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE out of range")
    return pairs


def unpad(flags: int, payload: bytes, priority_bytes: int = 0) -> bytes:
    """Returns a DATA or HEADERS payload without padding and without priority fields.

    Raises:
        ConnectionViolationError: more padding than payload (sections 6.1 and 6.2).
    """
    start = 0
    stop = len(payload)
    if flags & PADDED:
        if not payload:
            raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, "no room for the padding")
        start = 1
        stop -= payload[0]
    if len(payload) < start + priority_bytes:
        raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, "no room for the priority")
    start += priority_bytes
    if stop < start:
        raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return payload[start:stop]
