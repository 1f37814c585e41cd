"""HashKV: what it depends on, and what not."""

from collections.abc import Callable, Generator

from raftkv.mvcc import compaction
from raftkv.mvcc import hash as store_hash
from raftkv.mvcc.hash import StoreHash, hash_now, hash_steps
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


def run(
    steps: Generator[None, None, StoreHash | None], between: Callable[[], object] = lambda: None
) -> StoreHash | None:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: StoreHash | None = end.value
            return result
        between()


def test_stores_with_the_same_rows_have_the_same_hash() -> None:
    assert hash_now(store_of(10), 11) == hash_now(store_of(10), 11)
    assert hash_now(store_of(10), 11) != hash_now(store_of(10, 2), 11 + 10)


def test_an_earlier_revision_is_hashed_as_it_was() -> None:
    assert hash_now(store_of(10, 3), 11) == hash_now(store_of(10), 11)


def test_a_rotten_row_changes_the_hash() -> None:
    store = store_of(3)
    before = hash_now(store, 4)
    rows = store.rows
    assert isinstance(rows, MemoryRows)
    key = next(iter(rows.by_key))
    rows.by_key[key] = rows.by_key[key][:-1] + b"?"
    assert hash_now(store, 4) != before


def test_it_pauses_after_some_rows_and_writes_in_between_do_not_count() -> None:
    store = store_of(3 * store_hash.ROWS_PER_STEP)
    revision = store.revision
    expected = hash_now(store, revision)
    steps = hash_steps(store, revision)
    pauses = 0

    def write() -> None:
        nonlocal pauses
        pauses += 1
        transaction = store.begin()
        transaction.put(b"other", b"", 0)
        transaction.end()

    assert run(steps, write) == expected
    assert pauses >= 3


def test_a_compaction_in_between_starts_it_again() -> None:
    store = store_of(store_hash.ROWS_PER_STEP, 2)
    revision = store.revision
    steps = hash_steps(store, revision)
    next(steps)
    compaction.compact(store, revision - 1)
    compaction.step(store, 10)
    result = run(steps)
    assert result == hash_now(store, revision)
    assert result is not None
    assert result.compact_revision == revision - 1


def test_a_revision_that_is_compacted_away_has_no_hash() -> None:
    store = store_of(store_hash.ROWS_PER_STEP, 2)
    steps = hash_steps(store, 5)
    next(steps)
    compaction.compact(store, 6)
    assert run(steps) is None
