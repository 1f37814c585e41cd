"""Handling of DATA frames (RFC 9113, section 6.1): windows, messages, and where each belongs."""

from typing import TYPE_CHECKING

from raftkv.wire import frames
from raftkv.wire.errors import ConnectionViolationError, ErrorCode, StreamViolationError
from raftkv.wire.flow import ReceiveWindow
from raftkv.wire.message import PREFIX, PREFIX_BYTES, CallError, MessageReader
from raftkv.wire.status import Code

if TYPE_CHECKING:
    from raftkv.wire.connection import Connection
    from raftkv.wire.stream import Stream


def on_data(connection: "Connection", flags: int, stream_id: int, payload: bytes) -> None:
    """Gives the messages in a DATA frame to their stream."""
    size = len(payload)
    take_bytes(connection, size)
    if flags & frames.PADDED:
        payload = frames.unpad(flags, payload)
    is_end = bool(flags & frames.END_STREAM)
    if not payload and not is_end:
        connection.count_useless()
    stream = connection.streams.get(stream_id)
    if stream is None or stream.is_remote_closed:
        _on_data_too_late(connection, stream_id)
        return
    _take_stream_bytes(connection, stream, size, is_end=is_end)
    stream.received_bytes += len(payload)
    stream.is_remote_closed = is_end
    try:
        if payload:
            _deliver(connection, stream, payload)
        if is_end and stream.is_active:
            end_remote(stream)
    except CallError as error:
        connection.fail_stream(stream, error.code, error.text)


def take_bytes(connection: "Connection", size: int) -> None:
    """Counts received DATA, padding included, for the connection (section 5.2).

    Raises:
        ConnectionViolationError: more than its window allowed.
    """
    window = connection.window
    window.received += size
    if window.received > window.grant_at:
        grant(connection)


def grant(connection: "Connection") -> None:
    """Widens the connection's window when that is due.

    Raises:
        ConnectionViolationError: the peer sent more than the window allowed.
    """
    increment = connection.window.grant()
    if increment < 0:
        raise ConnectionViolationError(
            ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the connection's window"
        )
    connection.write(frames.window_update(0, increment))


def _take_stream_bytes(
    connection: "Connection", stream: "Stream", size: int, *, is_end: bool
) -> None:
    """Counts received DATA, padding included, for a stream (section 5.2)."""
    window = stream.receive_window
    if window is None:
        if is_end:
            return
        granted = connection.config.receive_window_bytes
        window = stream.receive_window = ReceiveWindow(granted, granted)
    window.received += size
    if window.received > window.grant_at:
        increment = window.grant()
        if increment < 0:
            raise StreamViolationError(stream.stream_id, ErrorCode.FLOW_CONTROL_ERROR)
        if not is_end:
            connection.write(frames.window_update(stream.stream_id, increment))


def _on_data_too_late(connection: "Connection", stream_id: int) -> None:
    """Deals with DATA for a stream that can't take any (section 5.1)."""
    if connection.is_aborted(stream_id):
        connection.count_useless()
    elif connection.is_idle(stream_id):
        raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream")
    else:
        raise StreamViolationError(stream_id, ErrorCode.STREAM_CLOSED)


def _deliver(connection: "Connection", stream: "Stream", payload: bytes) -> None:
    """Gives a stream the messages that are complete now.

    Raises:
        CallError: gRPC's framing is broken, or a limit is passed.
    """
    reader = stream.reader
    if reader is None:
        size = len(payload) - PREFIX_BYTES
        # Nearly always a frame is one whole message, not compressed.
        if 0 <= size <= connection.config.message_bytes_max and PREFIX.unpack_from(payload) == (
            0,
            size,
        ):
            stream.on_messages([payload[PREFIX_BYTES:]])
            return
        reader = MessageReader(stream.encoding, connection.config.message_bytes_max)
        stream.reader = reader
    before = reader.held_bytes
    messages = reader.feed(payload)
    connection.hold(stream, reader.held_bytes - before)
    if messages:
        stream.on_messages(messages)


def end_remote(stream: "Stream") -> None:
    """Takes END_STREAM.

    Raises:
        CallError: in the middle of a message.
    """
    stream.is_remote_closed = True
    if stream.reader is not None and stream.reader.held_bytes:
        raise CallError(Code.INTERNAL, "unexpected EOF")
    stream.on_end()
