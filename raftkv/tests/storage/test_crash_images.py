"""Whatever a crash leaves of what nobody waited for: what was durable is there, nothing else.

A life of a disk is drawn by chance and recorded; then a crash is tried after every call it made.
"""

import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import HardState, encode_entries, entry_index, entry_term
from raftkv.storage import StorageError
from raftkv.tests.storage.damage import files, flip
from raftkv.tests.storage.harness import MEMBERS, ON_THREAD, Disk, batch_of, held_back, row_key
from raftkv.tests.storage.recorded_disk import Recorder, State, crash, recording

CONFIG = replace(ON_THREAD, log_file_bytes=2_048)
END = b"\xff" * 17
Rows = list[tuple[bytes, bytes]]


def rows_of(applied: int) -> Rows:
    """The state, which follows from the applied index alone."""
    return [(row_key(index), b"row %d " % index * 20) for index in range(1, applied + 1)]


@dataclass
class Model:
    """What a member knows of its own disk."""

    term: int = 1
    vote: int = 1
    commit: int = 0
    applied: int = 0
    start: int = 0
    """The log may begin after it."""
    log: dict[int, bytes] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return max(self.log, default=self.start)

    def copy(self) -> "Model":
        return replace(self, log=dict(self.log))

    def is_found(self, found: StoredLog) -> bool:
        """Whether this is what was found, but for a state that is older."""
        start = found.snapshot_index
        expected = [self.log.get(index) for index in range(start + 1, self.last + 1)]
        return (
            start <= self.last
            and expected == found.entries
            and found.hard_state[:2] == (self.term, self.vote)
            and found.applied_index <= found.hard_state.commit <= self.last
        )


class Install(NamedTuple):
    """A write that switches to a snapshot."""

    number: int
    last: int
    last_term: int

    def without_log(self, before: Model, after: Model) -> Model:
        """The switch alone, which the log was not told of, when the log had come to `before`."""
        entry = before.log.get(self.last)
        is_there = entry is not None and entry_term(entry) == self.last_term
        log = {i: e for i, e in before.log.items() if is_there and i > self.last}
        return Model(after.term, after.vote, self.last, self.last, self.last, log)


class Life:
    """A disk that is written to by chance, and what every write made of it."""

    def __init__(self, path: Path, recorder: Recorder, chance: random.Random) -> None:
        self.path = path
        self.recorder = recorder
        self.chance = chance
        self.model = Model()
        self.models: list[Model] = []
        self.installs: list[Install] = []
        first = self._appended(WriteBatch(HardState()), 3)
        self.disk = Disk(path, CONFIG, first)
        recorder.stored(self.disk.state)
        self.knows()

    def live(self, writes: int) -> None:
        """Writes, waits and is killed."""
        done = sequence = 0
        while done < writes:
            with ExitStack() as stack:
                if self.chance.random() < 0.5:
                    stack.enter_context(held_back(self.disk.state))
                with held_back(self.disk.log):
                    for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
                        done += 1
                        sequence = self.write()
                if not self.disk.storage._installing:
                    self.disk.wait(sequence)
            self.disk.wait(sequence)
            assert not self.disk.failures
            self.disk.wait_stored(sequence)
            self.knows()
            if self.chance.random() < 0.1:
                self.is_killed()
        self.disk.write(self._appended(WriteBatch(HardState()), 1))
        self.models.append(self.model.copy())
        self.disk.storage.close()

    def write(self) -> int:
        """One write of a kind drawn by chance."""
        batch = WriteBatch(HardState())
        model, chance = self.model, self.chance
        kind = chance.choice(
            ("append", "append", "append", "replace", "vote", "apply", "cut", "install")
        )
        if self.disk.storage._installing:
            kind = chance.choice(("append", "vote"))
        if kind == "append":
            self._appended(batch, chance.randint(1, 3))
        elif kind == "replace" and model.last > model.commit:
            model.term += 1
            batch.truncate_from = chance.randint(model.commit + 1, model.last)
            model.log = {i: e for i, e in model.log.items() if i < batch.truncate_from}
            self._appended(batch, chance.randint(0, 3))
        elif kind == "vote":
            model.term, model.vote = model.term + chance.randint(0, 1), model.vote + 1
        elif kind == "apply":
            self._apply()
        elif kind == "cut":
            self._cut(batch)
        elif kind == "install":
            self._install(batch)
        self.models.append(model.copy())
        return self.disk.storage.write(self._filled(batch))

    def knows(self) -> None:
        """Every write so far is durable."""
        if not self.models:
            self.models.append(self.model.copy())
        self.recorder.note(len(self.models) - 1)

    def is_killed(self) -> None:
        """A write reaches the page cache only; the next process takes for durable what it sees."""
        self.recorder.is_failing = True
        batch = self._appended(WriteBatch(HardState()), 2)
        self.models.append(self.model.copy())
        self.disk.wait(self.disk.storage.write(batch))
        assert self.disk.failures
        self.disk.storage.close()
        self.disk = Disk(self.path, CONFIG)
        assert self.models[-1].is_found(self.disk.stored)
        for index in range(self.disk.stored.applied_index + 1, self.model.applied + 1):
            self.disk.rows.put(*rows_of(index)[-1])
        self.knows()

    def _appended(self, batch: WriteBatch, entries: int) -> WriteBatch:
        model = self.model
        body = self.chance.randbytes(self.chance.choice((0, 10, 100, 700)))
        batch.entries = encode_entries(model.term, model.last + 1, 0, [body] * entries)
        model.log.update(enumerate(batch.entries, model.last + 1))
        return self._filled(batch)

    def _filled(self, batch: WriteBatch) -> WriteBatch:
        """A batch with what every one says."""
        model = self.model
        batch.hard_state = HardState(model.term, model.vote, model.commit)
        batch.applied_index, batch.applied_term = model.applied, 1
        return batch

    def _apply(self) -> None:
        model = self.model
        model.commit = self.chance.randint(model.commit, model.last)
        applied = self.chance.randint(model.applied, model.commit)
        for row in rows_of(applied)[model.applied :]:
            self.disk.rows.put(*row)
        model.applied = applied

    def _cut(self, batch: WriteBatch) -> None:
        stored = self.disk.storage.stored_applied_index
        if stored > self.model.start:
            self.model.start = batch.compact_to = self.chance.randint(self.model.start + 1, stored)
            entry = self.model.log.get(batch.compact_to)
            batch.compact_term = 1 if entry is None else entry_term(entry)
            batch.compact_membership = MEMBERS

    def _install(self, batch: WriteBatch) -> None:
        model, storage = self.model, self.disk.storage
        index = self.chance.randint(model.commit + 1, model.last + 3)
        kept = index in model.log and self.chance.random() < 0.7
        term = entry_term(model.log[index]) if kept else model.term + 1
        model.term = max(model.term, term)
        storage.stage_reset()
        storage.stage(rows_of(index))
        if not kept and model.last > model.start:
            batch.truncate_from = model.start + 1
        model.log = {i: e for i, e in model.log.items() if kept and i > index}
        batch.install_staged = True
        batch.compact_to, batch.compact_term, batch.compact_membership = index, term, MEMBERS
        model.start = model.commit = model.applied = index
        self.installs.append(Install(len(self.models), index, term))
        if self.chance.random() < 0.5:
            self._appended(batch, 1)


