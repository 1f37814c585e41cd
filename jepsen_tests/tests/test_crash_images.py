"""Crash closure: whenever a member's machine stops, its disk is one that a restart understands.

The production storage runs on real files. At every call that changes a file an image of the
directory is taken, as a crash in that moment would leave it; of a frame that is being appended also
images with some of its sectors only. Each image is then opened: it must hold the writes up to one
that is no earlier than what was acknowledged, and a state that those writes made.
"""

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from threading import RLock, Semaphore
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from raftkv.config import StorageConfig
from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState, Membership, encode_entries, entry_term
from raftkv.storage import DiskStorage, Identity, StorageError, StorageHooks, log_files
from raftkv.storage.frames import FILE_HEAD_BYTES, decode_file_head, decode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

SECTOR_BYTES = 512
WRITES = 80
IDENTITY = Identity(cluster=0xC1, member=0xA1)
MEMBERS = Membership(frozenset({1, 2, 3}))
CONFIG = StorageConfig(
    append_in_place_entries_max=-1,
    log_file_bytes=8_000,
    save_interval_milliseconds=1,
    probe_before_open=False,
)
WAIT_SECONDS_MAX = 30
STATE_SECONDS = 0.02
"""In which the state's thread would store what it must not have yet."""
ROWS_END = b"\xff" * 17


def row_key(index: int) -> bytes:
    return index.to_bytes(8, "big") + b"_" + bytes(8)


@dataclass
class Expected:
    """What the writes so far came to, after each of them."""

    hard: list[HardState] = field(default_factory=lambda: [HardState()])
    logs: list[list[bytes]] = field(default_factory=lambda: [[]])
    """The whole log from its first entry on."""
    applied: list[int] = field(default_factory=lambda: [0])


@dataclass
class Image:
    """A directory as a crash left it, and what had been acknowledged by then."""

    path: Path
    acknowledged: int


class Camera:
    """Takes images, one at a time: no file changes meanwhile."""

    def __init__(self, live: Path, images: Path, chance: random.Random) -> None:
        self.live = live
        self.taken: list[Image] = []
        self.acknowledged = 0
        self.is_on = False
        self.calls: list[str] = []
        self.fails_at = -1
        """Which append fails; the others don't."""
        self.gate: Semaphore | None = None
        """If there is one, each append waits until it is let through."""
        self._images = images
        self._chance = chance
        self.lock = RLock()

    def take(self) -> Path | None:
        if not self.is_on:
            return None
        path = self._images / f"{len(self.taken):04}"
        shutil.copytree(self.live, path)
        self.taken.append(Image(path, self.acknowledged))
        return path

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        with self.lock:
            self.calls.append(call)
            self.take()
            yield
            self.take()

    def pwritev(self, descriptor: int, pieces: list[bytes], offset: int, flags: int = 0) -> int:
        if self.gate is not None:
            assert self.gate.acquire(timeout=WAIT_SECONDS_MAX), "nobody let the append through"
        with self.lock:
            number = self.calls.count("append")
            self._tear(descriptor, b"".join(pieces), offset)
            if number == self.fails_at:
                self.calls.append("append")
                raise OSError(5, "Input/output error")
            with self.around("append" if flags & os.RWF_DSYNC else "append without waiting"):
                return os.pwritev(descriptor, pieces, offset, flags)

    def _tear(self, descriptor: int, data: bytes, offset: int) -> None:
        """An image in which some sectors of what is being appended are there, and others not."""
        path = self.take()
        if path is None:
            return
        torn = path / Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(self.live)
        with torn.open("r+b") as file:
            at = 0
            while at < len(data):
                size = SECTOR_BYTES - (offset + at) % SECTOR_BYTES
                if self._chance.random() < 0.5:
                    file.seek(offset + at)
                    file.write(data[at : at + size])
                at += size


class WatchedOs:
    """The module `os`, but for what changes a file of the log."""

    def __init__(self, camera: Camera) -> None:
        self.pwritev = camera.pwritev
        self._camera = camera

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        with self._camera.around("pwrite"):
            return os.pwrite(descriptor, data, offset)

    def posix_fallocate(self, descriptor: int, offset: int, size: int) -> None:
        with self._camera.around("fallocate"):
            os.posix_fallocate(descriptor, offset, size)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all that the module has
        return getattr(os, name)


class WatchedTransaction:
    def __init__(self, txn: Any, camera: Camera) -> None:  # noqa: ANN401 - LMDB's
        self._txn = txn
        self._camera = camera

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._txn, name)

    def commit(self) -> None:
        with self._camera.around("commit"):
            self._txn.commit()


