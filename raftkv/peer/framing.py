"""Where one message ends and the next begins: length (4 bytes), checksum (4 bytes), the message.

TCP's own checksum has 16 bits. With this one, a row or a command that was damaged on its way ends
the connection instead of being stored.
"""

import struct
from zlib import crc32

_HEAD = struct.Struct(">II")
FRAME_HEAD_BYTES = _HEAD.size
_pack_head = _HEAD.pack
_unpack_head = _HEAD.unpack_from


class FrameError(Exception):
    """Bytes on a connection are not frames; nothing that follows on it can be trusted."""


def frame_head(payload: bytes) -> bytes:
    """The bytes that go in front of `payload`."""
    return _pack_head(len(payload), crc32(payload))


class FrameReader:
    """Cuts what a connection brings into payloads; keeps at most one unfinished frame."""

    __slots__ = ("_needed", "_unfinished", "bytes_max")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        """A frame that announces more is an error; may be changed between two feeds."""
        self._unfinished = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> list[memoryview]:
        """Takes what was received and returns the payloads that are now whole.

        Raises:
            FrameError: a frame is too large, or damaged; the reader is then of no further use.
        """
        unfinished = self._unfinished
        if unfinished:
            unfinished += data
            if len(unfinished) < self._needed:
                return []
            data = bytes(unfinished)
            unfinished.clear()
        view = memoryview(data)
        payloads = []
        offset, size = 0, len(data)
        self._needed = FRAME_HEAD_BYTES
        while size - offset >= FRAME_HEAD_BYTES:
            length, checksum = _unpack_head(data, offset)
            if length > self.bytes_max:
                raise FrameError(f"a frame of {length} bytes; {self.bytes_max} are allowed")
            start = offset + FRAME_HEAD_BYTES
            if size - start < length:
                self._needed = FRAME_HEAD_BYTES + length
                break
            payload = view[start : start + length]
            if crc32(payload) != checksum:
                raise FrameError(f"the checksum of a frame of {length} bytes does not match")
            payloads.append(payload)
            offset = start + length
        if offset < size:
            unfinished += view[offset:]
        return payloads
