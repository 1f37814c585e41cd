"""What a compaction gives up, what it keeps, and how its rows go."""

import pytest

from raftkv.mvcc import compaction, loading
from raftkv.mvcc.memory import MemoryRows
from raftkv.mvcc.record import decode
from raftkv.mvcc.revision import ROW_KEYS_END, row_key
from raftkv.mvcc.store import Store

PUT, DELETE = "put", "delete"


def store_of(*changes: tuple[str, bytes]) -> Store:
    """A store with one change a revision, from revision 2 on; a value tells its revision."""
    store = Store(MemoryRows())
    for verb, key in changes:
        transaction = store.begin()
        if verb == PUT:
            transaction.put(key, b"%d" % transaction.main, 0)
        else:
            transaction.delete(key)
        transaction.end()
    return store


def stored(store: Store) -> list[tuple[bytes, int]]:
    rows = store.scan(b"", ROW_KEYS_END, 1_000)
    return [(fields.key, fields.mod_revision) for fields in (decode(row) for _, row in rows)]


def remove_all(store: Store) -> None:
    while compaction.step(store, 1):
        pass


LIFE = ((PUT, b"a"), (PUT, b"a"), (DELETE, b"a"), (PUT, b"a"), (DELETE, b"a"), (PUT, b"b"))
"""a: put at 2 and 3, deleted at 4, put at 5, deleted at 6; b: put at 7."""


@pytest.mark.parametrize(
    ("compact_revision", "kept"),
    [
        (1, [2, 3, 4, 5, 6, 7]),
        (2, [2, 3, 4, 5, 6, 7]),
        (3, [3, 4, 5, 6, 7]),
        (4, [4, 5, 6, 7]),
        (5, [5, 6, 7]),
        (6, [6, 7]),
        (7, [7]),
    ],
)
def test_each_key_keeps_its_newest_row_and_tombstones_only_at_the_revision_itself(
    compact_revision: int, kept: list[int]
) -> None:
    store = store_of(*LIFE)
    compaction.compact(store, compact_revision)
    remove_all(store)
    assert [main for _, main in stored(store)] == kept
    assert store.row_bytes == sum(len(row) for _, row in store.scan(b"", ROW_KEYS_END, 100))


@pytest.mark.parametrize("compact_revision", range(1, 8))
def test_what_is_read_at_and_after_the_compact_revision_does_not_change(
    compact_revision: int,
) -> None:
    store, untouched = store_of(*LIFE), store_of(*LIFE)
    compaction.compact(store, compact_revision)
    for _ in range(10):
        for revision in range(compact_revision, 8):
            for key in (b"a", b"b"):
                assert store.row_at(key, revision) == untouched.row_at(key, revision)
                assert store.index.numbers(key) == untouched.index.numbers(key)
        compaction.step(store, 1)


def test_the_row_before_the_compact_revision_can_not_be_asked_for() -> None:
    store = store_of((PUT, b"a"), (PUT, b"a"), (PUT, b"a"))
    compaction.compact(store, 3)
    assert store.previous_row(b"a", 3) is None
    assert store.previous_row(b"a", 4) == store.row_at(b"a", 3)
    assert store.previous_row(b"b", 4) is None


def test_a_deleted_key_is_forgotten_with_its_tombstone() -> None:
    store = store_of((PUT, b"a"), (DELETE, b"a"), (PUT, b"b"))
    compaction.compact(store, 3)
    remove_all(store)
    assert b"a" in store.index._histories
    compaction.compact(store, 4)
    remove_all(store)
    assert set(store.index._histories) == {b"b"}
    assert len(store.index._dead) == 0


def test_a_step_removes_no_more_than_it_may_and_says_whether_there_is_more() -> None:
    store = store_of(*[(PUT, b"a")] * 10)
    compaction.compact(store, 11)
    assert compaction.is_pending(store)
    assert compaction.step(store, 4)
    assert len(stored(store)) == 6
    assert compaction.step(store, 4)
    assert not compaction.step(store, 4)
    assert stored(store) == [(b"a", 11)]
    assert not compaction.is_pending(store)


def test_without_garbage_there_is_nothing_to_do() -> None:
    store = store_of((PUT, b"a"), (PUT, b"b"))
    assert not compaction.step(store, 100)
    compaction.compact(store, 3)
    assert not compaction.is_pending(store)
    assert not compaction.step(store, 100)


def test_a_deleted_key_never_comes_back_if_a_crash_keeps_only_some_of_the_removals() -> None:
    changes = [(PUT, b"a"), (PUT, b"b"), (DELETE, b"a"), (PUT, b"b"), (DELETE, b"b"), (PUT, b"c")]
    reference = store_of(*changes)
    compaction.compact(reference, 7)
    removals = 0
    while compaction.step(reference, 1):
        removals += 1
    for survived in range(removals + 2):
        store = store_of(*changes)
        compaction.compact(store, 7)
        for _ in range(survived):
            compaction.step(store, 1)
        reloaded = Store(store.rows)
        for _ in loading.load_steps(reloaded, lambda _key, _lease: None):
            pass
        loading.loaded(reloaded, 7, store.rolling_hash)
        assert [reloaded.exists(key) for key in (b"a", b"b", b"c")] == [False, False, True]
        remove_all(reloaded)
        assert stored(reloaded) == stored(reference)


def test_a_store_can_be_compacted_again_while_the_last_compaction_still_removes() -> None:
    store = store_of(*LIFE)
    compaction.compact(store, 4)
    compaction.step(store, 1)
    compaction.compact(store, 7)
    remove_all(store)
    assert stored(store) == [(b"b", 7)]


def test_compacting_backwards_or_into_the_future_is_our_mistake() -> None:
    store = store_of((PUT, b"a"), (PUT, b"a"))
    with pytest.raises(AssertionError):
        compaction.compact(store, 4)
    compaction.compact(store, 3)
    with pytest.raises(AssertionError):
        compaction.compact(store, 3)


def test_a_row_key_s_separator_is_not_the_tombstone_s_mark() -> None:
    store = store_of((PUT, b"a"), (DELETE, b"a"))
    assert [key for key, _ in store.scan(b"", ROW_KEYS_END, 9)] == [row_key(2, 0), row_key(3, 0)]
