"""What the load generator sends: HTTP/2 frames of gRPC calls, made as grpc-go makes them.

grpc-go's header encoder puts every field into the dynamic table and refers to it from then on (RFC
7541, 6.2.1), so the first request of a connection spells its fields out and each later one is a few
bytes. A deadline changes that: `grpc-timeout` differs from call to call, each value enters the
table and pushes the others along, and after some 75 calls the older fields fall out and are spelled
out again.

Both sequences are made once with the `hpack` library, before anything is measured; a request then
costs one join. A connection sticks to one path, so that its sequence is known beforehand.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import Final

import hpack

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_BYTES_MAX: Final = 16_384
"""RFC 9113, 4.2: what a peer accepts that has not said otherwise."""

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4

CYCLE_CALLS_MIN: Final = 2_000
"""Requests with a deadline before the prepared sequence starts over."""
SETTLE_CALLS: Final = 200
"""Requests with a deadline after which the dynamic table is full and the sequence regular."""

Fields = list[tuple[str, str]]


def frame(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    """One HTTP/2 frame (RFC 9113, 4.1)."""
    size = len(payload)
    assert size <= FRAME_BYTES_MAX, f"frame of {size} bytes, at most {FRAME_BYTES_MAX}"
    return b"".join(
        (size.to_bytes(3, "big"), bytes((kind, flags)), stream_id.to_bytes(4, "big"), payload)
    )


def request_fields(path: str, authority: str, timeout: str = "") -> Fields:
    """The header fields of one call in the order in which grpc-go and etcd's client send them.

    Args:
        path: the method, such as `/etcdserverpb.KV/Put`.
        authority: host and port of the member.
        timeout: the value of `grpc-timeout`; none for a call without a deadline.
    """
    deadline = [("grpc-timeout", timeout)] if timeout else []
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("user-agent", "grpc-go/1.38.0"),
        ("te", "trailers"),
        *deadline,
        ("client-api-version", "3.5.1"),
    ]


def steady_blocks(path: str, authority: str) -> Iterator[bytes]:
    """Header blocks of one connection's calls without deadlines: fields once, then only indexes."""
    encoder = hpack.Encoder()
    fields = request_fields(path, authority)
    first, later = encoder.encode(fields), encoder.encode(fields)
    return itertools.chain((first,), itertools.repeat(later))


def deadline_blocks(path: str, authority: str) -> Iterator[bytes]:
    """Header blocks of one connection's calls that each have their own deadline of about 5 s."""
    lead_in, cycle = _deadline_sequence(path, authority)
    return itertools.chain(lead_in, itertools.cycle(cycle))


@functools.cache
def _deadline_sequence(path: str, authority: str) -> tuple[list[bytes], list[bytes]]:
    """The blocks before the sequence becomes regular, and those that may then be repeated for ever.

    A block may follow another if the dynamic table holds the same fields in the same places; the
    value of a `grpc-timeout` does not matter, since no later block refers to it and all are of one
    length.
    """
    encoder = hpack.Encoder()
    blocks: list[bytes] = []
    regular: tuple[bytes, ...] = ()
    for number in itertools.count():
        # As Go's context and clock give them: 5 s less some microseconds, a new value each time.
        timeout = f"{4_999_000 + number * 389 % 997}u"
        blocks.append(encoder.encode(request_fields(path, authority, timeout)))
        if number < SETTLE_CALLS:
            continue
        table = tuple(name for name, _ in encoder.header_table.dynamic_entries)
        if number == SETTLE_CALLS:
            regular = table
        elif number >= SETTLE_CALLS + CYCLE_CALLS_MIN and table == regular:
            break
    return blocks[: SETTLE_CALLS + 1], blocks[SETTLE_CALLS + 1 :]


class RequestFrames:
    """Makes the two frames of a unary call, HEADERS and DATA, from prepared pieces."""

    __slots__ = ("_blocks",)

    def __init__(self, blocks: Iterator[bytes]) -> None:
        """Takes the header blocks of the connection's calls, one a call, in order."""
        self._blocks = blocks

    def __call__(self, stream_id: int, message: bytes, flags: int = END_STREAM) -> bytes:
        """The frames of the next call.

        Args:
            stream_id: an odd number higher than that of the call before.
            message: the protobuf bytes.
            flags: of the DATA frame; 0 keeps the call's sending side open.
        """
        block = next(self._blocks)
        stream = stream_id.to_bytes(4, "big")
        size = len(message)
        headers_head = b"\x00" + len(block).to_bytes(2, "big") + b"\x01\x04"
        return b"".join(
            (
                headers_head,
                stream,
                block,
                data_head(size, flags),
                stream,
                grpc_prefix(size),
                message,
            )
        )


def message_frame(stream_id: int, message: bytes, flags: int = 0) -> bytes:
    """One more message of a call whose sending side is open."""
    size = len(message)
    stream = stream_id.to_bytes(4, "big")
    return b"".join((data_head(size, flags), stream, grpc_prefix(size), message))


@functools.lru_cache(maxsize=4096)
def data_head(message_bytes: int, flags: int) -> bytes:
    """The DATA frame's header up to the stream number, for a gRPC message of that size."""
    size = message_bytes + 5
    assert size <= FRAME_BYTES_MAX, f"message of {message_bytes} bytes does not fit one frame"
    return size.to_bytes(3, "big") + bytes((DATA, flags))


@functools.lru_cache(maxsize=4096)
def grpc_prefix(message_bytes: int) -> bytes:
    """The five bytes before a gRPC message: not compressed, and its size."""
    return b"\x00" + message_bytes.to_bytes(4, "big")