class WatchedLmdb:
    def __init__(self, environment: Any, camera: Camera) -> None:  # noqa: ANN401 - LMDB's
        self._environment = environment
        self._camera = camera

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._environment, name)

    def begin(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        txn = self._environment.begin(*arguments, **named)
        return WatchedTransaction(txn, self._camera) if named.get("write") else txn


class Run:
    """A storage that is written to, and what should be on its disk."""

    def __init__(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, config: StorageConfig = CONFIG
    ) -> None:
        live, images = path / "live", path / "images"
        images.mkdir()
        self.chance = random.Random(1)
        self.camera = Camera(live, images, self.chance)
        self.expected = Expected()
        self.failures: list[str] = []
        self.posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        hooks = StorageHooks(
            post=self.posted.put,
            on_durable=self._acknowledge,
            on_staged=lambda _: None,
            on_failed=self.failures.append,
        )
        monkeypatch.setattr(log_files, "os", WatchedOs(self.camera))
        for name in ("unlink", "rename"):
            monkeypatch.setattr(Path, name, self._watched(name, getattr(Path, name)))
        append = log_files.LogFiles.append

        def append_alone(files: log_files.LogFiles, *arguments: Any) -> int:  # noqa: ANN401
            with self.camera.lock:
                return append(files, *arguments)

        monkeypatch.setattr(log_files.LogFiles, "append", append_alone)
        self.storage = DiskStorage(live, config, hooks)
        self.storage.bootstrap(IDENTITY, None)
        environment = self.storage._environment
        watched = WatchedLmdb(environment.lmdb, self.camera)
        object.__setattr__(environment, "lmdb", watched)
        self.storage.load()
        self.camera.is_on = True

    def _watched(self, name: str, method: "Callable[..., Any]") -> "Callable[..., Any]":
        def watched(*arguments: Any) -> Any:  # noqa: ANN401
            with self.camera.around(name):
                return method(*arguments)

        return watched

    def close(self) -> None:
        self.camera.is_on = False
        self.storage.close()

    def _acknowledge(self, sequence: int) -> None:
        self.camera.acknowledged = max(self.camera.acknowledged, sequence)

    def write_much(self) -> None:
        self.write_some(WRITES)
        self.camera.is_on = False

    def write_some(self, count: int) -> None:
        sequence = 0
        for _ in range(count):
            sequence = self.storage.write(self._next_batch())
            if self.chance.random() < 0.3:
                self._wait(sequence)
            self._acknowledge(self.storage.durable)
        self._wait(sequence)

    def write_behind_a_slow_append(self) -> None:
        """One append reaches the disk while two more wait for it; what is told then, is imaged."""
        gate = self.camera.gate = Semaphore(0)
        first = self.storage.write(self._next_batch(entries_min=1))
        while not self.storage._loaded[0]._queue.empty():
            sleep(0.001)
        self.storage.write(self._next_batch(entries_min=1))
        last = self.storage.write(self._next_batch(entries_min=1))
        sleep(STATE_SECONDS)
        gate.release()
        self._wait(first)
        self._acknowledge(self.storage.durable)
        self.camera.gate = None
        gate.release(2)
        self._wait(last)

    def _wait(self, sequence: int) -> None:
        while self.storage.durable < sequence and not self.failures:
            self.posted.get(timeout=WAIT_SECONDS_MAX)()

    def _next_batch(self, entries_min: int = 0) -> WriteBatch:
        """Entries, in a new term perhaps after a truncation; rows of what is applied; a cut."""
        chance, expected = self.chance, self.expected
        hard, log, applied = expected.hard[-1], list(expected.logs[-1]), expected.applied[-1]
        batch = WriteBatch(hard)
        term, vote = max(hard.term, 1), hard.vote
        if chance.random() < 0.3:
            term, vote = term + 1, chance.randint(1, 3)
        if chance.random() < 0.1 and len(log) > hard.commit:
            batch.truncate_from = chance.randint(hard.commit + 1, len(log))
            del log[batch.truncate_from - 1 :]
        if chance.random() < 0.7 or batch.truncate_from or entries_min:
            bodies = [bytes(chance.randrange(400)) for _ in range(chance.randint(1, 4))]
            batch.entries = encode_entries(term, len(log) + 1, 0, bodies)
            log += batch.entries
        # What a node commits lies in entries of earlier writes, and stays.
        known = len(expected.logs[-1])
        if batch.truncate_from:
            known = batch.truncate_from - 1
        commit = chance.randint(min(hard.commit, known), known)
        batch.hard_state = HardState(term, vote, max(commit, hard.commit))
        for index in range(applied + 1, commit + 1):
            self.storage.rows.put(row_key(index), b"row %d" % index)
        applied = max(applied, commit)
        batch.applied_index = applied
        batch.applied_term = entry_term(log[applied - 1]) if applied else 0
        stored = self.storage.stored_applied_index
        if stored > 10 and chance.random() < 0.2:
            batch.compact_to, batch.compact_term = stored - 5, entry_term(log[stored - 6])
            batch.compact_membership = MEMBERS
        expected.hard.append(batch.hard_state)
        expected.logs.append(log)
        expected.applied.append(applied)
        return batch


def check(image: Image, expected: Expected) -> None:
    """The image holds the writes up to one that is not before the acknowledged."""
    hooks = StorageHooks(
        post=lambda _: None,
        on_durable=lambda _: None,
        on_staged=lambda _: None,
        on_failed=lambda _: None,
    )
    storage = DiskStorage(image.path, CONFIG, hooks)
    try:
        stored = storage.load()
        rows = storage.rows.scan(b"", ROWS_END, 10_000)
    finally:
        storage.close()
    legal = [
        write
        for write in range(image.acknowledged, len(expected.logs))
        if stored.entries == expected.logs[write][stored.snapshot_index :]
        and stored.hard_state[:2] == expected.hard[write][:2]
    ]
    assert legal, f"{image.path.name}: no writes from {image.acknowledged} on leave such a log"
    assert stored.applied_index <= stored.snapshot_index + len(stored.entries)
    due = [(row_key(i), b"row %d" % i) for i in range(1, stored.applied_index + 1)]
    assert rows == due, f"{image.path.name}: other rows than {stored.applied_index} entries make"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    run = Run(tmp_path, monkeypatch)
    yield run
    run.close()


@pytest.mark.slow
def test_every_image_that_a_crash_leaves_holds_what_was_acknowledged(run: Run) -> None:
    for _ in range(3):
        run.write_behind_a_slow_append()
        run.write_some(5)
    run.write_much()
    assert not run.failures
    calls = run.camera.calls
    assert {"append", "commit", "rename", "unlink"} <= set(calls), "something was never done"
    for image in run.camera.taken:
        check(image, run.expected)


@pytest.mark.slow
def test_every_call_waits_for_the_disk(run: Run) -> None:
    run.write_much()
    assert "append without waiting" not in run.camera.calls
    flags = run.storage._environment.lmdb.flags()
    assert flags["sync"], "a commit does not wait for its data"
    assert flags["metasync"], "a commit does not wait for its meta page"
    assert not flags["map_async"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 10])
