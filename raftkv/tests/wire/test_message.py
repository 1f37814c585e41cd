"""gRPC's framing: messages, texts, timeouts."""

import gzip
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.tests.wire.raw_client import grpc_message
from raftkv.wire.message import (
    CallError,
    MessageReader,
    decompress,
    format_timeout,
    parse_timeout,
    quote,
    unquote,
)
from raftkv.wire.status import Code


@given(st.lists(st.binary(max_size=30), max_size=8), st.lists(st.integers(0, 300)))
def test_messages_come_out_whole_however_they_were_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    data = b"".join([grpc_message(message) for message in messages])
    reader = MessageReader("identity", 100)
    found: list[bytes] = []
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    for start, stop in itertools.pairwise(edges):
        found += reader.feed(data[start:stop])
    assert found == messages
    assert reader.held_bytes == 0


def test_compressed_and_plain_messages_may_alternate() -> None:
    reader = MessageReader("gzip", 100)
    data = grpc_message(gzip.compress(b"one"), 1) + grpc_message(b"two")
    assert reader.feed(data) == [b"one", b"two"]


@pytest.mark.parametrize(
    ("data", "encoding", "code", "text"),
    [
        (
            grpc_message(b"x" * 101),
            "identity",
            Code.RESOURCE_EXHAUSTED,
            "grpc: received message larger than max (101 vs. 100)",
        ),
        (
            b"\x00\xff\xff\xff\xff",
            "identity",
            Code.RESOURCE_EXHAUSTED,
            "grpc: received message larger than max (4294967295 vs. 100)",
        ),
        (
            grpc_message(b"x", 1),
            "identity",
            Code.INTERNAL,
            "grpc: compressed flag set with identity or empty encoding",
        ),
        (
            grpc_message(b"x", 2),
            "identity",
            Code.INTERNAL,
            "grpc: received unexpected payload format 2",
        ),
        (
            grpc_message(gzip.compress(b"x" * 101), 1),
            "gzip",
            Code.RESOURCE_EXHAUSTED,
            "grpc: received message after decompression larger than max 100",
        ),
    ],
    ids=["too large", "huge", "compressed without encoding", "unknown flag", "too large inside"],
)
def test_a_message_that_may_not_be_ends_the_call(
    data: bytes, encoding: str, code: Code, text: str
) -> None:
    with pytest.raises(CallError) as caught:
        MessageReader(encoding, 100).feed(data)
    assert (caught.value.code, caught.value.text) == (code, text)


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(b"x" * 50, mtime=0)[:-9]])
def test_broken_gzip_ends_the_call(data: bytes) -> None:
    with pytest.raises(CallError) as caught:
        decompress(data, "gzip", 100)
    assert caught.value.code is Code.INTERNAL


def test_a_gzip_bomb_is_not_unfolded() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    with pytest.raises(CallError, match="larger than max 1000"):
        decompress(bomb, "gzip", 1_000)


@given(st.text())
def test_texts_survive_percent_encoding_and_are_printable_on_the_way(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    quoted = quote(text)
    assert all(" " <= char <= "~" for char in quoted)
    assert unquote(quoted) == text


def test_only_what_must_be_is_encoded() -> None:
    assert quote("etcdserver: 100% \u00fc\n") == "etcdserver: 100%25 %C3%BC%0A"
    assert unquote("a%zz%4") == "a%zz%4"


@pytest.mark.parametrize(
    ("value", "timeout_ms"),
    [
        *(("1H", 3_600_000), ("2M", 120_000), ("5S", 5_000), ("250m", 250)),
        *(("4999812u", 5_000), ("1n", 1), ("0n", 0), ("99999999H", 359_999_996_400_000)),
    ],
)
def test_timeouts_are_read_in_all_units_and_rounded_up(value: str, timeout_ms: int) -> None:
    assert parse_timeout(value) == timeout_ms


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", 'transport: timeout string is too short: ""'),
        ("S", 'transport: timeout string is too short: "S"'),
        ("123456789S", 'transport: timeout string is too long: "123456789S"'),
        ("10", 'transport: timeout unit is not recognized: "10"'),
        ("10x", 'transport: timeout unit is not recognized: "10x"'),
        ("-1S", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        ("1_0S", 'strconv.ParseUint: parsing "1_0": invalid syntax'),
        (" 1S", 'strconv.ParseUint: parsing " 1": invalid syntax'),
        ("\u00b2S", 'strconv.ParseUint: parsing "\\xb2": invalid syntax'),
    ],
)
def test_other_timeouts_are_refused_in_the_words_of_grpc_go(value: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_timeout(value)


@given(st.integers(0, 359_999_996_400_000))
def test_a_timeout_that_we_write_is_not_shorter_than_meant(timeout_ms: int) -> None:
    written = format_timeout(timeout_ms)
    assert len(written) <= 9
    assert timeout_ms <= parse_timeout(written) <= timeout_ms + 3_600_000
