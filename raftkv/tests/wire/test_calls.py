"""Calls as services see them, and what the client gets."""

import gzip

import pytest

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import (
    ECHO,
    FAIL,
    LATER,
    STREAM,
    RawClient,
    data,
    grpc_message,
)
from raftkv.wire import Code, frames
from raftkv.wire.errors import ErrorCode

OK = {"grpc-status": "0"}
DEADLINE = {"grpc-status": "4", "grpc-message": "context deadline exceeded"}


def rst(stream_id: int, code: ErrorCode = ErrorCode.CANCEL) -> bytes:
    return frames.rst_stream(stream_id, code)


def test_a_unary_call_is_answered_inside_receive() -> None:
    client = RawClient()
    client.send(client.request(message=b"one"), client.request(message=b"two"))
    received = client.frames()
    assert [frame.stream_id for frame in received] == [1, 1, 1, 3, 3, 3]
    assert client.headers(received[0]) == {":status": "200", "content-type": "application/grpc"}
    assert received[1].payload == grpc_message(b"one")
    assert client.headers(received[2]) == OK
    assert client.headers(received[3])[":status"] == "200"
    assert received[4].payload == grpc_message(b"two")
    assert received[5].flags == frames.END_STREAM | frames.END_HEADERS
    assert client.headers(received[5]) == OK
    assert client.connection.calls_started == 2
    assert not client.connection.streams


def test_from_the_second_reply_on_headers_take_two_bytes_and_trailers_one() -> None:
    client = RawClient()
    client.send(client.request(), client.request(), client.request())
    sizes = [len(f.payload) for f in client.frames() if f.kind == frames.HEADERS]
    assert sizes[2:] == [2, 1, 2, 1]


def test_output_is_announced_once_until_it_is_taken() -> None:
    client = RawClient()
    before = client.outputs_announced
    client.send(client.request(), client.request())
    client.send(client.request())
    assert client.outputs_announced == before + 1
    client.frames()
    client.send(client.request())
    assert client.outputs_announced == before + 2


def test_a_call_can_be_answered_later_and_only_once() -> None:
    client = RawClient()
    client.send(client.request(LATER, b"one"), client.request(LATER, b"two"))
    assert client.frames() == []
    first, second = client.services.calls
    assert first.active
    second.reply(b"II")
    first.reply(b"I")
    first.reply(b"again")
    first.fail(Code.INTERNAL, "again")
    received = client.frames()
    assert [frame.stream_id for frame in received] == [3, 3, 3, 1, 1, 1]
    assert not first.active


def test_a_failure_is_trailers_only_with_its_text_percent_encoded() -> None:
    client = RawClient()
    client.send(client.request(FAIL))
    assert client.trailers() == {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-status": "9",
        "grpc-message": "not now: 100%25%0A",
    }


def test_metadata_is_found_by_name_and_the_first_of_several_counts() -> None:
    client = RawClient()
    block = client.encoder.encode(
        [
            *((":method", "POST"), (":scheme", "http"), (":path", ECHO)),
            *(("content-type", "application/grpc"), ("hasleader", "true"), ("hasleader", "no")),
        ]
    )
    client.send(
        frames.frame(frames.HEADERS, frames.END_HEADERS, 1, block),
        data(1, grpc_message(b""), end=True),
    )
    call = client.services.calls[0]
    assert (call.metadata("hasleader"), call.metadata("token")) == ("true", None)
    assert call.timeout_ms is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/test.Test/Nothing", "unknown method Nothing for service test.Test"),
        ("/other.Service/Echo", "unknown service other.Service"),
        ("nonsense", 'malformed method name: "nonsense"'),
        ("/nonsense", 'malformed method name: "/nonsense"'),
    ],
)
def test_a_path_that_is_not_routed_is_unimplemented_in_the_words_of_grpc_go(
    path: str, text: str
) -> None:
    client = RawClient()
    client.send(client.request(path))
    trailers = client.trailers()
    assert (trailers["grpc-status"], trailers["grpc-message"]) == ("12", text)
    client.send(client.request())
    assert client.reply()[2] == OK


@pytest.mark.parametrize("content_type", ["application/json", "application/grpcx", ""])
def test_another_content_type_is_http_415(content_type: str) -> None:
    client = RawClient()
    client.send(client.request(content_type=content_type))
    trailers = client.trailers()
    assert trailers[":status"] == "415"
    assert trailers["grpc-message"] == f'invalid gRPC request content-type "{content_type}"'


