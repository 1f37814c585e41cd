"""Flow control both ways."""

import pytest

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import ECHO, LATER, STREAM, Frame, RawClient, data, grpc_message
from raftkv.wire import frames
from raftkv.wire.errors import ErrorCode


def windows(received: list[Frame]) -> list[tuple[int, int]]:
    return [
        (f.stream_id, int.from_bytes(f.payload, "big"))
        for f in received
        if f.kind == frames.WINDOW_UPDATE
    ]


def payload_sizes(received: list[Frame]) -> list[int]:
    return [len(f.payload) for f in received if f.kind == frames.DATA]


def test_a_long_request_gets_window_for_its_stream_and_its_connection() -> None:
    config = WireConfig(receive_window_bytes=100_000, message_bytes_max=1_000_000)
    client = RawClient(config)
    client.open(ECHO)
    message = grpc_message(bytes(400_000))
    granted: list[tuple[int, int]] = []
    for start in range(0, len(message), 16_000):
        client.send(data(1, message[start : start + 16_000]))
        granted += windows(client.frames())
    for stream_id in (0, 1):
        total = sum(increment for stream, increment in granted if stream == stream_id)
        assert 100_000 + total >= len(message) + 50_000
    assert len(granted) < 20, "half a window at a time"


def test_many_short_requests_get_window_for_their_connection() -> None:
    client = RawClient(WireConfig(receive_window_bytes=65_535))
    granted = 0
    for _ in range(1_000):
        client.send(client.request(message=bytes(300)))
        granted += sum(increment for stream, increment in windows(client.frames()) if not stream)
    assert granted > 1_000 * 305 - 65_535


def test_padding_counts_against_the_window() -> None:
    client = RawClient(WireConfig(receive_window_bytes=65_535))
    client.open(STREAM)
    padded = frames.frame(frames.DATA, frames.PADDED, 1, b"\xc8" + grpc_message(b"x") + bytes(200))
    for _ in range(160):
        client.send(padded)
    assert windows(client.frames()) == [(0, 159 * 207), (1, 159 * 207)]


def test_a_reply_waits_for_the_streams_window_and_goes_on_where_it_stopped() -> None:
    client = RawClient(greet=False)
    client.send(frames.PREFACE, frames.settings(((frames.INITIAL_WINDOW_SIZE, 10),)))
    client.send(client.request(message=b"0123456789abcdef"))
    received = client.frames()
    assert payload_sizes(received) == [10]
    client.send(frames.window_update(1, 4))
    assert payload_sizes(client.frames()) == [4]
    client.send(frames.settings(((frames.INITIAL_WINDOW_SIZE, 15),)))
    assert payload_sizes(client.frames()) == [5]
    client.send(frames.window_update(1, 100))
    received = client.frames()
    assert payload_sizes(received) == [2]
    assert client.headers(received[-1]) == {"grpc-status": "0"}


def test_a_smaller_initial_window_can_make_a_window_negative() -> None:
    client = RawClient(greet=False)
    client.send(frames.PREFACE, frames.settings(((frames.INITIAL_WINDOW_SIZE, 30),)))
    client.open(STREAM)
    stream = client.services.streams[0]
    stream.send(b"x" * 20)
    assert payload_sizes(client.frames()) == [25]
    client.send(frames.settings(((frames.INITIAL_WINDOW_SIZE, 10),)))
    stream.send(b"y" * 5)
    client.send(frames.window_update(1, 15))
    assert payload_sizes(client.frames()) == []
    client.send(frames.window_update(1, 1))
    assert payload_sizes(client.frames()) == [1]


def test_streams_that_wait_for_the_connections_window_take_turns() -> None:
    client = RawClient()
    client.send(*[client.request(message=bytes(16_300)) for _ in range(6)])
    received = client.frames()
    assert sum(payload_sizes(received)) == 65_535
    seen = []
    for _ in range(3):
        client.send(frames.window_update(0, 16_305))
        received = client.frames()
        seen += [f.stream_id for f in received if f.kind == frames.DATA]
    assert sorted(set(seen)) == [9, 11]
    assert not client.connection.streams


