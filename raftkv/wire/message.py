"""gRPC's own framing inside DATA frames and header fields (gRPC over HTTP/2, "Requests").

A message travels behind five bytes: whether it is compressed, and its length. Texts of errors are
grpc-go's, which is what etcd's clients have always seen.
"""

import math
import re
import zlib
from functools import lru_cache
from struct import Struct

from raftkv.wire.status import Code

PREFIX = Struct(">BI")
"""Compressed flag and length of a message."""
PREFIX_BYTES = 5
CONTENT_TYPE = "application/grpc"
ENCODINGS = ("identity", "gzip")
"""What we can take; we answer in identity."""

_TIMEOUT_UNITS_MS = {
    "H": 3_600_000.0,
    "M": 60_000.0,
    "S": 1_000.0,
    "m": 1.0,
    "u": 0.001,
    "n": 0.000_001,
}
_TIMEOUT_DIGITS_MAX = 8
_UNSAFE = re.compile(rb"[^ -$&-~]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class CallError(Exception):
    """What ends one call with a status; the connection goes on."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def frame_message(message: bytes) -> bytes:
    """Returns the message with its prefix, not compressed."""
    return PREFIX.pack(0, len(message)) + message


def decompress(data: bytes, encoding: str, bytes_max: int) -> bytes:
    """Returns the message that was sent with the compressed flag set.

    Raises:
        CallError: no such encoding, broken data, or more than `bytes_max` bytes come out.
    """
    if encoding in {"", "identity"}:
        raise CallError(Code.INTERNAL, "grpc: compressed flag set with identity or empty encoding")
    inflater = zlib.decompressobj(wbits=31)
    try:
        message = inflater.decompress(data, bytes_max + 1)
    except zlib.error as error:
        raise CallError(
            Code.INTERNAL, f"grpc: failed to decompress the received message: {error}"
        ) from error
    if len(message) > bytes_max:
        raise CallError(
            Code.RESOURCE_EXHAUSTED,
            f"grpc: received message after decompression larger than max {bytes_max}",
        )
    if not inflater.eof:
        raise CallError(
            Code.INTERNAL, "grpc: failed to decompress the received message: unexpected EOF"
        )
    return message


class MessageReader:
    """Cuts the bytes of a stream into messages; holds at most one that is not complete."""

    __slots__ = ("_bytes_max", "_encoding", "_rest")

    def __init__(self, encoding: str, bytes_max: int) -> None:
        self._encoding = encoding
        self._bytes_max = bytes_max
        self._rest = bytearray()

    @property
    def held_bytes(self) -> int:
        """Bytes of the incomplete message."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Returns the messages that are complete now.

        Raises:
            CallError: a message too large, of an unknown form, or that can't be decompressed.
        """
        rest = self._rest
        rest += data
        messages: list[bytes] = []
        position = 0
        while len(rest) - position >= PREFIX_BYTES:
            compressed, size = PREFIX.unpack_from(rest, position)
            if compressed > 1:
                raise CallError(
                    Code.INTERNAL, f"grpc: received unexpected payload format {compressed}"
                )
            if size > self._bytes_max:
                raise CallError(
                    Code.RESOURCE_EXHAUSTED,
                    f"grpc: received message larger than max ({size} vs. {self._bytes_max})",
                )
            start = position + PREFIX_BYTES
            if len(rest) - start < size:
                break
            position = start + size
            with memoryview(rest) as view:
                message = bytes(view[start:position])
            if compressed:
                message = decompress(message, self._encoding, self._bytes_max)
            messages.append(message)
        del rest[:position]
        return messages


def quote(text: str) -> str:
    """Returns a status text as `grpc-message` carries it: UTF-8, unprintable bytes as %XX."""
    raw = text.encode("utf-8", "replace")
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")


def unquote(value: str) -> str:
    """Returns the text of a `grpc-message`; what is not an escape stands for itself."""
    raw = value.encode("latin-1", "replace")
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), raw).decode("utf-8", "replace")


@lru_cache(maxsize=4_096)
def parse_timeout(value: str) -> int:
    """Returns a `grpc-timeout` in milliseconds, rounded up. Remembers values: most come again.

    Raises:
        ValueError: not one to eight digits and a unit; the text is grpc-go's.
    """
    digits = value[:-1]
    if len(value) < 2:
        raise ValueError(f"transport: timeout string is too short: {go_quote(value)}")
    if len(digits) > _TIMEOUT_DIGITS_MAX:
        raise ValueError(f"transport: timeout string is too long: {go_quote(value)}")
    unit_ms = _TIMEOUT_UNITS_MS.get(value[-1])
    if unit_ms is None:
        raise ValueError(f"transport: timeout unit is not recognized: {go_quote(value)}")
    if not digits.isdecimal():
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(digits)}: invalid syntax")
    return math.ceil(int(digits) * unit_ms)


def format_timeout(timeout_ms: int) -> str:
    """Returns a duration as `grpc-timeout` carries it, the coarsest unit that 8 digits need."""
    value = max(timeout_ms, 0)
    for unit, factor in (("m", 1_000), ("S", 60), ("M", 60)):
        if value < 10**_TIMEOUT_DIGITS_MAX:
            return f"{value}{unit}"
        value = -(-value // factor)
    return f"{min(value, 10**_TIMEOUT_DIGITS_MAX - 1)}H"


def go_quote(text: str) -> str:
    """Returns the text in double quotes, as Go's %q writes it."""
    pieces = []
    for char in text:
        if char in {'"', "\\"}:
            pieces.append("\\" + char)
        elif " " <= char <= "~":
            pieces.append(char)
        else:
            pieces.append(f"\\x{ord(char):02x}")
    return '"' + "".join(pieces) + '"'