def test_another_http_method_is_405() -> None:
    client = RawClient()
    client.open(changed={":method": "GET"})
    assert client.trailers()[":status"] == "405"


@pytest.mark.parametrize("content_type", ["application/grpc+proto", "application/grpc;x=y"])
def test_subtypes_of_grpc_are_taken(content_type: str) -> None:
    client = RawClient()
    client.send(client.request(content_type=content_type))
    assert client.reply()[2] == OK


def test_a_gzip_request_is_decompressed() -> None:
    client = RawClient()
    stream_id = client.open(ECHO, {"grpc-encoding": "gzip"})
    client.send(data(stream_id, grpc_message(gzip.compress(b"hello"), 1), end=True))
    assert client.reply()[1] == grpc_message(b"hello")


def test_an_unknown_encoding_is_unimplemented() -> None:
    client = RawClient()
    client.send(client.request(grpc_encoding="snappy"))
    trailers = client.trailers()
    assert trailers["grpc-status"] == "12"
    text = 'grpc: Decompressor is not installed for grpc-encoding "snappy"'
    assert trailers["grpc-message"] == text


def test_a_message_over_the_limit_ends_its_call_and_the_rest_of_it_is_ignored() -> None:
    client = RawClient(WireConfig(message_bytes_max=1_000))
    stream_id = client.open(ECHO)
    message = grpc_message(b"x" * 1_001)
    client.send(data(stream_id, message[:600]))
    received = client.frames()
    trailers = client.headers(received[0])
    assert trailers["grpc-status"] == "8"
    assert trailers["grpc-message"] == "grpc: received message larger than max (1001 vs. 1000)"
    assert (received[1].kind, received[1].error_code) == (frames.RST_STREAM, ErrorCode.NO_ERROR)
    client.send(data(stream_id, message[600:], end=True), client.request())
    assert client.reply()[2] == OK
    client.send(client.request(message=b"y" * 1_000), client.request(message=b"y" * 1_001))
    heads = [client.headers(f) for f in client.frames() if f.kind == frames.HEADERS]
    assert heads[1:] == [OK, trailers]


def test_a_request_in_many_frames_is_put_together() -> None:
    client = RawClient()
    stream_id = client.open(ECHO)
    message = grpc_message(bytes(range(256)) * 200)
    pieces = [message[start : start + 7_000] for start in range(0, len(message), 7_000)]
    client.send(*[data(stream_id, piece) for piece in pieces], data(stream_id, b"", end=True))
    received = client.frames()
    assert b"".join([f.payload for f in received if f.kind == frames.DATA]) == message
    assert client.connection.held_bytes == 0


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ((b"",), "cardinality violation: received no request message"),
        ((grpc_message(b"a") * 2,), "cardinality violation: received multiple request messages"),
        ((grpc_message(b"abc")[:-1],), "unexpected EOF"),
    ],
    ids=["none", "two", "half"],
)
def test_a_unary_call_has_exactly_one_request(pieces: tuple[bytes, ...], text: str) -> None:
    client = RawClient()
    stream_id = client.open(ECHO)
    for piece in pieces:
        client.send(data(stream_id, piece, end=piece is pieces[-1]))
    trailers = client.trailers()
    assert trailers["grpc-status"] == "13"
    assert trailers["grpc-message"].startswith(text)


def test_headers_that_end_the_stream_are_a_request_without_message() -> None:
    client = RawClient()
    client.send(
        frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, client.block())
    )
    assert client.trailers()["grpc-status"] == "13"


def test_a_cancelled_call_is_not_active_and_its_answer_is_ignored() -> None:
    client = RawClient()
    client.send(client.request(LATER), rst(1))
    call = client.services.calls[0]
    assert not call.active
    call.reply(b"too late")
    call.fail(Code.INTERNAL, "too late")
    assert client.frames() == []
    assert not client.connection.streams


