"""HashKV: one number for everything that can be read of a store up to a revision.

Two members that agree on the revision and on the compact revision agree on the hash, however far
each of them has come with removing what was compacted. Unlike the rolling hash it is computed from
the stored rows, so it also sees a row that has rotted.
"""

from collections.abc import Generator
from typing import NamedTuple
from zlib import crc32

from raftkv.mvcc.record import key_of
from raftkv.mvcc.revision import first_row_key
from raftkv.mvcc.store import Store

ROWS_PER_STEP = 256
"""Rows hashed in between two pauses."""


class StoreHash(NamedTuple):
    """What HashKV answers."""

    hash: int
    compact_revision: int
    """The compact revision that the hash was computed at."""
    revision: int
    """The revision up to which rows were hashed."""


def hash_steps(store: Store, revision: int) -> Generator[None, None, StoreHash | None]:
    """Hashes the rows up to `revision`, pausing after each `ROWS_PER_STEP` of them.

    The store may change between the steps. A compaction makes it start again; the result is None
    when the revision itself was compacted away meanwhile.
    """
    while revision >= store.compact_revision:
        compact_revision = store.compact_revision
        found = yield from _hash_at(store, revision, compact_revision)
        if found is not None:
            return StoreHash(found, compact_revision, revision)
    return None


def _hash_at(
    store: Store, revision: int, compact_revision: int
) -> Generator[None, None, int | None]:
    """The hash, or None if the store was compacted before it was done."""
    result = 0
    start = b""
    stop = first_row_key(revision + 1)
    kept_from = first_row_key(max(compact_revision, 0) + 1)
    keeps = store.index.keeps
    while pairs := store.scan(start, stop, ROWS_PER_STEP):
        for row_key, row in pairs:
            if row_key >= kept_from or keeps(key_of(row), row_key, compact_revision):
                result = crc32(row, crc32(row_key, result))
        start = pairs[-1][0] + b"\x00"
        yield
        if store.compact_revision != compact_revision:
            return None
    return result


def hash_now(store: Store, revision: int) -> StoreHash | None:
    """The same in one piece; for small stores."""
    steps = hash_steps(store, revision)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: StoreHash | None = end.value
            return result
