"""The files of the Raft log: appended to, made durable with one wait for the disk, removed whole.

A file is given its full size when it is made, so that appending changes no length: making 400 bytes
durable then takes 0.08 ms where a file that grows takes 0.14, and LMDB, which writes its data and
then its meta page, 0.21.
"""

import os
from collections import deque
from pathlib import Path
from typing import NamedTuple

from raftkv.storage.frames import (
    FILE_HEAD_BYTES,
    FRAME_HEAD_BYTES,
    MARKER_BYTES,
    FileHead,
    LogBatch,
    encode_file_head,
    encode_frame,
)
from raftkv.storage.schema import Identity
from raftkv.storage.sync import sync_directory

DIRECTORY = "log"
_SUFFIX = ".log"
_UNFINISHED = ".new"


class ClosedFile(NamedTuple):
    """A file that is full."""

    path: Path
    last_frame: int
    last_index: int
    """The highest index of an entry in this file or one before it."""


class LogEnd(NamedTuple):
    """Where a log that was read goes on."""

    frame: int
    """The last one."""
    entry_index: int
    """The highest that any entry ever had."""
    path: Path | None
    """The file that is appended to; None for a log without files."""
    head: FileHead
    last_frame: int
    """Where the file's last frame begins; `offset` when it has none."""
    offset: int
    """Where the next frame goes."""
    closed: list[ClosedFile]


def empty_log(identity: Identity) -> LogEnd:
    """The end of a log without files."""
    return LogEnd(0, 0, None, FileHead(bytes(MARKER_BYTES), 0, identity), 0, 0, [])


def log_paths(directory: Path) -> list[Path]:
    """The log's files, oldest first."""
    return sorted(directory.glob(f"*{_SUFFIX}"))


def remove_log(directory: Path) -> None:
    """Removes every file of a log."""
    for path in log_paths(directory):
        path.unlink()
    remove_unfinished(directory)


def remove_unfinished(directory: Path) -> None:
    """Removes what a crash left of a file that was being made."""
    for path in directory.glob(f"*{_UNFINISHED}"):
        path.unlink()


class LogFiles:
    """The end of the log, which one thread at a time appends to."""

    def __init__(self, directory: Path, file_bytes: int, end: LogEnd) -> None:
        self.directory = directory
        self._file_bytes = file_bytes
        self.frame = end.frame
        """The last durable frame."""
        self._index = end.entry_index
        self._path = end.path
        self._head = end.head
        self._offset = end.offset
        self._closed = deque(end.closed)
        self._descriptor = -1
        self._size = 0
        if end.path is not None:
            self._descriptor = os.open(end.path, os.O_RDWR | os.O_CLOEXEC)
            self._write_again(end.last_frame)
            self._clear_rest()

    def has_room(self, entries_bytes: int, entries_count: int) -> bool:
        """Whether a frame of one write fits into the file that is there."""
        overhead = 2 * FRAME_HEAD_BYTES + 64 + 4 * entries_count
        return self._offset + overhead + entries_bytes <= self._size

    def append(self, batches: list[LogBatch], last_index: int) -> int:
        """Makes batches durable as one frame; returns its length in bytes.

        Args:
            batches: In their order.
            last_index: The highest index among their entries; 0 for none.

        Raises:
            OSError: They may or may not be on the disk, and nothing may be appended any more.
        """
        number = self.frame + 1
        pieces = encode_frame(self._head.marker, number, batches)
        length = sum(map(len, pieces))
        if self._offset + length > self._size:
            self._begin_file(number, length)
            pieces = encode_frame(self._head.marker, number, batches)
        _write_durably(self._descriptor, pieces, self._offset)
        self._offset += length
        self.frame = number
        self._index = max(self._index, last_index)
        return length

    def remove_until(self, index: int, frame: int) -> None:
        """Removes full files with nothing beyond an index, and only what lies before `frame`.

        That frame is durable and stays: it says again which vote was given in those that go. May be
        called on another thread than `append`.
        """
        closed = self._closed
        while closed and closed[0].last_index <= index and closed[0].last_frame < frame:
            closed.popleft().path.unlink()

    def close(self) -> None:
        """Lets go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write_again(self, last_frame: int) -> None:
        """Makes durable what was found last: whoever wrote it may have ended before it was.

        Waiting for the disk is not enough. After a write that failed the kernel shows what it no
        longer means to write.
        """
        frame = os.pread(self._descriptor, self._offset - last_frame, last_frame)
        if frame:
            _write_durably(self._descriptor, [frame], last_frame)
        sync_directory(self.directory)

    def _clear_rest(self) -> None:
        """Makes what lies after the last frame zeros again, where a crash left half a frame."""
        self._size = os.fstat(self._descriptor).st_size
        rest = os.pread(self._descriptor, self._size - self._offset, self._offset)
        if rest.count(0) != len(rest):
            os.ftruncate(self._descriptor, self._offset)
            os.posix_fallocate(self._descriptor, 0, self._size)
            os.fsync(self._descriptor)

    def _begin_file(self, first_frame: int, frame_bytes: int) -> None:
        """Goes on in a new file, which appears under its name only when it is whole."""
        head = self._head._replace(marker=os.urandom(MARKER_BYTES), first_frame=first_frame)
        size = max(self._file_bytes, FILE_HEAD_BYTES + frame_bytes)
        path = self.directory / f"{first_frame:016x}{_SUFFIX}"
        unfinished = path.with_suffix(_UNFINISHED)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(unfinished, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            os.pwrite(descriptor, encode_file_head(head), 0)
            os.fsync(descriptor)
            unfinished.rename(path)
            sync_directory(self.directory)
        except BaseException:
            os.close(descriptor)
            raise
        if self._path is not None:
            os.close(self._descriptor)
            if self._path != path:  # else the new one took the place of one without frames
                self._closed.append(ClosedFile(self._path, self.frame, self._index))
        self._path, self._head, self._descriptor = path, head, descriptor
        self._offset, self._size = FILE_HEAD_BYTES, size


def _write_durably(descriptor: int, pieces: list[bytes], offset: int) -> None:
    """Writes and waits for the disk, in one call: each call gives up the interpreter lock."""
    length = sum(map(len, pieces))
    written = os.pwritev(descriptor, pieces, offset, os.RWF_DSYNC)
    while written < length:
        rest = b"".join(pieces)[written:]
        count = os.pwritev(descriptor, [rest], offset + written, os.RWF_DSYNC)
        if not count:
            raise OSError(f"{written} of {length} bytes were written")
        written += count
