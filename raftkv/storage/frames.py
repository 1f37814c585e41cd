"""The bytes of the Raft log's files: a head, then a frame for each time the disk was waited for.

    file     magic (8), checksum (4), marker (8), number of the first frame (8),
             cluster id (8), member id (8), frames
    frame    marker (8), checksum (4), length of the batches (4), number (8), batches
    batch    term, vote, commit index, truncate from, restart after (8 each), entries (4),
             a length for each entry (4 each), the entries

Numbers are big endian. Frames are numbered without a gap across the files, and a frame is written
and made durable before the next one is begun. So of all frames only the last can be torn, and
nothing that is whole may follow a frame that is not: that tells a write that a crash cut short from
damage to what was durable.

The marker is drawn by chance for each file: bytes that a client put into a value can't pass for a
frame.
"""

import struct
import zlib
from typing import NamedTuple

from raftkv.raft.types import HardState
from raftkv.storage.schema import Identity

FILE_MAGIC = b"raftlog2"
MARKER_BYTES = 8
_FILE_HEAD = struct.Struct(">8sI")
_FILE_ABOUT = struct.Struct(">8sQQQ")
FILE_HEAD_BYTES = _FILE_HEAD.size + _FILE_ABOUT.size

_FRAME_HEAD = struct.Struct(">8sIIQ")
FRAME_HEAD_BYTES = _FRAME_HEAD.size
_CHECKED = struct.Struct(">IQ")
"""Of a frame's head, the part that its checksum covers beside the batches."""
_BATCH_HEAD = struct.Struct(">QQQQQI")


class FileHead(NamedTuple):
    """What a file of the log begins with."""

    marker: bytes
    first_frame: int
    identity: Identity
    """Whose log it is."""


class LogBatch(NamedTuple):
    """What one write does to the stored log; `raft.stored.WriteBatch` says what its fields mean."""

    hard_state: HardState
    truncate_from: int
    restart_after: int
    """When not 0: the log had not reached this index and starts after it; a snapshot took over."""
    entries: list[bytes]


class Frame(NamedTuple):
    """A frame that was found whole."""

    number: int
    batches: list[LogBatch]
    end: int
    """Where in the file the next one begins."""


def encode_file_head(head: FileHead) -> bytes:
    """The first bytes of a new file."""
    about = _FILE_ABOUT.pack(head.marker, head.first_frame, *head.identity)
    return _FILE_HEAD.pack(FILE_MAGIC, zlib.crc32(about)) + about


def decode_file_head(data: bytes) -> FileHead | None:
    """The head of a file; None when it is not one of the log's, or is not whole."""
    if len(data) < FILE_HEAD_BYTES:
        return None
    about = data[_FILE_HEAD.size : FILE_HEAD_BYTES]
    if _FILE_HEAD.unpack_from(data) != (FILE_MAGIC, zlib.crc32(about)):
        return None
    marker, first_frame, cluster, member = _FILE_ABOUT.unpack(about)
    return FileHead(marker, first_frame, Identity(cluster, member))


def encode_frame(marker: bytes, number: int, batches: list[LogBatch]) -> list[bytes]:
    """A frame, in two pieces to be written one after the other."""
    parts: list[bytes] = []
    for batch in batches:
        entries, hard = batch.entries, batch.hard_state
        count = len(entries)
        parts.append(
            _BATCH_HEAD.pack(
                hard.term, hard.vote, hard.commit, batch.truncate_from, batch.restart_after, count
            )
        )
        if count:
            parts.append(struct.pack(f">{count}I", *map(len, entries)))
            parts += entries
    body = b"".join(parts)
    return [_FRAME_HEAD.pack(marker, _checksum(number, body), len(body), number), body]


def decode_frame(data: bytes, offset: int, marker: bytes) -> Frame | None:
    """The frame at `offset`; None when there is none that is whole."""
    begin = offset + FRAME_HEAD_BYTES
    if len(data) < begin:
        return None
    found, checksum, length, number = _FRAME_HEAD.unpack_from(data, offset)
    end = begin + length
    if found != marker or not length or end > len(data):
        return None
    if checksum != _checksum(number, memoryview(data)[begin:end]):
        return None
    return Frame(number, _decode_batches(data, begin, end), end)


def has_frame_after(data: bytes, offset: int, marker: bytes) -> bool:
    """Whether a whole frame begins anywhere beyond `offset`."""
    place = data.find(marker, offset + 1)
    while place >= 0:
        if decode_frame(data, place, marker) is not None:
            return True
        place = data.find(marker, place + 1)
    return False


def _checksum(number: int, body: bytes | memoryview) -> int:
    return zlib.crc32(body, zlib.crc32(_CHECKED.pack(len(body), number)))


def _decode_batches(data: bytes, offset: int, end: int) -> list[LogBatch]:
    """The batches of a frame whose checksum is right: what is wrong in it is our own mistake."""
    batches = []
    while offset < end:
        term, vote, commit, truncate_from, restart_after, count = _BATCH_HEAD.unpack_from(
            data, offset
        )
        offset += _BATCH_HEAD.size
        lengths = struct.unpack_from(f">{count}I", data, offset)
        offset += 4 * count
        entries = []
        for length in lengths:
            entries.append(data[offset : offset + length])
            offset += length
        batches.append(
            LogBatch(HardState(term, vote, commit), truncate_from, restart_after, entries)
        )
    assert offset == end, f"a frame's batches end at {offset}, the frame at {end}"
    return batches
