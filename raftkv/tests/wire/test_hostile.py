"""Peers that break the rules, by mistake or on purpose, and peers that ask for too much."""

import gzip
import tracemalloc
from collections import defaultdict

import pytest

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import (
    ECHO,
    LATER,
    PREFACE,
    STREAM,
    RawClient,
    data,
    grpc_message,
)
from raftkv.wire import frames
from raftkv.wire.errors import ErrorCode

END = frames.END_HEADERS
ALL = frames.END_HEADERS | frames.END_STREAM
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return frames.frame(kind, flags, stream_id, payload)


def setting(key: int, value: int) -> bytes:
    return frames.settings(((key, value),))


def goaway_code(client: RawClient) -> ErrorCode:
    received = client.frames()
    assert client.connection.should_close
    assert received[-1].kind == GOAWAY, received
    assert not client.connection.streams
    client.send(client.request(stream_id=1_001))
    assert client.frames() == [], "nothing is answered after GOAWAY"
    return ErrorCode(received[-1].error_code)


def reset_code(client: RawClient, stream_id: int) -> ErrorCode:
    received = [f for f in client.frames() if f.kind == RST_STREAM]
    assert [f.stream_id for f in received] == [stream_id]
    assert not client.connection.should_close
    client.send(client.request(stream_id=1_001))
    assert client.frames(), "the connection goes on"
    return ErrorCode(received[0].error_code)


