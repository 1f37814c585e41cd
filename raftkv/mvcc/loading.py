"""Building a store's memory from its stored rows, in pieces that do not hold up anything else."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from raftkv.mvcc.record import index_fields
from raftkv.mvcc.revision import ROW_KEYS_END, main_of
from raftkv.mvcc.store import Store

ROWS_PER_STEP = 256
"""Rows taken in between two pauses: less than a millisecond."""

SetLease: TypeAlias = Callable[[bytes, int], None]
"""Told (key, lease id) for each row in order; 0 for no lease."""


def load_steps(store: Store, set_lease: SetLease) -> Iterator[None]:
    """Takes in every row of the store's row store, pausing after each `ROWS_PER_STEP` of them."""
    start = b""
    while pairs := store.rows.scan(start, ROW_KEYS_END, ROWS_PER_STEP):
        load_rows(store, pairs, set_lease)
        start = pairs[-1][0] + b"\x00"
        yield


def load_rows(store: Store, pairs: list[tuple[bytes, bytes]], set_lease: SetLease) -> None:
    """Takes in (row key, row) pairs, all of them newer than those before."""
    if not pairs:
        return
    index = store.index
    garbage = store.garbage
    row_bytes = 0
    for row_key, row in pairs:
        key, create_revision, version, lease = index_fields(row)
        if version:
            previous = index.restore_put(key, row_key, create_revision, version)
        else:
            previous = index.restore_tombstone(key, row_key)
            garbage.tombstone(row_key)
        if previous is not None:
            garbage.superseded(previous, row_key)
        set_lease(key, lease)
        row_bytes += len(row)
    store.row_bytes += row_bytes
    store.revision = main_of(pairs[-1][0])


def loaded(store: Store, compact_revision: int, rolling_hash: int) -> None:
    """Ends loading, with what the rows do not tell."""
    store.compact_revision = compact_revision
    store.rolling_hash = rolling_hash
    store.index.restored(store.revision)