def test_frames_are_no_larger_than_the_client_takes() -> None:
    client = RawClient()
    client.send(frames.window_update(0, 1 << 20))
    client.open(STREAM)
    client.send(frames.window_update(1, 1 << 20))
    client.services.streams[0].send(bytes(40_000))
    assert payload_sizes(client.frames()) == [5, 16_384, 16_384, 7_232]
    client.send(frames.settings(((frames.MAX_FRAME_SIZE, 20_000),)))
    client.services.streams[0].send(bytes(40_000))
    assert payload_sizes(client.frames()) == [5, 20_000, 20_000]


def test_a_stream_says_when_it_has_drained() -> None:
    client = RawClient(greet=False)
    client.send(frames.PREFACE, frames.settings(((frames.INITIAL_WINDOW_SIZE, 0),)))
    client.open(STREAM)
    stream = client.services.streams[0]
    stream.drained_below_bytes = 50
    for _ in range(10):
        stream.send(bytes(15))
    assert stream.output_bytes == 200
    client.send(frames.window_update(1, 149))
    assert client.services.log == []
    client.send(frames.window_update(1, 1))
    assert (client.services.log, stream.output_bytes) == (["drained"], 50)
    client.send(frames.window_update(1, 50))
    assert client.services.log == ["drained"]


def test_a_stream_may_be_fed_and_finished_from_the_drained_callback() -> None:
    client = RawClient(greet=False)
    client.send(frames.PREFACE, frames.settings(((frames.INITIAL_WINDOW_SIZE, 0),)))
    client.open(STREAM)
    stream = client.services.streams[0]
    stream.drained_below_bytes = 0

    def feed() -> None:
        stream.send(b"last")
        stream.finish()

    stream.on_drained = feed
    stream.send(b"first")
    client.send(frames.window_update(1, 1_000))
    received = client.frames()
    assert b"".join([f.payload for f in received if f.kind == frames.DATA]) == grpc_message(
        b"first"
    ) + grpc_message(b"last")
    assert [f.kind for f in received].count(frames.HEADERS) == 2
    assert client.services.log == ["close"]


@pytest.mark.parametrize("sent_part", [0, 7])
def test_a_deadline_ends_a_reply_that_waits(sent_part: int) -> None:
    client = RawClient(greet=False)
    client.connection.tick(0)
    client.send(frames.PREFACE, frames.settings(((frames.INITIAL_WINDOW_SIZE, sent_part),)))
    client.send(client.request(grpc_timeout="100m"))
    client.frames()
    client.connection.tick(100)
    received = client.frames()
    if sent_part:
        assert received[0].error_code == ErrorCode.CANCEL
    else:
        assert received[0].flags == frames.END_HEADERS | frames.END_STREAM
    assert not client.connection.streams
    assert client.connection.waiting_bytes == 0


def test_a_call_answered_late_uses_the_window_of_then() -> None:
    client = RawClient()
    client.send(client.request(ECHO), client.request(LATER))
    client.send(frames.settings(((frames.INITIAL_WINDOW_SIZE, 3),)))
    client.frames()
    client.services.calls[1].reply(b"hello")
    assert payload_sizes(client.frames()) == [3]


@pytest.mark.parametrize("table_bytes", [0, 50, 100, 103, 104, 4_096, 1 << 20])
def test_replies_are_understood_whatever_table_the_client_allows(table_bytes: int) -> None:
    client = RawClient(greet=False)
    client.decoder.max_allowed_table_size = table_bytes
    client.send(frames.PREFACE, frames.settings(((frames.HEADER_TABLE_SIZE, table_bytes),)))
    for _ in range(4):
        client.send(client.request())
    heads = [client.headers(f) for f in client.frames() if f.kind == frames.HEADERS]
    reply = [{":status": "200", "content-type": "application/grpc"}, {"grpc-status": "0"}]
    assert heads == reply * 4


def test_a_table_that_shrinks_and_grows_again_is_followed() -> None:
    client = RawClient()
    reply = [{":status": "200", "content-type": "application/grpc"}, {"grpc-status": "0"}]
    for table_bytes in (4_096, 0, 4_096, 60, 2_000, 104, 0, 4_096):
        client.decoder.max_allowed_table_size = max(table_bytes, 60)
        client.send(frames.settings(((frames.HEADER_TABLE_SIZE, table_bytes),)))
        client.send(client.request(), client.request())
        heads = [client.headers(f) for f in client.frames() if f.kind == frames.HEADERS]
        assert heads == reply * 2
