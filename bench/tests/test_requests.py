"""The frames we make, as another HTTP/2 implementation understands them."""

import itertools
from collections.abc import Callable, Iterator

import hpack
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from bench.replies import changes_table, opening_frames
from bench.requests import (
    CYCLE_CALLS_MIN,
    PREFACE,
    RequestFrames,
    deadline_blocks,
    message_frame,
    steady_blocks,
)

PATH = "/etcdserverpb.KV/Put"
AUTHORITY = "127.0.0.1:2379"
Blocks = Callable[[str, str], Iterator[bytes]]


def server() -> H2Connection:
    """h2's server half, after its own preface."""
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    return connection


@pytest.mark.parametrize("blocks", [steady_blocks, deadline_blocks])
def test_h2_reads_every_request_as_it_was_meant(blocks: Blocks) -> None:
    connection = server()
    connection.receive_data(PREFACE + opening_frames())
    frames = RequestFrames(blocks(PATH, AUTHORITY))
    for stream_id in range(1, 801, 2):
        message = b"m" * (stream_id % 300)
        events = connection.receive_data(frames(stream_id, message))
        request = next(event for event in events if isinstance(event, RequestReceived))
        fields = dict(request.headers)
        assert fields[b":path"] == PATH.encode()
        assert fields[b":authority"] == AUTHORITY.encode()
        assert fields[b"te"] == b"trailers"
        assert (b"grpc-timeout" in fields) == (blocks is deadline_blocks)
        data = next(event for event in events if isinstance(event, DataReceived))
        assert data.data == b"\x00" + len(message).to_bytes(4, "big") + message
        assert any(isinstance(event, StreamEnded) for event in events)
        connection.acknowledge_received_data(len(data.data), stream_id)
        connection.reset_stream(stream_id)


def test_a_steady_connection_soon_sends_nothing_but_indexes() -> None:
    blocks = steady_blocks(PATH, AUTHORITY)
    first, second, third = itertools.islice(blocks, 3)
    assert changes_table(first)
    assert not changes_table(second)
    assert second == third
    assert len(second) < 12


def test_the_deadline_sequence_stays_right_when_it_starts_over() -> None:
    decoder = hpack.Decoder()
    seen = set()
    for block in itertools.islice(deadline_blocks(PATH, AUTHORITY), 3 * CYCLE_CALLS_MIN):
        fields = dict(decoder.decode(block, raw=True))
        assert fields[b":path"] == PATH.encode()
        assert fields[b"client-api-version"] == b"3.5.1"
        seen.add(fields[b"grpc-timeout"])
        assert changes_table(block), "a deadline always enters the table"
    assert len(seen) > 900


def test_an_open_call_takes_more_messages() -> None:
    connection = server()
    connection.receive_data(PREFACE + opening_frames())
    frames = RequestFrames(steady_blocks(PATH, AUTHORITY))
    events = connection.receive_data(frames(1, b"one", flags=0) + message_frame(1, b"two"))
    data = [event.data for event in events if isinstance(event, DataReceived)]
    assert data == [b"\x00\x00\x00\x00\x03one", b"\x00\x00\x00\x00\x03two"]
    assert not any(isinstance(event, StreamEnded) for event in events)