def test_deadlines_end_calls_at_the_first_tick_after_them() -> None:
    client = RawClient()
    client.connection.tick(1_000_000)
    client.send(
        client.request(LATER, grpc_timeout="250m"),
        client.request(LATER, grpc_timeout="1S"),
        client.request(LATER),
    )
    assert [call.timeout_ms for call in client.services.calls] == [250, 1_000, None]
    client.connection.tick(1_000_249)
    assert client.frames() == []
    client.connection.tick(1_000_250)
    received = client.frames()
    assert [frame.stream_id for frame in received] == [1]
    assert client.headers(received[0]) == {
        ":status": "200",
        "content-type": "application/grpc",
        **DEADLINE,
    }
    client.connection.tick(1_000_999)
    assert client.frames() == []
    client.connection.tick(1_001_100)
    assert [frame.stream_id for frame in client.frames()] == [3]
    assert [call.active for call in client.services.calls] == [False, False, True]


def test_deadlines_of_calls_that_came_before_the_first_tick_count_from_it() -> None:
    client = RawClient()
    client.send(client.request(LATER, grpc_timeout="1S"))
    client.connection.tick(5_000_000)
    client.connection.tick(5_000_900)
    assert client.frames() == []
    client.connection.tick(5_001_000)
    assert client.trailers()["grpc-status"] == "4"


def test_a_call_without_any_time_never_reaches_its_handler() -> None:
    client = RawClient()
    client.send(client.request(grpc_timeout="0n"))
    trailers = client.trailers()
    assert {key: trailers[key] for key in DEADLINE} == DEADLINE
    assert client.services.requests == []


@pytest.mark.parametrize("timeout", ["S", "1x", "999999999S"])
def test_a_malformed_deadline_is_refused_as_grpc_go_does(timeout: str) -> None:
    client = RawClient()
    client.send(client.request(grpc_timeout=timeout))
    trailers = client.trailers()
    assert (trailers[":status"], trailers["grpc-status"]) == ("400", "13")
    assert trailers["grpc-message"].startswith("malformed grpc-timeout: transport: timeout")


def test_a_stream_speaks_both_ways_until_either_side_ends() -> None:
    client = RawClient()
    stream_id = client.open()
    stream = client.services.streams[0]
    client.send(data(stream_id, grpc_message(b"one") + grpc_message(b"two")))
    stream.send(b"I")
    client.send(data(stream_id, grpc_message(b"three"), end=True))
    stream.send(b"II")
    stream.finish()
    stream.send(b"late")
    stream.finish()
    received = client.frames()
    assert client.services.log == [b"one", b"two", b"three", "half close", "close"]
    assert [frame.kind for frame in received] == [1, 0, 0, 1]
    assert client.headers(received[0])[":status"] == "200"
    assert client.headers(received[-1]) == OK


def test_a_stream_can_be_failed_before_and_after_its_first_response() -> None:
    client = RawClient()
    client.open()
    client.services.streams[0].finish(Code.UNAVAILABLE, "etcdserver: no leader")
    received = client.frames()
    assert client.headers(received[0])["grpc-message"] == "etcdserver: no leader"
    assert (received[1].kind, received[1].error_code) == (frames.RST_STREAM, ErrorCode.NO_ERROR)
    client.open()
    client.services.streams[1].send(b"I")
    client.services.streams[1].finish(Code.CANCELLED, "")
    received = client.frames()
    assert client.headers(received[0])[":status"] == "200"
    assert client.headers(received[2]) == {"grpc-status": "1"}
    assert client.services.log == ["close", "close"]


@pytest.mark.parametrize("how", ["reset", "lost", "deadline", "violation"])
def test_a_stream_that_ends_from_outside_is_closed_exactly_once(how: str) -> None:
    client = RawClient()
    client.connection.tick(1_000)
    stream_id = client.open(STREAM, {"grpc-timeout": "100m"})
    stream = client.services.streams[0]
    stream.send(b"I")
    if how == "reset":
        client.send(rst(stream_id))
    elif how == "lost":
        client.connection.connection_lost()
    elif how == "deadline":
        client.connection.tick(1_100)
    else:
        client.send(frames.window_update(stream_id, 0))
    stream.send(b"II")
    stream.finish()
    client.connection.connection_lost()
    assert client.services.log == ["close"]
    assert not stream.active


def test_counters_say_what_went_through() -> None:
    client = RawClient()
    request = client.request()
    client.send(request)
    taken = client.connection.take_output()
    assert client.connection.bytes_in == len(frames.PREFACE) + 9 + len(request)
    assert client.connection.bytes_out > len(taken) > 0
    client.send(client.request(stream_id=9))
    assert client.connection.calls_started == 2, "skipped ids are not calls"
