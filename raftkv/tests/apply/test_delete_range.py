"""DeleteRange: which keys it takes, and what it leaves behind."""

import pytest

from raftkv.apply.state import StateMachine
from raftkv.mvcc.record import is_tombstone
from raftkv.mvcc.revision import ROW_KEYS_END, first_row_key
from raftkv.tests.apply.given import a_state, delete, get, grant, keys_of, put

KEYS = (b"a", b"a\0", b"ab", b"b", b"c")


def filled() -> StateMachine:
    state = a_state()
    for key in KEYS:
        put(state, key, key)
    return state


@pytest.mark.parametrize(
    ("key", "range_end", "deleted"),
    [
        (b"a", b"", [b"a"]),
        (b"x", b"", []),
        (b"a", b"b", [b"a", b"a\0", b"ab"]),
        (b"ab", b"\0", [b"ab", b"b", b"c"]),
        (b"\0", b"\0", list(KEYS)),
        (b"b", b"a", []),
        (b"b", b"b", []),
    ],
    ids=["one", "none", "prefix", "from a key on", "all", "backwards", "empty range"],
)
def test_the_range_rules_are_those_of_a_read(
    key: bytes, range_end: bytes, deleted: list[bytes]
) -> None:
    state = filled()
    before = get(state, key, range_end)[1]
    revision, answer = delete(state, key, range_end, prev_kv=True)
    assert answer.deleted == len(deleted)
    assert list(answer.prev_kvs) == list(before.kvs)
    assert revision == (7 if deleted else 6)
    assert keys_of(get(state, b"\0", b"\0")) == [left for left in KEYS if left not in deleted]


def test_all_tombstones_share_a_revision_in_the_order_of_their_keys() -> None:
    state = filled()
    revision, _ = delete(state, b"a", b"b")
    rows = state.store.scan(first_row_key(revision), ROW_KEYS_END, 10)
    assert len(rows) == 3
    assert all(is_tombstone(row) for _, row in rows)
    assert rows == sorted(rows)


def test_previous_rows_come_only_when_asked_for() -> None:
    assert not delete(filled(), b"\0", b"\0")[1].prev_kvs


def test_a_deleted_key_leaves_its_lease() -> None:
    state = a_state()
    grant(state, 7)
    put(state, b"a", lease=7)
    put(state, b"b", lease=7)
    delete(state, b"a")
    assert state.lessor.keys(7) == [b"b"]
