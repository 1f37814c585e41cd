"""The log that a member finds is the one it wrote, or it does not start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage import StorageError, schema
from raftkv.tests.storage.harness import MEMBERS, Disk, batch_of, entries


@contextmanager
def the_log(path: Path) -> Iterator["lmdb.Cursor[bytes]"]:
    """The log's table, past everything that guards it."""
    environment = lmdb.open(str(path), map_size=1 << 30, max_dbs=64)
    log = environment.open_db(schema.LOG)
    with environment.begin(write=True) as txn:
        yield txn.cursor(log)
    environment.close()


def stored_indexes(path: Path) -> list[int]:
    with the_log(path) as cursor:
        return [schema.INDEX.unpack(key)[0] for key, _ in cursor]


def test_entries_and_hard_state_are_there_after_a_restart(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3), commit=1))
        disk.write(batch_of(entries(4, 2), commit=4, applied=2))
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 5)
        assert disk.stored.hard_state == HardState(1, 1, 4)
        assert (disk.stored.applied_index, disk.stored.applied_term) == (2, 1)
        assert disk.stored.snapshot_index == 0


def test_a_conflicting_suffix_goes_before_the_append(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5), commit=2))
        batch = batch_of(entries(3, 1, term=2), commit=2, term=2)
        batch.truncate_from = 3
        disk.write(batch)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 2) + entries(3, 1, term=2)


def test_writes_that_wait_together_become_one_and_keep_their_meaning(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        storage = disk.storage
        last = storage.write(batch_of(entries(1, 5)))
        for term, first, count in ((2, 4, 3), (3, 6, 1), (4, 2, 2), (5, 4, 0)):
            batch = batch_of(entries(first, count, term), term=term)
            batch.truncate_from = first
            last = storage.write(batch)
        disk.wait(last)
        assert storage.statistics.count < 5
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1) + entries(2, 2, term=4)
        assert disk.stored.hard_state == HardState(5, 1, 0)


def test_the_cut_off_beginning_goes_a_few_entries_a_write(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3_000), commit=3_000, applied=3_000))
        cut = batch_of([], commit=3_000, applied=3_000)
        cut.compact_to, cut.compact_term, cut.compact_membership = 2_500, 1, MEMBERS
        disk.write(cut)
    indexes = stored_indexes(tmp_path)
    assert 2 <= indexes[0] <= 1_001, "at most a thousand in one write"
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(2_501, 500)
        assert disk.stored.membership == MEMBERS
        assert (disk.stored.snapshot_index, disk.stored.snapshot_term) == (2_500, 1)
        for index in range(3_001, 3_011):
            disk.write(batch_of(entries(index, 1), commit=3_000, applied=3_000))
    assert stored_indexes(tmp_path) == list(range(2_501, 3_011))


def test_an_idle_writer_removes_the_rest_on_its_own(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5_000), commit=5_000, applied=5_000))
        cut = batch_of([], commit=5_000, applied=5_000)
        cut.compact_to, cut.compact_term, cut.compact_membership = 5_000, 1, MEMBERS
        disk.write(cut)
        while disk.storage._loaded._filler.cleaner.is_due:
            disk.scheduled.get(timeout=30)()
    assert stored_indexes(tmp_path) == []
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == []
        disk.write(batch_of(entries(5_001, 1), commit=5_000, applied=5_000))


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5)))
    with the_log(tmp_path) as cursor:
        assert cursor.set_key(schema.INDEX.pack(3))
        cursor.put(cursor.key(), cursor.value()[:-1] + b"?")
    with pytest.raises(StorageError, match=r"data.mdb is damaged: entry 3: checksum does not"):
        Disk(tmp_path)


def test_a_missing_entry_is_named(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5)))
    with the_log(tmp_path) as cursor:
        cursor.pop(schema.INDEX.pack(2))
    with pytest.raises(StorageError, match=r"data.mdb is damaged: entry 2 is missing"):
        Disk(tmp_path)


def test_a_log_that_lost_committed_entries_is_refused(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5), commit=5))
    with the_log(tmp_path) as cursor:
        cursor.pop(schema.INDEX.pack(5))
    with pytest.raises(StorageError, match="ends at entry 4, the commit index is 5"):
        Disk(tmp_path)


def test_a_gap_in_a_write_is_our_mistake_and_stops_the_member(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.wait(disk.storage.write(batch_of(entries(2, 1))))
        assert "entry 2 after entry 0" in disk.failures[0]


def test_committed_entries_are_never_truncated(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5), commit=4))
        disk.wait(disk.storage.write(WriteBatch(HardState(2, 0, 4), truncate_from=4)))
        assert "truncation from 4, commit index 4" in disk.failures[0]
