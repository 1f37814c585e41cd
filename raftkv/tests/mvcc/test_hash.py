"""HashKV: what it depends on, and what not."""

from raftkv.mvcc import compaction, hash as store_hash
from raftkv.mvcc.hash import hash_now, hash_steps
from raftkv.mvcc.memory import MemoryRows
from raftkv.mvcc.store import Store


def store_of(keys: int, rounds: int = 1) -> Store:
    store = Store(MemoryRows())
    for _ in range(rounds):
        for number in range(keys):
            transaction = store.begin()
            transaction.put(b"%d" % number, b"value", 0)
            transaction.end()
    return store


def test_stores_with_the_same_rows_have_the_same_hash() -> None:
    assert hash_now(store_of(10), 11) == hash_now(store_of(10), 11)
    assert hash_now(store_of(10), 11).hash != hash_now(store_of(10, 2), 21).hash


def test_an_earlier_revision_is_hashed_as_it_was() -> None:
    assert hash_now(store_of(10, 3), 11) == hash_now(store_of(10), 11)


def test_a_rotten_row_changes_the_hash() -> None:
    store = store_of(3)
    before = hash_now(store, 4)
    key = next(iter(store.rows.by_key))
    store.rows.by_key[key] = store.rows.by_key[key][:-1] + b"?"
    assert hash_now(store, 4).hash != before.hash


def test_it_pauses_after_some_rows_and_writes_in_between_do_not_count() -> None:
    store = store_of(3 * store_hash.ROWS_PER_STEP)
    revision = store.revision
    expected = hash_now(store, revision)
    steps = hash_steps(store, revision)
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            assert end.value == expected
            break
        pauses += 1
        transaction = store.begin()
        transaction.put(b"other", b"", 0)
        transaction.end()
    assert pauses >= 3


def test_a_compaction_in_between_starts_it_again() -> None:
    store = store_of(store_hash.ROWS_PER_STEP, 2)
    revision = store.revision
    steps = hash_steps(store, revision)
    next(steps)
    compaction.compact(store, revision - 1)
    compaction.step(store, 10)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result = end.value
    assert result == hash_now(store, revision)
    assert result.compact_revision == revision - 1


def test_a_revision_that_is_compacted_away_has_no_hash() -> None:
    store = store_of(store_hash.ROWS_PER_STEP, 2)
    steps = hash_steps(store, 5)
    next(steps)
    compaction.compact(store, 6)
    try:
        next(steps)
    except StopIteration as end:
        assert end.value is None
