"""A stream of bytes, cut anywhere, gives the same frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.peer.framing import FrameError, FrameReader, frame_head


def framed(payloads: list[bytes]) -> bytes:
    return b"".join(frame_head(payload) + payload for payload in payloads)


@given(st.lists(st.binary(max_size=60), max_size=8), st.data())
def test_a_stream_cut_anywhere_gives_every_frame_once(
    payloads: list[bytes], data: st.DataObject
) -> None:
    stream = framed(payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = FrameReader(60)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += [bytes(payload) for payload in reader.feed(stream[start:end])]
    assert found == payloads


def test_a_frame_that_announces_too_much_is_an_error_before_it_arrives() -> None:
    reader = FrameReader(10)
    with pytest.raises(FrameError, match="11 bytes"):
        reader.feed(frame_head(bytes(11)))


def test_a_damaged_frame_is_an_error() -> None:
    stream = bytearray(framed([b"some payload"]))
    stream[-3] ^= 1
    with pytest.raises(FrameError, match="checksum"):
        FrameReader(100).feed(bytes(stream))