CONNECTION_ERRORS = [
    # Frames of a wrong size (section 4.2 and each frame's own).
    ("frame too large", frame(DATA, 0, 1, bytes(16_385)), "FRAME_SIZE_ERROR"),
    ("frame too large, announced", b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", "FRAME_SIZE_ERROR"),
    ("unknown frame too large", frame(99, 0, 0, bytes(16_385)), "FRAME_SIZE_ERROR"),
    ("headers too large", frame(HEADERS, END, 3, bytes(16_385)), "FRAME_SIZE_ERROR"),
    ("priority size", frame(PRIORITY, 0, 1, bytes(4)), "FRAME_SIZE_ERROR"),
    ("rst_stream size", frame(RST_STREAM, 0, 1, bytes(5)), "FRAME_SIZE_ERROR"),
    ("settings size", frame(SETTINGS, 0, 0, bytes(5)), "FRAME_SIZE_ERROR"),
    ("settings ack size", frame(SETTINGS, 1, 0, bytes(6)), "FRAME_SIZE_ERROR"),
    ("ping size", frame(PING, 0, 0, bytes(7)), "FRAME_SIZE_ERROR"),
    ("goaway size", frame(GOAWAY, 0, 0, bytes(7)), "FRAME_SIZE_ERROR"),
    ("window_update size", frame(WINDOW_UPDATE, 0, 0, bytes(3)), "FRAME_SIZE_ERROR"),
    ("padded without length", frame(DATA, 8, 1), "FRAME_SIZE_ERROR"),
    ("priority flag without room", frame(HEADERS, END | 0x20, 3, bytes(4)), "FRAME_SIZE_ERROR"),
    # Streams that can't be (section 5.1.1 and each frame's own).
    ("data on stream 0", frame(DATA, 0, 0, b"x"), "PROTOCOL_ERROR"),
    ("headers on stream 0", frame(HEADERS, END, 0, b"\x82"), "PROTOCOL_ERROR"),
    ("headers on an even stream", frame(HEADERS, END, 2, b"\x82"), "PROTOCOL_ERROR"),
    ("priority on stream 0", frame(PRIORITY, 0, 0, bytes(5)), "PROTOCOL_ERROR"),
    ("rst_stream on stream 0", frames.rst_stream(0, 8), "PROTOCOL_ERROR"),
    ("settings on a stream", frame(SETTINGS, 0, 1), "PROTOCOL_ERROR"),
    ("ping on a stream", frame(PING, 0, 1, bytes(8)), "PROTOCOL_ERROR"),
    ("goaway on a stream", frame(GOAWAY, 0, 1, bytes(8)), "PROTOCOL_ERROR"),
    ("data on an idle stream", frame(DATA, 0, 99, b"x"), "PROTOCOL_ERROR"),
    ("rst_stream on an idle stream", frames.rst_stream(99, 8), "PROTOCOL_ERROR"),
    ("rst_stream on an even stream", frames.rst_stream(2, 8), "PROTOCOL_ERROR"),
    ("window_update on an idle stream", frames.window_update(99, 1), "PROTOCOL_ERROR"),
    # Frames out of place.
    ("push_promise", frame(PUSH_PROMISE, END, 1, bytes(5)), "PROTOCOL_ERROR"),
    ("continuation of nothing", frame(CONTINUATION, END, 1, b"\x82"), "PROTOCOL_ERROR"),
    (
        "continuation of another stream",
        frame(HEADERS, 0, 3, b"\x82") + frame(CONTINUATION, END, 5, b"\x82"),
        "PROTOCOL_ERROR",
    ),
    (
        "a frame inside a header block",
        frame(HEADERS, 0, 3, b"\x82") + frames.ping(bytes(8)),
        "PROTOCOL_ERROR",
    ),
    (
        "headers inside a header block",
        frame(HEADERS, 0, 3, b"\x82") + frame(HEADERS, END, 3, b"\x82"),
        "PROTOCOL_ERROR",
    ),
    # Values that may not be.
    ("padding over all", frame(DATA, 8, 1, b"\x02x"), "PROTOCOL_ERROR"),
    ("header padding over all", frame(HEADERS, END | 8, 3, b"\x02x"), "PROTOCOL_ERROR"),
    ("window_update of 0", frames.window_update(0, 0), "PROTOCOL_ERROR"),
    ("enable_push 2", setting(frames.ENABLE_PUSH, 2), "PROTOCOL_ERROR"),
    ("max_frame_size 16383", setting(frames.MAX_FRAME_SIZE, 16_383), "PROTOCOL_ERROR"),
    ("max_frame_size 2^24", setting(frames.MAX_FRAME_SIZE, 1 << 24), "PROTOCOL_ERROR"),
    ("window of 2^31", setting(frames.INITIAL_WINDOW_SIZE, 1 << 31), "FLOW_CONTROL_ERROR"),
    ("window overflow", frames.window_update(0, (1 << 31) - 1), "FLOW_CONTROL_ERROR"),
    (
        "window overflow by settings",
        frames.window_update(1, (1 << 31) - 1 - 65_535)
        + setting(frames.INITIAL_WINDOW_SIZE, 65_536),
        "FLOW_CONTROL_ERROR",
    ),
    # HPACK (RFC 7541) and its limits.
    ("index 0", frame(HEADERS, END, 3, b"\x80"), "COMPRESSION_ERROR"),
    ("index out of the table", frame(HEADERS, END, 3, b"\xfe"), "COMPRESSION_ERROR"),
    ("huge integer", frame(HEADERS, END, 3, b"\xff" * 12 + b"\x01"), "COMPRESSION_ERROR"),
    ("endless integer", frame(HEADERS, END, 3, b"\xff" + b"\x80" * 90), "COMPRESSION_ERROR"),
    ("table too large", frame(HEADERS, END, 3, b"\x3f\xe2\x1f"), "COMPRESSION_ERROR"),
    ("broken trailers", frame(HEADERS, ALL, 1, b"\x80"), "COMPRESSION_ERROR"),
    (
        "HPACK bomb",
        frame(HEADERS, END, 3, b"\x40\x01a\x7f\x81\x1e" + b"v" * 4_000 + b"\xbe" * 12_000),
        "ENHANCE_YOUR_CALM",
    ),
    (
        "header block over the limit",
        frame(HEADERS, 0, 3, bytes(16_000)) + frame(CONTINUATION, 0, 3, bytes(1_000)),
        "ENHANCE_YOUR_CALM",
    ),
    # Floods.
    ("ping flood", frames.ping(bytes(8)) * 1_100, "ENHANCE_YOUR_CALM"),
    ("ping ack flood", frames.ping(bytes(8), 1) * 1_100, "ENHANCE_YOUR_CALM"),
    ("settings flood", frames.settings(()) * 1_100, "ENHANCE_YOUR_CALM"),
    ("settings ack flood", frames.SETTINGS_ACK * 1_100, "ENHANCE_YOUR_CALM"),
    ("empty data flood", frame(DATA, 0, 1) * 1_100, "ENHANCE_YOUR_CALM"),
    ("padding flood", frame(DATA, 8, 1, b"\x05" + bytes(5)) * 1_100, "ENHANCE_YOUR_CALM"),
    ("priority flood", frame(PRIORITY, 0, 5, bytes(5)) * 1_100, "ENHANCE_YOUR_CALM"),
    ("window_update flood", frames.window_update(0, 1) * 1_100, "ENHANCE_YOUR_CALM"),
    ("rst_stream flood", frames.rst_stream(1, 8) * 1_100, "ENHANCE_YOUR_CALM"),
    ("goaway flood", frame(GOAWAY, 0, 0, bytes(8)) * 1_100, "ENHANCE_YOUR_CALM"),
    ("unknown frame flood", frame(99, 0, 0) * 1_100, "ENHANCE_YOUR_CALM"),
    (
        "continuation flood",
        frame(HEADERS, 0, 3) + frame(CONTINUATION, 0, 3) * 1_100,
        "ENHANCE_YOUR_CALM",
    ),
    (
        "streams that must be reset",
        b"".join([frame(HEADERS, END, number * 2 + 3, b"\x82") for number in range(1_100)]),
        "ENHANCE_YOUR_CALM",
    ),
    (
        "data on a stream that is over",
        frames.rst_stream(1, 8) + frame(DATA, 0, 1, b"x") * 1_100,
        "ENHANCE_YOUR_CALM",
    ),
]


@pytest.mark.parametrize(
    ("attack", "code"),
    [(attack, code) for _, attack, code in CONNECTION_ERRORS],
    ids=[name for name, _, _ in CONNECTION_ERRORS],
)
def test_what_breaks_the_connections_rules_ends_it_with_the_right_code(
    attack: bytes, code: str
) -> None:
    client = RawClient()
    assert client.open(STREAM) == 1
    client.send(attack)
    assert goaway_code(client).name == code
    assert client.services.log == ["close"]


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", ErrorCode.PROTOCOL_ERROR),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", ErrorCode.PROTOCOL_ERROR),
        (frames.PREFACE + frames.ping(bytes(8)), ErrorCode.PROTOCOL_ERROR),
        (frames.PREFACE + frames.SETTINGS_ACK, ErrorCode.PROTOCOL_ERROR),
        (frames.PREFACE + frame(HEADERS, END, 1, b"\x82"), ErrorCode.PROTOCOL_ERROR),
    ],
    ids=["HTTP/1.1", "almost", "ping first", "ack first", "headers first"],
)
def test_a_client_must_begin_as_http_2_says(start: bytes, code: ErrorCode) -> None:
    client = RawClient(greet=False)
    client.send(start)
    assert goaway_code(client) is code


