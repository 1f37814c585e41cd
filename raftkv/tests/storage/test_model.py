"""Random writes against a slow, obvious disk; every reopening must find what was durable."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from raftkv.config import StorageConfig
from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState, encode_entries, entry_term
from raftkv.tests.storage.harness import MEMBERS, Disk, row_key

END = b"\xff" * 17


@dataclass
class Model:
    """What the disk holds, as plain values."""

    term: int = 1
    commit: int = 0
    applied: int = 0
    start: int = 0
    log: dict[int, bytes] = field(default_factory=dict)
    rows: dict[bytes, bytes] = field(default_factory=dict)
    table: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return max(self.log, default=self.start)


class StorageMachine(RuleBasedStateMachine):
    """The same steps on the disk and on the model."""

    directory: Path
    config: StorageConfig

    def __init__(self) -> None:
        super().__init__()
        self.path = self.directory / str(len(list(self.directory.iterdir())))
        self.disk = Disk(self.path, self.config)
        self.model = Model()
        self.revision = 0
        self.staged: dict[bytes, bytes] = {}

    def write(self, batch: WriteBatch) -> None:
        model = self.model
        batch.hard_state = HardState(model.term, 1, model.commit)
        batch.applied_index, batch.applied_term = model.applied, 1
        self.disk.storage.write(batch)

    def batch(self) -> WriteBatch:
        return WriteBatch(HardState())

    @rule(count=st.integers(1, 6), size=st.integers(0, 3_000))
    def append(self, count: int, size: int) -> None:
        model, batch = self.model, self.batch()
        batch.entries = encode_entries(model.term, model.last + 1, 0, [bytes(size)] * count)
        model.log.update(enumerate(batch.entries, model.last + 1))
        self.write(batch)

    @precondition(lambda self: self.model.last > self.model.commit)
    @rule(data=st.data(), count=st.integers(0, 3))
    def replace_suffix(self, data: st.DataObject, count: int) -> None:
        model, batch = self.model, self.batch()
        model.term += 1
        index = data.draw(st.integers(model.commit + 1, model.last))
        batch.truncate_from = index
        batch.entries = encode_entries(model.term, index, 0, [b"new"] * count)
        model.log = {i: entry for i, entry in model.log.items() if i < index}
        model.log.update(enumerate(batch.entries, index))
        self.write(batch)

    @rule(data=st.data(), rows=st.integers(1, 5))
    def commit_and_apply(self, data: st.DataObject, rows: int) -> None:
        model = self.model
        model.commit = data.draw(st.integers(model.commit, model.last))
        model.applied = data.draw(st.integers(model.applied, model.commit))
        for _ in range(rows):
            self.revision += 1
            key, row = row_key(self.revision), bytes(self.revision % 3_000)
            self.disk.rows.put(key, row)
            model.rows[key] = row
        self.disk.tables.put("lease", b"%d" % (self.revision % 7), b"%d" % self.revision)
        model.table[b"%d" % (self.revision % 7)] = b"%d" % self.revision
        self.write(self.batch())

    @precondition(lambda self: bool(self.model.rows))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        gone = data.draw(st.lists(st.sampled_from(sorted(self.model.rows)), unique=True))
        self.disk.rows.delete(gone)
        for key in gone:
            del self.model.rows[key]
        for key in list(self.model.table)[:1]:
            self.disk.tables.delete("lease", key)
            del self.model.table[key]
        self.write(self.batch())

    @precondition(lambda self: self.model.applied > self.model.start)
    @rule(data=st.data())
    def cut_log(self, data: st.DataObject) -> None:
        model, batch = self.model, self.batch()
        model.start = data.draw(st.integers(model.start + 1, model.applied))
        term = entry_term(model.log[model.start])
        batch.compact_to, batch.compact_term, batch.compact_membership = model.start, term, MEMBERS
        model.log = {i: entry for i, entry in model.log.items() if i > model.start}
        self.write(batch)

    @rule(revisions=st.sets(st.integers(1, 200), max_size=20), ahead=st.integers(1, 10))
    def install_snapshot(self, revisions: set[int], ahead: int) -> None:
        model, batch = self.model, self.batch()
        rows = [(row_key(revision), b"snapshot") for revision in sorted(revisions)]
        storage = self.disk.storage
        storage.stage_reset()
        storage.stage(rows[:10])
        storage.stage(rows[10:])
        storage.stage_tables({"lease": [(b"5", b"snapshot")]})
        index = model.last + ahead
        model.start = model.commit = model.applied = index
        model.log, model.rows, model.table = {}, dict(rows), {b"5": b"snapshot"}
        batch.compact_to, batch.compact_term, batch.compact_membership = index, 1, MEMBERS
        batch.install_staged = True
        self.revision = max(self.revision, 200)
        self.write(batch)
        self.disk.wait(storage._sequence)

    @rule()
    def wait(self) -> None:
        if self.disk.storage._sequence:
            self.disk.wait(self.disk.storage._sequence)

    @rule()
    def reopen(self) -> None:
        self.write(self.batch())
        self.disk.storage.close()
        self.disk = Disk(self.path, self.config)
        stored, model = self.disk.stored, self.model
        assert dict(enumerate(stored.entries, model.start + 1)) == model.log
        assert stored.hard_state == HardState(model.term, 1, model.commit)
        assert (stored.snapshot_index, stored.applied_index) == (model.start, model.applied)
        # A crash may bring deleted rows back; whoever deleted them knows which they are.
        returned = [key for key, _ in self.disk.rows.scan(b"", END, 9_999)]
        self.disk.rows.delete([key for key in returned if key not in self.model.rows])

    @invariant()
    def reads_match(self) -> None:
        assert not self.disk.failures
        assert dict(self.disk.rows.scan(b"", END, 9_999)) == self.model.rows
        assert self.disk.rows.get_many(list(self.model.rows)) == list(self.model.rows.values())
        assert dict(self.disk.tables.items("lease")) == self.model.table

    def teardown(self) -> None:  # type: ignore[explicit-override]  # typing has none in 3.11
        self.disk.storage.close()


@pytest.mark.slow
@pytest.mark.parametrize("where", ["on the thread", "in place"])
def test_the_disk_holds_what_the_model_holds(memory_path: Path, where: str) -> None:
    class Machine(StorageMachine):
        directory = memory_path
        config = StorageConfig(
            append_in_place_entries_max=-1 if where == "on the thread" else 100,
            append_in_place_milliseconds_max=1e9,
            log_file_bytes=20_000,
            save_interval_milliseconds=1,
            deletes_per_write_max=3,
            probe_before_open=False,
        )

    run_state_machine_as_test(Machine)
