"""The log's directory as a disk has it: what was waited for is there, of the rest anything may be.

A recorder stands before the calls that `log_files` makes and notes them, together with each stored
state. From what it noted the directory is made again as a crash after any call could have left it:
of bytes nobody waited for each sector of 512 is there or not, names come and go in their order.
LMDB is trusted: a state is stored whole, or not.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import NamedTuple

import pytest

from raftkv.storage.jobs import StateJob
from raftkv.storage.state_writer import StateWriter

SECTOR_BYTES = 512


class Bytes(NamedTuple):
    """A write to a file, named by its number."""

    file: int
    offset: int
    data: bytes
    is_waited_for: bool


class Resize(NamedTuple):
    """A new length."""

    file: int
    length: int


class Wait(NamedTuple):
    """All of a file must be on the disk."""

    file: int


class WaitForNames(NamedTuple):
    """All names must be on the disk."""


class Names(NamedTuple):
    """The directory from now on: name to file."""

    files: dict[str, int]


class State(NamedTuple):
    """The data file."""

    data: bytes


class Note(NamedTuple):
    """What the test knows from now on."""

    known: int


Call = Bytes | Resize | Wait | WaitForNames | Names | State | Note


@dataclass
class Recorder:
    """What happened, in order."""

    directory: Path
    calls: list[Call] = field(default_factory=list)
    is_failing: bool = False
    """The next write reaches the page cache only, and is said to have failed."""
    _lock: RLock = field(default_factory=RLock)
    _names: dict[str, int] = field(default_factory=dict)
    _open: dict[int, int] = field(default_factory=dict)
    _files: int = 0

    def note(self, known: int) -> None:
        """Whatever follows, the test knows this."""
        self.calls.append(Note(known))

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        with self._lock:
            descriptor = os.open(path, flags, mode)
            if path.parent.name == "log":
                if flags & os.O_CREAT:
                    self._files += 1
                    self._rename({path.name: self._files})
                self._open[descriptor] = self._names[path.name]
            return descriptor

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def posix_fallocate(self, descriptor: int, offset: int, length: int) -> None:
        with self._lock:
            os.posix_fallocate(descriptor, offset, length)
            self.calls.append(Resize(self._open[descriptor], offset + length))

    def ftruncate(self, descriptor: int, length: int) -> None:
        with self._lock:
            os.ftruncate(descriptor, length)
            self.calls.append(Resize(self._open[descriptor], length))

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        with self._lock:
            self.calls.append(Bytes(self._open[descriptor], offset, data, is_waited_for=False))
            return os.pwrite(descriptor, data, offset)

    def pwritev(self, descriptor: int, pieces: list[bytes], offset: int, flags: int) -> int:
        assert flags == os.RWF_DSYNC
        with self._lock:
            is_failing, self.is_failing = self.is_failing, False
            data = b"".join(pieces)
            self.calls.append(Bytes(self._open[descriptor], offset, data, not is_failing))
            written = os.pwritev(descriptor, pieces, offset)
            if is_failing:
                raise OSError("the write failed, but is seen")
            return written

    def fsync(self, descriptor: int) -> None:
        with self._lock:
            self.calls.append(Wait(self._open[descriptor]))

    def sync_directory(self, _: Path) -> None:
        with self._lock:
            self.calls.append(WaitForNames())

    def rename(self, path: Path, target: Path) -> Path:
        with self._lock:
            os.rename(path, target)  # noqa: PTH104 - Path.rename is what this stands for
            self._rename({target.name: self._names.pop(path.name)})
            return target

    def unlink(self, path: Path) -> None:
        with self._lock:
            os.unlink(path)  # noqa: PTH108 - as above
            del self._names[path.name]
            self._rename({})

    def stored(self, writer: StateWriter) -> None:
        """The state was committed."""
        self.calls.append(State((writer._environment.path / "data.mdb").read_bytes()))

    def _rename(self, more: dict[str, int]) -> None:
        self._names.update(more)
        self.calls.append(Names(dict(self._names)))

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[Recorder]:
    """Notes what is done to the log in `path`."""
    recorder = Recorder(path)
    module = "raftkv.storage.log_files"
    transact = StateWriter._transact

    def transact_and_note(writer: StateWriter, jobs: list[StateJob]) -> tuple[int, float]:
        with recorder._lock:
            done = transact(writer, jobs)
            recorder.stored(writer)
            return done

    with monkeypatch.context() as patch:
        patch.setattr(f"{module}.os", recorder)
        patch.setattr(f"{module}.sync_directory", recorder.sync_directory)
        patch.setattr(Path, "rename", lambda *paths: recorder.rename(*paths))  # noqa: PLW0108 - bound to a path
        patch.setattr(Path, "unlink", lambda *paths: recorder.unlink(*paths))  # noqa: PLW0108 - as above
        patch.setattr(StateWriter, "_transact", transact_and_note)
        yield recorder


def crash(calls: list[Call], chance: random.Random, path: Path) -> int | None:
    """Makes a directory as a crash after `calls` may leave it; returns what was known then.

    The last call is still under way: it too may have been carried out in part.
    """
    image = _Image(chance)
    for call in calls[:-1]:
        image.carry_out(call)
    last = calls[-1]
    image.carry_out(last._replace(is_waited_for=False) if isinstance(last, Bytes) else last)
    image.write_to(path)
    return image.known


class _Image:
    """A disk while calls are carried out, with what nobody waited for yet."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._durable: dict[int, bytearray] = {}
        self._pending: dict[int, list[Bytes | Resize]] = {}
        self._names: list[dict[str, int]] = [{}]
        """Those that are durable, then what they were changed to."""
        self._state = b""
        self.known: int | None = None

    def carry_out(self, call: Call) -> None:
        match call:
            case Bytes(file, offset, data, True):
                older = self._pending.pop(file, [])
                self._pending[file] = [part for each in older for part in _left(each, call)]
                _put(self._file(file), offset, data)
            case Bytes() | Resize():
                self._pending.setdefault(call.file, []).append(call)
            case WaitForNames():
                del self._names[:-1]
            case Wait(file):
                self._settle(file, is_certain=True)
            case Names(files):
                self._names.append(files)
            case State(data):
                self._state = data
            case Note(known):
                self.known = known

    def write_to(self, path: Path) -> None:
        for file in list(self._pending):
            self._settle(file, is_certain=False)
        (path / "log").mkdir(parents=True)
        if self._state:
            (path / "data.mdb").write_bytes(self._state)
        for name, file in self._chance.choice(self._names).items():
            (path / "log" / name).write_bytes(self._file(file))

    def _file(self, file: int) -> bytearray:
        return self._durable.setdefault(file, bytearray())

    def _settle(self, file: int, *, is_certain: bool) -> None:
        """Carries out what waits for a file: all of it, or lengths to some point and any sector."""
        content = self._file(file)
        pending = self._pending.pop(file, [])
        reached = len(pending) if is_certain else self._chance.randint(0, len(pending))
        share = 1 if is_certain else self._chance.choice((0, 0.1, 0.5, 0.9, 1))
        for number, call in enumerate(pending):
            if isinstance(call, Resize):
                if number < reached:
                    del content[call.length :]
                    content += bytes(call.length - len(content))
                continue
            for begin, data in _sectors(call):
                if begin + len(data) <= len(content) and self._chance.random() < share:
                    _put(content, begin, data)


def _sectors(call: Bytes) -> Iterator[tuple[int, bytes]]:
    """The parts of a write that lie in a sector each, with their places."""
    place = call.offset
    end = place + len(call.data)
    while place < end:
        following = min(end, (place // SECTOR_BYTES + 1) * SECTOR_BYTES)
        yield place, call.data[place - call.offset : following - call.offset]
        place = following


def _left(older: Bytes | Resize, newer: Bytes) -> list[Bytes | Resize]:
    """What is left to be written of a call when a newer one is on the disk."""
    if isinstance(older, Resize):
        return [older]
    file, offset, data, _ = older
    end, newer_end = offset + len(data), newer.offset + len(newer.data)
    before = data[: max(0, newer.offset - offset)]
    behind = data[max(0, newer_end - offset) :]
    parts = [(offset, before), (end - len(behind), behind)]
    return [Bytes(file, place, part, is_waited_for=False) for place, part in parts if part]


def _put(content: bytearray, offset: int, data: bytes) -> None:
    content += bytes(max(0, offset + len(data) - len(content)))
    content[offset : offset + len(data)] = data
