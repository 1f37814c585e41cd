"""What the store costs: memory a key, work for the garbage collector, long histories."""

import gc
import tracemalloc
from random import Random

import pytest
from typing_extensions import override

from raftkv.mvcc import compaction
from raftkv.mvcc.memory import MemoryRows
from raftkv.mvcc.sorted_keys import CHUNK_KEYS_MAX
from raftkv.mvcc.store import Store


class NoRows(MemoryRows):
    """Forgets every row, so that only the store's own memory is counted."""

    @override
    def put(self, key: bytes, row: bytes) -> None:
        pass


def put(store: Store, key: bytes, value: bytes = b"") -> None:
    transaction = store.begin()
    transaction.put(key, value, 0)
    transaction.end()


def test_keys_give_the_garbage_collector_next_to_nothing_to_visit() -> None:
    store = Store(NoRows())
    random = Random(1)
    keys = [random.randbytes(16) for _ in range(20_000)]
    gc.collect()
    before = len(gc.get_objects())
    for key in keys:
        put(store, key)
    for key in keys[::2]:
        put(store, key)
    gc.collect()
    assert len(gc.get_objects()) - before <= 3 * len(keys) / CHUNK_KEYS_MAX
    assert not gc.is_tracked(store.index._histories)


@pytest.mark.slow
def test_a_hundred_thousand_keys_take_no_more_than_200_bytes_each_with_the_key() -> None:
    store = Store(NoRows())
    random = Random(1)
    keys = 100_000
    tracemalloc.start()
    try:
        for _ in range(keys):
            put(store, random.randbytes(16))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / keys <= 200


@pytest.mark.slow
def test_a_key_with_many_revisions_costs_no_more_a_revision_than_another() -> None:
    """With a cost that grew with the history this would take hours."""
    store = Store(MemoryRows())
    revisions = 300_000
    for _ in range(revisions):
        put(store, b"hot")
    assert store.row_at(b"hot", revisions // 2) is not None
    history = store.index._histories[b"hot"]
    assert len(history) == revisions * 17 + 16
    compaction.compact(store, revisions)
    while compaction.step(store, 1_000):
        pass
    assert len(store.index._histories[b"hot"]) == 2 * 17 + 16
    assert len(store.garbage._superseded) == 25
