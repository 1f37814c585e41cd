"""Handling of the frames that carry no call (RFC 9113, sections 6.3 to 6.9)."""

from typing import TYPE_CHECKING

from raftkv.wire import frames
from raftkv.wire.errors import ConnectionViolationError, ErrorCode, StreamViolationError
from raftkv.wire.status import code_of_reset

if TYPE_CHECKING:
    from raftkv.wire.connection import Connection

_STREAMS_PER_FRAME = 64
"""Having to look at this many streams counts like one frame that carries nothing."""


def _check_size(name: str, payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, f"{name} of a wrong size")


def _check_stream(name: str, *, is_allowed: bool) -> None:
    if not is_allowed:
        raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, f"{name} on a wrong stream")


def on_priority(connection: "Connection", _flags: int, stream_id: int, payload: bytes) -> None:
    """Checks a PRIORITY frame; priorities themselves are deprecated (section 5.3)."""
    connection.count_useless()
    _check_stream("PRIORITY", is_allowed=stream_id != 0)
    _check_size("PRIORITY", payload, 5)


def on_rst_stream(connection: "Connection", _flags: int, stream_id: int, payload: bytes) -> None:
    """Ends a stream: the call is cancelled."""
    connection.count_useless()
    _check_size("RST_STREAM", payload, 4)
    _check_stream("RST_STREAM", is_allowed=stream_id != 0 and not connection.is_idle(stream_id))
    stream = connection.streams.get(stream_id)
    if stream is not None and connection.close_stream(stream):
        error_code = int.from_bytes(payload, "big")
        stream.on_lost(code_of_reset(error_code), f"stream terminated by RST_STREAM {error_code}")


def on_settings(connection: "Connection", flags: int, stream_id: int, payload: bytes) -> None:
    """Takes the peer's settings and acknowledges them."""
    connection.count_useless()
    _check_stream("SETTINGS", is_allowed=stream_id == 0)
    if flags & frames.ACK:
        _check_size("SETTINGS ACK", payload, 0)
        return
    for setting, value in frames.parse_settings(payload):
        if setting == frames.HEADER_TABLE_SIZE:
            connection.encoder.limit_table(value)
        elif setting == frames.MAX_FRAME_SIZE:
            connection.set_frame_size(value)
        elif setting == frames.INITIAL_WINDOW_SIZE:
            streams = connection.set_stream_window(value)
            connection.count_useless(streams // _STREAMS_PER_FRAME)
        connection.on_setting(setting, value)
    connection.write(frames.SETTINGS_ACK)


def on_push_promise(
    _connection: "Connection", _flags: int, _stream_id: int, _payload: bytes
) -> None:
    """Refuses it: a client may not send it, and we as a client said ENABLE_PUSH 0."""
    raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE")


def on_ping(connection: "Connection", flags: int, stream_id: int, payload: bytes) -> None:
    """Answers a PING, or takes the answer to ours."""
    connection.count_useless()
    _check_size("PING", payload, 8)
    _check_stream("PING", is_allowed=stream_id == 0)
    if flags & frames.ACK:
        connection.on_ping_answer(payload)
    else:
        connection.write(frames.ping(payload, frames.ACK))
        connection.on_ping()


def on_goaway(connection: "Connection", _flags: int, stream_id: int, payload: bytes) -> None:
    """Takes note that the peer is going to leave."""
    connection.count_useless()
    _check_stream("GOAWAY", is_allowed=stream_id == 0)
    if len(payload) < 8:
        raise ConnectionViolationError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY of a wrong size")
    last_stream_id = int.from_bytes(payload[:4], "big") & frames.STREAM_ID_MAX
    connection.on_goaway(last_stream_id, int.from_bytes(payload[4:8], "big"), payload[8:])


def on_window_update(connection: "Connection", _flags: int, stream_id: int, payload: bytes) -> None:
    """Widens a window, and sends what waited for it."""
    connection.count_useless()
    _check_size("WINDOW_UPDATE", payload, 4)
    increment = int.from_bytes(payload, "big") & frames.WINDOW_BYTES_MAX
    if stream_id == 0:
        if increment == 0:
            raise ConnectionViolationError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
        connection.widen_connection(increment)
        return
    stream = connection.streams.get(stream_id)
    if stream is None:
        # Section 5.1: on a stream closed not long ago it is to be expected.
        _check_stream("WINDOW_UPDATE", is_allowed=not connection.is_idle(stream_id))
    elif increment == 0:
        raise StreamViolationError(stream_id, ErrorCode.PROTOCOL_ERROR)
    elif not connection.widen_stream(stream, increment):
        raise StreamViolationError(stream_id, ErrorCode.FLOW_CONTROL_ERROR)
