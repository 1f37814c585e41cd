"""Handling of HEADERS and CONTINUATION (RFC 9113, sections 6.2 and 6.10): blocks made whole."""

from typing import TYPE_CHECKING

from raftkv.wire import frames
from raftkv.wire.errors import ConnectionViolationError, ErrorCode

if TYPE_CHECKING:
    from raftkv.wire.connection import Connection

_PRIORITY_BYTES = 5


class PartialBlock:
    """A header block of which more is to come."""

    __slots__ = ("block", "flags", "stream_id")

    def __init__(self, stream_id: int, flags: int, block: bytes) -> None:
        self.stream_id = stream_id
        self.flags = flags
        """The flags of its HEADERS frame."""
        self.block = bytearray(block)


def on_headers(connection: "Connection", flags: int, stream_id: int, payload: bytes) -> None:
    """Takes the start of a block, usually all of it."""
    if stream_id == 0:
        raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0")
    if flags & (frames.PADDED | frames.PRIORITY_FLAG):
        priority_bytes = _PRIORITY_BYTES if flags & frames.PRIORITY_FLAG else 0
        payload = frames.unpad(flags, payload, priority_bytes)
    _check_size(connection, len(payload))
    if flags & frames.END_HEADERS:
        connection.on_block(stream_id, flags, payload)
    else:
        connection.block = PartialBlock(stream_id, flags, payload)


def on_continuation(connection: "Connection", flags: int, stream_id: int, payload: bytes) -> None:
    """Takes more of a block."""
    partial = connection.block
    if partial is None or stream_id != partial.stream_id:
        raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing")
    connection.count_useless()
    partial.block += payload
    _check_size(connection, len(partial.block))
    if flags & frames.END_HEADERS:
        connection.block = None
        connection.on_block(stream_id, partial.flags, bytes(partial.block))


def _check_size(connection: "Connection", size: int) -> None:
    if size > connection.config.header_block_bytes_max:
        raise ConnectionViolationError(ErrorCode.ENHANCE_YOUR_CALM, "too large a header block")
