"""Giving up history: at once for readers, row by row on the disk."""

from raftkv.mvcc.record import key_of
from raftkv.mvcc.store import Store


def compact(store: Store, revision: int) -> None:
    """Gives up what only readers before `revision` can see.

    Each key keeps its newest row at or before it, unless that is a tombstone before it. The rows go
    later, by `step`, which no reader can tell.
    """
    assert store.compact_revision < revision <= store.revision, (
        f"compaction at {revision}; compacted {store.compact_revision}, newest {store.revision}"
    )
    store.compact_revision = revision


def is_pending(store: Store) -> bool:
    """Whether rows that were given up are still stored."""
    return store.garbage.is_due(store.compact_revision)


def step(store: Store, rows_max: int) -> bool:
    """Removes up to `rows_max` rows that were given up; True while there are more."""
    row_keys = store.garbage.take(store.compact_revision, rows_max)
    if not row_keys:
        return False
    rows = store.rows.get_many(row_keys)
    for key in dict.fromkeys(map(key_of, rows)):
        store.index.trim(key, store.compact_revision)
    store.row_bytes -= sum(map(len, rows))
    store.rows.delete(row_keys)
    store.counts.rows_removed += len(row_keys)
    return is_pending(store)