MALFORMED: list[tuple[str, dict[str, str | None]]] = [
    ("no method", {":method": None}),
    ("no scheme", {":scheme": None}),
    ("no path", {":path": None}),
    ("empty path", {":path": ""}),
    ("a response's pseudo-field", {":status": "200"}),
    ("an unknown pseudo-field", {":nonsense": "1"}),
    ("an uppercase name", {"Token": "1"}),
    ("an empty name", {"": "1"}),
    ("a space in a name", {"a b": "1"}),
    ("a newline in a value", {"token": "a\nb"}),
    ("a zero byte in a value", {"token": "a\x00b"}),
    ("a space before a value", {"token": " a"}),
    ("connection", {"connection": "close"}),
    ("transfer-encoding", {"transfer-encoding": "chunked"}),
    ("upgrade", {"upgrade": "h2c"}),
    ("te other than trailers", {"te": "gzip"}),
    ("a content-length that is no number", {"content-length": "1x"}),
]


@pytest.mark.parametrize(
    "changed", [changed for _, changed in MALFORMED], ids=[name for name, _ in MALFORMED]
)
def test_a_malformed_request_is_reset(changed: dict[str, str | None]) -> None:
    client = RawClient()
    client.open(ECHO, changed)
    assert reset_code(client, 1) is ErrorCode.PROTOCOL_ERROR
    assert client.services.requests == [b"hello"]