def test_after_a_failed_append_nothing_is_written_or_acknowledged(run: Run, number: int) -> None:
    run.camera.fails_at = number
    run.write_much()
    assert run.failures, "nobody was told"
    assert run.camera.calls.count("append") == number + 1
    assert run.camera.acknowledged < WRITES


@pytest.mark.slow
def test_damage_to_what_was_durable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The state is stored late: it does not know how far the log has come.
    run = Run(tmp_path, monkeypatch, replace(CONFIG, save_interval_milliseconds=60_000))
    run.write_much()
    images = reversed(run.camera.taken)
    last = next(image.path for image in images if len(frame_ends(newest_file(image.path))) > 1)
    for path in log_files.log_paths(last / log_files.DIRECTORY):
        data = path.read_bytes()
        before_last = max(frame_ends(data), default=0)
        for _ in range(10 if before_last else 0):
            damaged = bytearray(data)
            at = run.chance.randrange(FILE_HEAD_BYTES, before_last)
            damaged[at] ^= 1 << run.chance.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(StorageError, match="damaged"):
                check(Image(last, 0), run.expected)
        path.write_bytes(data)
    check(Image(last, 0), run.expected)
    run.close()


def newest_file(path: Path) -> bytes:
    return log_files.log_paths(path / log_files.DIRECTORY)[-1].read_bytes()


def frame_ends(data: bytes) -> list[int]:
    """Where each frame of a file but the last ends."""
    head = decode_file_head(data)
    assert head is not None, "not a file of the log"
    ends, at = [], FILE_HEAD_BYTES
    while (frame := decode_frame(data, at, head.marker)) is not None:
        at = frame.end
        ends.append(at)
    return ends[:-1]
