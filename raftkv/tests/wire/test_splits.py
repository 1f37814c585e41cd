"""However the bytes of a conversation are cut on their way, the result is the same."""

import gzip
import itertools

import hpack
from hypothesis import given
from hypothesis import strategies as st

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import (
    ECHO,
    FAIL,
    HEADERS,
    PREFACE,
    STREAM,
    RawClient,
    data,
    grpc_message,
)
from raftkv.wire import ClientConnection, ServerConnection, frames


def conversation() -> bytes:
    """Returns a client's side that has every kind of frame and every shape of request in it."""
    encoder = hpack.Encoder()

    def block(path: str, *more: tuple[str, str]) -> bytes:
        return encoder.encode([*HEADERS[:2], (":path", path), *HEADERS[3:], *more])

    def headers(stream_id: int, payload: bytes, flags: int = frames.END_HEADERS) -> bytes:
        return frames.frame(frames.HEADERS, flags, stream_id, payload)

    pieces = [PREFACE, frames.window_update(0, 1_000_000)]
    for stream_id in range(1, 12, 2):
        pieces += [
            headers(stream_id, block(ECHO)),
            data(stream_id, grpc_message(b"a" * 20), end=True),
        ]
    pieces += [
        headers(13, block(ECHO, ("grpc-timeout", "20S"))),
        frames.ping(b"12345678"),
        data(13, grpc_message(b"in parts")[:7]),
        frames.settings(((frames.INITIAL_WINDOW_SIZE, 70_000),)),
        data(13, grpc_message(b"in parts")[7:], end=True),
        headers(15, block(STREAM)),
        data(15, grpc_message(b"one") + grpc_message(b"two") + grpc_message(b"thr")[:6]),
    ]
    split = block(FAIL, ("token", "t" * 50))
    pieces += [
        headers(17, split[:9], 0),
        frames.frame(frames.CONTINUATION, 0, 17, split[9:30]),
        frames.frame(frames.CONTINUATION, frames.END_HEADERS, 17, split[30:]),
        data(15, grpc_message(b"thr")[6:]),
        frames.frame(
            frames.DATA,
            frames.PADDED | frames.END_STREAM,
            17,
            b"\x03" + grpc_message(b"b") + bytes(3),
        ),
        frames.frame(frames.PRIORITY, 0, 15, bytes(5)),
        frames.frame(0x77, 0xFF, 3, b"unknown"),
        headers(
            19, bytes((2,)) + bytes(5) + block(ECHO, ("grpc-encoding", "gzip")) + bytes(2), 0x2C
        ),
        data(19, grpc_message(gzip.compress(b"zipped", mtime=0), 1), end=True),
        headers(21, block("/no.Such/Method")),
        frames.rst_stream(21, 8),
        data(15, b"", end=True),
        headers(23, block(ECHO)),
        data(23, grpc_message(b"x" * 16_000), end=True),
        frames.settings(((frames.HEADER_TABLE_SIZE, 64),)),
        headers(25, block(ECHO)),
        data(25, grpc_message(b"last"), end=True),
    ]
    return b"".join(pieces)


CONVERSATION = conversation()
CUTS = st.lists(st.integers(0, len(CONVERSATION)), max_size=40)


def outcome(cuts: list[int]) -> tuple[bytes, list[bytes], list[str | bytes]]:
    client = RawClient(greet=False)
    edges = sorted({0, len(CONVERSATION), *cuts})
    for start, stop in itertools.pairwise(edges):
        client.send(CONVERSATION[start:stop])
    assert not client.connection.should_close
    return client.connection.take_output(), client.services.requests, client.services.log


WHOLE = outcome([])


def test_the_conversation_says_what_it_should() -> None:
    _, requests, log = WHOLE
    assert requests == [b"a" * 20] * 6 + [b"in parts", b"zipped", b"x" * 16_000, b"last"]
    assert log == [b"one", b"two", b"thr", "half close"]


@given(CUTS)
def test_a_server_answers_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    assert outcome(cuts) == WHOLE


def test_a_server_answers_the_same_when_every_byte_comes_alone() -> None:
    assert outcome(list(range(len(CONVERSATION)))) == WHOLE


def serve(requests: bytes) -> bytes:
    client = RawClient(greet=False)
    client.send(requests)
    client.services.streams[0].send(b"one")
    client.services.streams[0].send(b"two" * 10_000)
    client.services.streams[0].finish(5, "gone")
    return client.connection.take_output()


class Caller:
    """A client connection that has asked for several things and waits."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.connection = ClientConnection(WireConfig(), lambda: None)
        start = self.connection.start_unary
        for number in range(5):
            start(ECHO, b"%d" % number, lambda *reply: self.log.append(reply))
        start(FAIL, b"", lambda *reply: self.log.append(reply), timeout_ms=5_000)
        stream = self.connection.start_stream(
            STREAM, self.log.append, lambda code, text: self.log.append((code, text))
        )
        stream.send(b"request")
        start("/no.Such/Method", b"", lambda *reply: self.log.append(reply))
        self.requests = self.connection.take_output()


RESPONSES = serve(Caller().requests)


@given(st.lists(st.integers(0, len(RESPONSES)), max_size=20))
def test_a_client_hears_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    caller = Caller()
    edges = sorted({0, len(RESPONSES), *cuts})
    for start, stop in itertools.pairwise(edges):
        caller.connection.receive(RESPONSES[start:stop])
    assert caller.log == [
        *[(0, "", b"%d" % number) for number in range(5)],
        (9, "not now: 100%\n", None),
        (12, "unknown service no.Such", None),
        b"one",
        b"two" * 10_000,
        (5, "gone"),
    ]
    assert not caller.connection.streams


@given(st.binary(max_size=300), st.integers(0, len(CONVERSATION)))
def test_any_bytes_at_any_point_end_in_silence_or_in_goaway(noise: bytes, point: int) -> None:
    client = RawClient(greet=False)
    client.send(CONVERSATION[:point])
    client.send(noise)
    connection = client.connection
    output = connection.take_output()
    if connection.should_close:
        assert output[-100:].count(b"\x07") > 0
        connection.receive(b"ignored")
        assert connection.take_output() == b""
    assert isinstance(connection, ServerConnection)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 11), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=40)
        ),
        max_size=20,
    )
)
def test_any_frames_are_dealt_with(noise: list[tuple[int, int, int, bytes]]) -> None:
    client = RawClient()
    client.open()
    client.send(client.request())
    for kind, flags, stream_id, payload in noise:
        client.send(frames.frame(kind, flags, stream_id, payload))
    client.connection.take_output()
    client.connection.connection_lost()
    assert client.services.log[-1] == "close"
    assert client.services.log.count("close") == len(client.services.streams)
    assert client.connection.held_bytes == 0
