"""The reply parser: every split of the bytes, every ending of a call."""

import itertools

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.replies import (
    NOT_ENDED,
    SETTINGS_MAX_CONCURRENT_STREAMS,
    WINDOW_BYTES,
    ProtocolError,
    Replies,
    ReplyParser,
    changes_table,
)
from bench.requests import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)

LAST = END_HEADERS | END_STREAM


class Server:
    """Writes answers as grpc-go does."""

    def __init__(self) -> None:
        self._encoder = hpack.Encoder()

    def headers(self, stream_id: int) -> bytes:
        fields = [(":status", "200"), ("content-type", "application/grpc")]
        return frame(HEADERS, END_HEADERS, stream_id, self._encoder.encode(fields))

    def trailers(self, stream_id: int, status: int = 0, text: str = "") -> bytes:
        fields = [("grpc-status", str(status)), ("grpc-message", text)]
        return frame(HEADERS, LAST, stream_id, self._encoder.encode(fields))

    def answer(self, stream_id: int, message: bytes, frame_bytes: int = 16_384) -> bytes:
        content = prefixed(message)
        pieces = [content[i : i + frame_bytes] for i in range(0, len(content), frame_bytes)]
        data = b"".join(frame(DATA, 0, stream_id, piece) for piece in pieces)
        return self.headers(stream_id) + data + self.trailers(stream_id)


def prefixed(message: bytes) -> bytes:
    return b"\x00" + len(message).to_bytes(4, "big") + message


def feed_in_pieces(parser: ReplyParser, data: bytes, cuts: list[int]) -> Replies:
    replies = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        replies += parser.feed(data[begin:end])
    return replies


@given(
    messages=st.lists(st.binary(max_size=300), max_size=8),
    frame_bytes=st.integers(min_value=1, max_value=400),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
)
def test_answers_are_the_same_however_the_bytes_arrive(
    messages: list[bytes], frame_bytes: int, cuts: list[int]
) -> None:
    server = Server()
    streams = range(1, 2 * len(messages) + 1, 2)
    answers = [server.answer(s, m, frame_bytes) for s, m in zip(streams, messages, strict=True)]
    ping = frame(PING, 0, 0, b"12345678")
    parser = ReplyParser()
    replies = feed_in_pieces(parser, ping.join([b"", *answers, b""]), cuts)
    assert replies == [(s, 0, m) for s, m in zip(streams, messages, strict=True)]
    assert parser.take_control() == frame(PING, ACK, 0, b"12345678") * (len(messages) + 1)
    assert parser.take_control() == b""


@given(
    messages=st.lists(st.binary(max_size=300), max_size=8),
    frame_bytes=st.integers(min_value=1, max_value=900),
    cuts=st.lists(st.integers(min_value=0), max_size=20),
)
def test_a_stream_gives_each_message_wherever_frames_begin(
    messages: list[bytes], frame_bytes: int, cuts: list[int]
) -> None:
    server = Server()
    content = b"".join(map(prefixed, messages))
    pieces = [content[i : i + frame_bytes] for i in range(0, len(content), frame_bytes)]
    data = server.headers(1) + b"".join(frame(DATA, 0, 1, piece) for piece in pieces)
    replies = feed_in_pieces(ReplyParser(streaming=True), data, cuts)
    assert replies == [(1, NOT_ENDED, message) for message in messages]


def test_an_error_is_an_error_with_its_text() -> None:
    server, parser = Server(), ReplyParser()
    parser.feed(server.answer(1, b"good"))
    assert parser.feed(server.trailers(3, 8, "etcdserver: too many requests")) == [
        (3, 8, b"etcdserver: too many requests")
    ]
    assert parser.feed(server.answer(5, b"good")) == [(5, 0, b"good")]
    assert parser.feed(server.trailers(7, 8, "etcdserver: too many requests"))[0][1] == 8


def test_blocks_are_looked_up_only_while_the_table_stands_still() -> None:
    """The same bytes mean something else after an insertion."""
    server, parser = Server(), ReplyParser()
    for stream_id in range(1, 400, 2):
        status = 0 if stream_id % 3 else stream_id
        data = server.headers(stream_id) + server.trailers(stream_id, status, f"text {stream_id}")
        assert parser.feed(data)[0][:2] == (stream_id, status)


def test_a_call_that_ends_without_a_status_is_no_answer() -> None:
    block = hpack.Encoder().encode([(":status", "200")])
    with pytest.raises(ProtocolError, match="without grpc-status"):
        ReplyParser().feed(frame(HEADERS, LAST, 1, block))


def test_a_reset_is_an_error_unless_it_only_says_enough() -> None:
    parser = ReplyParser()
    assert parser.feed(frame(RST_STREAM, 0, 1, (0).to_bytes(4, "big"))) == []
    assert parser.feed(frame(RST_STREAM, 0, 3, (8).to_bytes(4, "big"))) == [
        (3, 14, b"RST_STREAM 8")
    ]


def test_settings_are_acknowledged_once() -> None:
    parser = ReplyParser()
    parser.feed(frame(SETTINGS, 0, 0, b"") + frame(SETTINGS, ACK, 0, b""))
    assert parser.take_control() == frame(SETTINGS, ACK, 0, b"")


@pytest.mark.parametrize(
    "data",
    [
        frame(GOAWAY, 0, 0, bytes(8)),
        frame(DATA, 0x8, 1, b"padded"),
        frame(DATA, 0, 1, b"\x01\x00\x00\x00\x00"),
        frame(HEADERS, 0, 1, b"\x88"),
        frame(9, 0, 1, b""),
        frame(HEADERS, LAST, 1, hpack.Encoder().encode([(":status", "503")])),
        frame(
            SETTINGS,
            0,
            0,
            SETTINGS_MAX_CONCURRENT_STREAMS.to_bytes(2, "big") + (10).to_bytes(4, "big"),
        ),
    ],
    ids=["goaway", "padding", "compression", "continued", "continuation", "http", "few streams"],
)
def test_what_cannot_be_measured_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ReplyParser().feed(data)


def test_the_send_window_grows_by_updates_of_the_connection_alone() -> None:
    parser = ReplyParser()
    before = parser.send_window
    parser.feed(frame(WINDOW_UPDATE, 0, 0, (1000).to_bytes(4, "big")))
    parser.feed(frame(WINDOW_UPDATE, 0, 5, (77).to_bytes(4, "big")))
    assert parser.send_window == before + 1000


def test_half_the_receive_window_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.replies.WINDOW_BYTES", 100)
    parser = ReplyParser(streaming=True)
    parser.feed(frame(DATA, 0, 1, prefixed(b"x" * 40)))
    assert parser.take_control() == b""
    parser.feed(frame(DATA, 0, 1, prefixed(b"x" * 40)))
    update = (90).to_bytes(4, "big")
    both = frame(WINDOW_UPDATE, 0, 0, update) + frame(WINDOW_UPDATE, 0, 1, update)
    assert parser.take_control() == both
    assert WINDOW_BYTES < 1 << 31


@pytest.mark.parametrize(
    ("block", "changes"),
    [
        (b"\x88\x5f\x00", True),
        (b"\x88", False),
        (b"\x00\x01a\x01b", False),
        (b"\x0f\x10\x01b", False),
        (b"\x10\x01a\x01b\x88", False),
        (b"\x00\x01a\x01b\x41\x01b", True),
        (b"\x3f\xe1\x1f", True),
        (b"\xff\x20", False),
    ],
)
def test_insertions_and_size_updates_are_recognised(block: bytes, changes: bool) -> None:  # noqa: FBT001
    assert changes_table(block) is changes
