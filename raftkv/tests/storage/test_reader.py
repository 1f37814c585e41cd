"""Reads see every put at once, wherever it is on its way to the disk."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raftkv.storage import DiskStorage
from raftkv.storage.overlay import Overlay
from raftkv.tests.storage.harness import Disk, batch_of, row_key

END = b"\xff" * 17
STEPS = st.lists(st.sampled_from(["put", "write", "wait", "delete"]), max_size=25)
SCANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 9)), max_size=4)


def write_applied(storage: DiskStorage) -> int:
    return storage.write(batch_of([]))


def test_a_row_is_seen_before_while_and_after_it_is_written(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        rows = disk.rows
        rows.put(row_key(1), b"one")
        assert rows.get(row_key(1)) == b"one"
        sequence = write_applied(disk.storage)
        assert rows.get(row_key(1)) == b"one"
        rows.put(row_key(2), b"two")
        disk.wait(sequence)
        assert rows.get(row_key(1)) == b"one"
        assert rows.get(row_key(2)) == b"two"
        assert rows.get(row_key(3)) is None
    with Disk(tmp_path) as disk:
        assert disk.rows.get(row_key(1)) == b"one"
        assert disk.rows.get(row_key(2)) is None, "it was never part of a write"


def test_a_row_stays_readable_when_only_an_earlier_write_is_durable() -> None:
    overlay = Overlay()
    for sequence in (1, 2):
        overlay.current.rows[row_key(sequence)] = b"row %d" % sequence
        overlay.seal(sequence)
    overlay.release(1, 0)
    assert overlay.fresh == {row_key(2): b"row 2"}
    overlay.release(2, 0)
    assert overlay.fresh == {}


def test_a_table_shows_the_newest_change_until_that_is_stored() -> None:
    overlay = Overlay()
    for sequence, value in ((1, b"one"), (2, None), (3, b"three")):
        overlay.current.tables["lease"] = {b"key": value, b"%d" % sequence: value}
        overlay.seal(sequence)
    for stored in (0, 1, 2):
        overlay.release(stored, 0)
        assert overlay.table_value("lease", b"key") == (True, b"three")
    assert overlay.table_value("lease", b"2") == (False, None)
    overlay.release(3, 0)
    assert overlay.table_value("lease", b"key") == (False, None)
    assert overlay.table_values("lease") == {}


def test_many_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        for revision in range(1, 11):
            disk.rows.put(row_key(revision), b"row %d" % revision)
            if revision == 4:
                disk.wait(write_applied(disk.storage))
            if revision == 8:
                write_applied(disk.storage)
        for asked in ([9, 2, 7, 1, 10], [3], [6, 5], list(range(1, 11))):
            wanted = [b"row %d" % revision for revision in asked]
            assert disk.rows.get_many([row_key(revision) for revision in asked]) == wanted


def test_a_row_that_must_exist_and_does_not_is_our_mistake(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(1), b"one")
        for asked in ([1, 2], [1, 2, 3, 4, 5]):
            with pytest.raises(AssertionError, match="row 00000000000000025f0000"):
                disk.rows.get_many([row_key(revision) for revision in asked])


def test_an_empty_row_is_a_row(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(1), b"")
        assert disk.rows.get(row_key(1)) == b""
        disk.wait(write_applied(disk.storage))
        assert disk.rows.get(row_key(1)) == b""


@given(steps=STEPS, scans=SCANS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scans_and_gets_match_a_dict(
    memory_path: Path, steps: list[str], scans: list[tuple[int, int, int]]
) -> None:
    expected: dict[bytes, bytes] = {}
    with Disk(Path(tempfile.mkdtemp(dir=memory_path))) as disk:
        last = 0
        for number, step in enumerate(steps, start=1):
            if step == "put":
                disk.rows.put(row_key(number), b"%d" % number)
                expected[row_key(number)] = b"%d" % number
            elif step == "write":
                last = write_applied(disk.storage)
            elif step == "wait" and last:
                disk.wait(last)
            elif step == "delete" and expected:
                gone = list(expected)[:: max(len(expected) // 2, 1)]
                disk.rows.delete(gone)
                for key in gone:
                    del expected[key]
            for start, stop, count in [*scans, (0, 1 << 60, 100)]:
                wanted = [i for i in expected.items() if row_key(start) <= i[0] < row_key(stop)]
                assert disk.rows.scan(row_key(start), row_key(stop), count) == wanted[:count]
            for revision in range(number + 2):
                assert disk.rows.get(row_key(revision)) == expected.get(row_key(revision))
            assert disk.rows.get_many(list(expected)) == list(expected.values())


def test_a_scan_over_deleted_rows_goes_on_until_it_has_enough(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        for revision in range(1, 1_001):
            disk.rows.put(row_key(revision), b"row")
        disk.wait(write_applied(disk.storage))
        disk.rows.delete([row_key(revision) for revision in range(1, 900)])
        found = disk.rows.scan(row_key(0), END, 50)
        assert [key for key, _ in found] == [row_key(revision) for revision in range(900, 950)]


def test_deleted_rows_stay_hidden_until_the_disk_has_given_them_up(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        for revision in range(1, 3_001):
            disk.rows.put(row_key(revision), b"row")
        disk.wait(write_applied(disk.storage))
        disk.rows.delete([row_key(revision) for revision in range(1, 2_501)])
        disk.wait(write_applied(disk.storage))
        overlay = disk.storage._view.overlay
        while overlay.deleted:
            assert disk.rows.get(row_key(2_500)) is None
            assert disk.rows.scan(row_key(0), END, 1)[0][0] == row_key(2_501)
            disk.scheduled.get(timeout=30)()
        assert disk.rows.scan(row_key(0), END, 1)[0][0] == row_key(2_501)
    with Disk(tmp_path) as disk:
        assert len(disk.rows.scan(row_key(0), END, 9_999)) == 500


def test_tables_see_their_own_puts_and_deletes(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        tables = disk.tables
        tables.put("lease", b"a", b"1")
        tables.put("lease", b"b", b"2")
        tables.put("alarm", b"a", b"other")
        sequence = write_applied(disk.storage)
        tables.delete("lease", b"a")
        tables.put("lease", b"c", b"3")
        tables.delete("lease", b"never there")
        for _ in range(2):
            assert tables.get("lease", b"a") is None
            assert tables.get("lease", b"b") == b"2"
            assert list(tables.items("lease")) == [(b"b", b"2"), (b"c", b"3")]
            assert list(tables.items("alarm")) == [(b"a", b"other")]
            disk.wait(sequence)
            sequence = write_applied(disk.storage)
    with Disk(tmp_path) as disk:
        assert list(disk.tables.items("lease")) == [(b"b", b"2"), (b"c", b"3")]


def test_items_of_a_large_table_may_be_taken_up_again_later(tmp_path: Path) -> None:
    keys = [number.to_bytes(4, "big") for number in range(3_500)]
    with Disk(tmp_path) as disk:
        for key in keys[::2]:
            disk.tables.put("lease_key", key, key)
        disk.wait_stored(write_applied(disk.storage))
        for key in keys[1::2]:
            disk.tables.put("lease_key", key, key)
        items = disk.tables.items("lease_key")
        found = [next(items) for _ in range(10)]
        disk.wait(write_applied(disk.storage))
        disk.tables.delete("lease_key", keys[-1])
        found += items
        assert found == [(key, key) for key in keys[:-1]]
