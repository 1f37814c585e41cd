"""Graceful shutdown, keepalive and what time does to a connection."""

import pytest

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import ECHO, LATER, Frame, RawClient
from raftkv.wire import frames
from raftkv.wire.errors import ErrorCode

OK = {"grpc-status": "0"}


def pings(received: list[Frame]) -> list[bytes]:
    return [f.payload for f in received if f.kind == frames.PING and not f.flags]


def last_stream_id(frame: Frame) -> int:
    assert frame.kind == frames.GOAWAY, frame
    assert frame.error_code == ErrorCode.NO_ERROR
    return int.from_bytes(frame.payload[:4], "big")


def test_shutdown_lets_the_client_finish_what_it_had_under_way() -> None:
    client = RawClient()
    client.send(client.request(LATER))
    client.connection.shutdown()
    client.connection.shutdown()
    goaway, ping = client.frames()
    assert last_stream_id(goaway) == (1 << 31) - 1
    client.send(client.request(ECHO), frames.ping(ping.payload, frames.ACK))
    received = client.frames()
    assert [f.stream_id for f in received] == [3, 3, 3, 0], "it came before the answer to the ping"
    assert last_stream_id(received[3]) == 3
    assert not client.connection.should_close
    client.send(client.request(ECHO))
    refused = client.frames()
    assert [(f.stream_id, f.error_code) for f in refused] == [(5, ErrorCode.REFUSED_STREAM)]
    client.services.calls[0].reply(b"done")
    assert client.connection.should_close
    assert [f.stream_id for f in client.frames()] == [1, 1, 1]


def test_shutdown_of_an_idle_connection_ends_with_the_answer_to_the_ping() -> None:
    client = RawClient()
    client.connection.shutdown()
    ping = client.frames()[1]
    assert not client.connection.should_close
    client.send(frames.ping(ping.payload, frames.ACK))
    assert last_stream_id(client.frames()[0]) == 0
    assert client.connection.should_close


def test_shutdown_does_not_wait_for_ever_for_the_answer_to_the_ping() -> None:
    client = RawClient(WireConfig(shutdown_ping_timeout_ms=5_000))
    client.connection.tick(1_000)
    client.connection.shutdown()
    client.frames()
    client.connection.tick(5_900)
    assert not client.connection.should_close
    client.connection.tick(7_000)
    assert client.connection.should_close


def test_shutdown_before_the_preface_closes_at_once() -> None:
    client = RawClient(greet=False)
    client.connection.shutdown()
    assert client.connection.should_close


def test_a_client_that_never_says_hello_is_closed() -> None:
    client = RawClient(WireConfig(preface_timeout_ms=10_000), greet=False)
    for now_ms in range(500_000, 509_000, 1_000):
        client.connection.tick(now_ms)
        assert not client.connection.should_close
    client.connection.tick(510_100)
    assert client.connection.should_close


def test_a_silent_client_is_asked_and_then_given_up() -> None:
    client = RawClient(WireConfig(keepalive_interval_ms=10_000, keepalive_timeout_ms=3_000))
    client.send(client.request(LATER))
    client.connection.tick(0)
    client.connection.tick(9_000)
    assert client.frames() == []
    client.connection.tick(10_000)
    asked = pings(client.frames())
    assert len(asked) == 1
    client.send(frames.ping(asked[0], frames.ACK))
    client.connection.tick(19_000)
    assert pings(client.frames()) == []
    client.connection.tick(30_000)
    assert len(pings(client.frames())) == 1
    client.connection.tick(32_000)
    assert not client.connection.should_close
    client.connection.tick(33_500)
    assert client.connection.should_close
    assert not client.services.calls[0].active


def test_a_talking_client_is_not_asked() -> None:
    client = RawClient(WireConfig(keepalive_interval_ms=10_000))
    for now_ms in range(0, 100_000, 1_000):
        client.connection.tick(now_ms)
        client.send(client.request())
    assert pings(client.frames()) == []


@pytest.mark.parametrize(("interval_ms", "is_refused"), [(1_000, True), (5_000, False)])
def test_keepalive_pings_must_not_come_too_often(interval_ms: int, is_refused: bool) -> None:  # noqa: FBT001
    client = RawClient(WireConfig(keepalive_interval_min_ms=5_000))
    client.send(client.request(LATER))
    for number in range(10):
        client.connection.tick(number * interval_ms)
        client.send(frames.ping(b"are you?"))
    assert client.connection.should_close == is_refused
    goaway = client.frames()[-1]
    if is_refused:
        assert goaway.error_code == ErrorCode.ENHANCE_YOUR_CALM
        assert goaway.payload[8:] == b"too_many_pings"


def test_without_calls_hardly_any_pings_are_allowed() -> None:
    client = RawClient()
    for number in range(4):
        assert not client.connection.should_close
        client.connection.tick(number * 60_000)
        client.send(frames.ping(b"are you?"))
    client.connection.tick(300_000)
    client.send(frames.ping(b"are you?"))
    assert client.connection.should_close


def test_pings_after_something_was_sent_are_forgiven() -> None:
    client = RawClient()
    for number in range(50):
        client.connection.tick(number * 10)
        client.send(client.request(), frames.ping(b"bandwdth"))
    assert not client.connection.should_close


def test_a_lost_connection_answers_nobody_and_may_be_lost_again() -> None:
    client = RawClient()
    client.send(client.request(LATER))
    client.connection.connection_lost()
    client.connection.connection_lost()
    client.services.calls[0].reply(b"to whom?")
    client.send(client.request())
    client.connection.tick(10**9)
    assert client.frames() == []
    assert client.connection.should_close