def check(life: Life, path: Path, known: int | None) -> None:
    """What is found in a directory is something that was written, at least up to `known`."""
    found: list[tuple[StoredLog, Rows]] = []
    first = batch_of(list(life.models[0].log.values()))
    for _ in range(2):
        with Disk(path, CONFIG, first) as disk:
            found.append((disk.stored, disk.rows.scan(b"", END, 1_000)))
    assert found[0] == found[1], "a second start finds something else"
    stored, rows = found[0]
    assert rows == rows_of(stored.applied_index)
    entries = [(entry_index(entry), entry_term(entry)) for entry in stored.entries]
    assert any(model.is_found(stored) for model in possible(life, known or 0)), (
        f"{stored.hard_state}, after {stored.snapshot_index}: {entries}: no write from {known} on"
    )


def possible(life: Life, known: int) -> Iterator[Model]:
    """What may be found when all up to the write `known` was durable."""
    models = life.models
    yield from models[known:]
    for install in life.installs:
        for before in models[known : install.number]:
            yield install.without_log(before, models[install.number])


def try_crashes(
    path: Path, recorder: Recorder, life: Life, images: int, chance: random.Random
) -> None:
    """Crashes after each call, or after some of them."""
    numbers = count()
    for calls in range(1, len(recorder.calls) + 1):
        for _ in range(images):
            image = path / str(next(numbers))
            known = crash(recorder.calls[:calls], chance, image)
            check(life, image, known)
            shutil.rmtree(image)


def a_life(
    path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, writes: int
) -> tuple[Recorder, Life]:
    with recording(monkeypatch, path) as recorder:
        life = Life(path / "data", recorder, random.Random(seed))
        life.live(writes)
    return recorder, life


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_crash_after_any_call(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    recorder, life = a_life(memory_path, monkeypatch, seed, 20)
    assert any(isinstance(call, State) for call in recorder.calls)
    try_crashes(memory_path, recorder, life, 1, random.Random(seed))


@pytest.mark.slow
def test_a_flipped_bit_is_refused_or_harmless(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state knows of every frame here: no damaged one is taken for one that a crash tore."""
    _, life = a_life(memory_path, monkeypatch, 5, 40)
    try_flips(life, random.Random(5), 150)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_a_crash_after_any_call_of_a_long_life(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    recorder, life = a_life(memory_path, monkeypatch, seed, 100)
    try_crashes(memory_path, recorder, life, 2, chance)
    try_flips(life, chance, 300)


def try_flips(life: Life, chance: random.Random, flips: int) -> None:
    """Flips one bit of the log at a time: what was written last is found, or nothing at all."""
    refused = 0
    for _ in range(flips):
        path = chance.choice(files(life.path))
        before = path.read_bytes()
        used = len(before.rstrip(b"\0"))
        offset = chance.choice((chance.randrange(used), chance.randrange(len(before))))
        flip(path, offset)
        try:
            check(life, life.path, len(life.models) - 1)
        except StorageError:
            refused += 1
        path.write_bytes(before)
    assert refused, "no bit that was flipped mattered"