@pytest.mark.parametrize(
    "fields",
    [
        [("content-type", "application/grpc"), (":method", "POST")],
        [(":method", "POST"), (":method", "POST")],
    ],
    ids=["behind others", "twice"],
)
def test_pseudo_fields_come_first_and_once(fields: list[tuple[str, str]]) -> None:
    client = RawClient()
    block = client.encoder.encode([*fields, (":scheme", "http"), (":path", ECHO)])
    client.send(frame(HEADERS, END, 1, block))
    assert reset_code(client, 1) is ErrorCode.PROTOCOL_ERROR


STREAM_ERRORS = [
    ("window_update of 0", frames.window_update(1, 0), "PROTOCOL_ERROR"),
    ("window overflow", frames.window_update(1, (1 << 31) - 1), "FLOW_CONTROL_ERROR"),
    ("data after the end", data(1, b"", end=True) + data(1, b"x"), "STREAM_CLOSED"),
    ("headers after the end", data(1, b"", end=True) + frame(HEADERS, ALL, 1), "STREAM_CLOSED"),
    ("headers in the middle", frame(HEADERS, END, 1), "PROTOCOL_ERROR"),
    ("pseudo-fields in trailers", frame(HEADERS, ALL, 1, b"\x82"), "PROTOCOL_ERROR"),
    ("data after reset", frames.rst_stream(1, 8) + data(1, b"x"), "STREAM_CLOSED"),
]


@pytest.mark.parametrize(
    ("attack", "code"),
    [(attack, code) for _, attack, code in STREAM_ERRORS],
    ids=[name for name, _, _ in STREAM_ERRORS],
)
def test_what_breaks_a_streams_rules_ends_only_the_stream(attack: bytes, code: str) -> None:
    client = RawClient()
    client.open(STREAM)
    client.send(attack)
    assert reset_code(client, 1).name == code
    assert client.services.log[-1] == "close"


def test_content_length_must_be_the_length() -> None:
    client = RawClient()
    client.open(ECHO, {"content-length": "9"})
    client.send(data(1, grpc_message(b"hello"), end=True))
    assert reset_code(client, 1) is ErrorCode.PROTOCOL_ERROR


def test_a_used_stream_is_not_opened_again() -> None:
    client = RawClient()
    client.send(client.request(stream_id=1))
    client.send(frame(HEADERS, END, 1, client.block()))
    assert goaway_code(client) is ErrorCode.STREAM_CLOSED


def test_stream_ids_do_not_decrease() -> None:
    client = RawClient()
    client.send(client.request(stream_id=5))
    client.send(frame(HEADERS, END, 3, client.block()))
    assert goaway_code(client) is ErrorCode.PROTOCOL_ERROR


def test_more_data_than_the_connections_window_is_an_error() -> None:
    client = RawClient(WireConfig(receive_window_bytes=65_535, message_bytes_max=1 << 30))
    client.connection.window.grant_at = 65_535  # as if no WINDOW_UPDATE had left yet
    client.open(STREAM)
    client.send(data(1, b"\x00\x3f\xff\xff\xff" + bytes(16_000)), *[data(1, bytes(16_000))] * 4)
    assert goaway_code(client) is ErrorCode.FLOW_CONTROL_ERROR


def test_streams_over_the_limit_are_refused() -> None:
    client = RawClient(WireConfig(concurrent_streams_max=3))
    client.send(*[client.request(LATER) for _ in range(5)])
    received = client.frames()
    assert [(f.kind, f.stream_id) for f in received] == [(RST_STREAM, 7), (RST_STREAM, 9)]
    assert {f.error_code for f in received} == {ErrorCode.REFUSED_STREAM}
    client.services.calls[0].reply(b"")
    client.send(client.request(stream_id=11))
    assert [f.stream_id for f in client.frames()] == [1, 1, 1, 11, 11, 11]


def test_rapid_reset_ends_the_connection() -> None:
    client = RawClient()
    for _ in range(1_001):
        client.send(client.request(LATER), frames.rst_stream(client.next_id - 2, 8))
    assert goaway_code(client) is ErrorCode.ENHANCE_YOUR_CALM
    assert not client.connection.streams


def test_cancelling_now_and_then_is_no_flood() -> None:
    client = RawClient()
    for number in range(3_000):
        client.send(client.request(LATER), frames.rst_stream(client.next_id - 2, 8))
        if number % 500 == 0:
            client.send(client.request(ECHO))
    assert not client.connection.should_close


