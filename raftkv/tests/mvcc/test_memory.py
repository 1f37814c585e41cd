"""The ports in memory keep the promises of the ports."""

import pytest

from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.mvcc.revision import ROW_KEYS_END, row_key


def test_rows_are_read_in_order_and_only_within_the_bounds() -> None:
    rows = MemoryRows()
    for main in range(2, 12):
        rows.put(row_key(main, 0), b"%d" % main)
    rows.delete([row_key(4, 0), row_key(5, 0)])
    assert rows.get(row_key(4, 0)) is None
    assert rows.get_many([row_key(7, 0), row_key(3, 0)]) == [b"7", b"3"]
    found = rows.scan(row_key(3, 0), row_key(8, 0), 3)
    assert found == [(row_key(main, 0), b"%d" % main) for main in (3, 6, 7)]
    assert len(rows.scan(b"", ROW_KEYS_END, 100)) == 8


def test_a_row_can_only_be_added_at_the_end_even_if_the_last_is_removed() -> None:
    rows = MemoryRows()
    for main in range(2, 3_002):
        rows.put(row_key(main, 0), b"")
    rows.delete([row_key(main, 0) for main in range(2, 3_002)])
    with pytest.raises(AssertionError):
        rows.put(row_key(3_001, 0), b"")
    rows.put(row_key(3_002, 0), b"new")
    assert rows.scan(b"", ROW_KEYS_END, 9) == [(row_key(3_002, 0), b"new")]


def test_a_copy_of_rows_and_tables_goes_its_own_way() -> None:
    rows = MemoryRows({row_key(2, 0): b"a"})
    tables = MemoryTables()
    tables.put("meta", b"b", b"2")
    tables.put("meta", b"a", b"1")
    other_rows, other_tables = rows.copy(), tables.copy()
    other_rows.delete([row_key(2, 0)])
    other_tables.delete("meta", b"a")
    assert rows.get(row_key(2, 0)) == b"a"
    assert tables.get("meta", b"a") == b"1"
    assert list(tables.items("meta")) == [(b"a", b"1"), (b"b", b"2")]
    assert list(other_tables.items("meta")) == [(b"b", b"2")]
    assert list(other_tables.items("none")) == []