def test_slow_cancelling_is_no_flood_either() -> None:
    client = RawClient()
    for second in range(30):
        client.connection.tick(second * 1_000)
        for _ in range(100):
            client.send(client.request(LATER), frames.rst_stream(client.next_id - 2, 8))
    assert not client.connection.should_close


def test_bandwidth_pings_between_responses_are_no_flood() -> None:
    client = RawClient()
    client.open(STREAM)
    for _ in range(3_000):
        client.services.streams[0].send(b"event")
        client.send(frames.ping(b"bandwdth"), frames.window_update(0, 100))
        client.frames()
    assert not client.connection.should_close


def memory_of(attack: bytes, config: WireConfig, rounds: int = 1) -> int:
    client = RawClient(config)
    tracemalloc.start()
    for _ in range(rounds):
        client.send(attack)
        client.frames()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_unfinished_messages_hold_no_more_than_configured() -> None:
    client = RawClient(WireConfig(held_bytes_max=200_000))
    for _ in range(30):
        stream_id = client.open(ECHO)
        client.send(data(stream_id, b"\x00\x00\x10\x00\x00" + bytes(15_000)))
        assert client.connection.held_bytes <= 200_000
    ended = [f for f in client.frames() if f.kind == HEADERS]
    assert len(ended) == 30 - 200_000 // 15_005
    assert client.headers(ended[0])["grpc-status"] == "8"


def test_large_headers_of_open_streams_are_counted_too() -> None:
    client = RawClient(WireConfig(held_bytes_max=100_000))
    for number in range(30):
        client.open(STREAM, {"token": f"{number:010}" * 500})
    assert client.connection.held_bytes <= 100_000
    assert len(client.connection.streams) <= 20
    client.connection.connection_lost()
    assert client.connection.held_bytes == 0


def test_a_gzip_bomb_costs_its_call_only() -> None:
    bomb = grpc_message(gzip.compress(bytes(50_000_000)), 1)
    client = RawClient()
    client.open(ECHO, {"grpc-encoding": "gzip"})
    tracemalloc.start()
    for start in range(0, len(bomb), 16_000):
        client.send(data(1, bomb[start : start + 16_000]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert client.headers(client.frames()[-2])["grpc-status"] == "8"
    assert peak < 10_000_000


def test_an_hpack_bomb_costs_no_memory() -> None:
    block = b"\x40\x01a\x7f\x81\x1e" + b"v" * 4_000 + b"\xbe" * 12_000
    assert memory_of(frame(HEADERS, END, 3, block), WireConfig()) < 200_000


def test_frames_of_one_byte_at_a_time_cost_no_memory() -> None:
    client = RawClient()
    attack = frame(HEADERS, 0, 1, bytes(16_000))
    tracemalloc.start()
    for byte in attack:
        client.send(bytes((byte,)))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 100_000


def test_requests_of_a_client_that_does_not_read_wait_for_it() -> None:
    """Zero windows: replies pile up to a bound, then requests wait, and in the end all is said."""
    config = WireConfig(output_bytes_max=50_000, held_bytes_max=1_000_000)
    client = RawClient(config, greet=False)
    client.send(frames.PREFACE, setting(frames.INITIAL_WINDOW_SIZE, 0))
    count = 300
    for number in range(count):
        client.send(client.request(ECHO, b"%05d" % number * 200))
        assert client.connection.waiting_bytes <= 50_000 + 1_005
    client.frames()
    handled = len(client.services.requests)
    assert handled <= 51
    client.send(frames.window_update(0, 1_000_000))
    bodies: defaultdict[int, bytes] = defaultdict(bytes)
    client.send(setting(frames.INITIAL_WINDOW_SIZE, 2_000))
    while received := client.frames():
        for sent in received:
            if sent.kind == DATA:
                bodies[sent.stream_id] += sent.payload
    assert bodies == {n * 2 + 1: grpc_message(b"%05d" % n * 200) for n in range(count)}
    assert client.connection.waiting_bytes == 0
    assert client.connection.held_bytes == 0
    assert not client.connection.is_congested


def test_cancelled_replies_that_waited_make_room_again() -> None:
    client = RawClient(WireConfig(output_bytes_max=5_000), greet=False)
    client.send(frames.PREFACE, setting(frames.INITIAL_WINDOW_SIZE, 0))
    for _ in range(20):
        client.send(client.request(ECHO, b"x" * 1_000))
    assert len(client.services.requests) == 5
    for stream_id in range(1, 41, 2):
        client.send(frames.rst_stream(stream_id, 8))
    assert client.connection.waiting_bytes == 0
    assert client.connection.held_bytes == 0
    assert not client.connection.streams


def test_cancelled_requests_that_waited_leave_nothing_behind() -> None:
    client = RawClient(WireConfig(output_bytes_max=5_000), greet=False)
    client.send(frames.PREFACE, setting(frames.INITIAL_WINDOW_SIZE, 0))
    client.send(*[client.request(ECHO, b"x" * 1_000) for _ in range(6)])
    assert client.connection.is_congested
    for number in range(900):
        client.send(client.request(ECHO, b"x" * 1_000), frames.rst_stream(client.next_id - 2, 8))
        assert len(client.connection._postponed) <= 1, number
    assert client.connection.held_bytes < 3_000


def test_empty_requests_to_a_stream_that_is_not_listened_to_are_counted() -> None:
    client = RawClient(WireConfig(stream_output_bytes_max=10, held_bytes_max=100_000), greet=False)
    client.send(frames.PREFACE, setting(frames.INITIAL_WINDOW_SIZE, 0))
    client.open(STREAM)
    client.services.streams[0].send(b"not read")
    client.services.streams[0].send(b"not read either")
    for _ in range(10):
        client.send(data(1, grpc_message(b"") * 1_000))
        assert client.connection.held_bytes <= 100_000
    assert client.services.log == ["close"]
    assert client.headers(client.frames()[-2])["grpc-status"] == "8"


def test_a_stream_whose_responses_are_not_read_is_not_listened_to() -> None:
    client = RawClient(WireConfig(stream_output_bytes_max=1_000), greet=False)
    client.send(frames.PREFACE, setting(frames.INITIAL_WINDOW_SIZE, 0))
    client.open(STREAM)
    stream = client.services.streams[0]
    stream.on_message = lambda message: stream.send(message * 100)
    for number in range(100):
        client.send(data(1, grpc_message(b"%d" % (number % 10))))
    client.send(data(1, b"", end=True))
    assert stream.output_bytes <= 1_105
    assert client.services.log == []
    client.frames()
    client.send(frames.window_update(1, 1_000_000))
    bodies = [f.payload for f in client.frames() if f.kind == DATA]
    assert b"".join(bodies) == b"".join(
        [grpc_message(b"%d" % (number % 10) * 100) for number in range(100)]
    )
    assert client.services.log[0] == "half close"


def test_input_is_not_accepted_while_too_much_output_waits() -> None:
    client = RawClient(WireConfig(output_frames_max=100))
    assert client.connection.accepts_input
    client.send(*[client.request() for _ in range(50)])
    assert not client.connection.accepts_input
    client.frames()
    assert client.connection.accepts_input


def test_the_output_that_is_not_taken_has_a_bound() -> None:
    client = RawClient(WireConfig(output_bytes_max=100_000))
    client.send(frames.window_update(0, 1_000_000_000))
    client.open(STREAM)
    client.send(frames.window_update(1, 1_000_000_000))
    stream = client.services.streams[0]
    for _ in range(100):
        stream.send(bytes(10_000))
    assert sum(len(piece) for piece in client.connection.output) < 101_000
    assert stream.output_bytes > 900_000
    total = 0
    while received := client.frames():
        total += sum(len(f.payload) for f in received if f.kind == DATA)
    assert total == 100 * 10_005
    assert "drained" in client.services.log


def test_after_the_preface_nothing_is_said_before_the_client_speaks() -> None:
    client = RawClient(greet=False)
    assert client.connection.take_output() == b""
    client.send(PREFACE[:10])
    assert client.connection.take_output() == b""
    client.send(PREFACE[10:])
    kinds = [f.kind for f in client.frames()]
    assert kinds == [SETTINGS, WINDOW_UPDATE, SETTINGS]
