"""The hash of all rows up to a revision: equal on members that compacted to the same revision.

Rows that a compaction has given up do not count, whether or not they are removed yet. The work is
done in slices; between two of them the store goes on, which changes nothing at or below the
revision. Only a compaction does, and then the work begins again.
"""

from zlib import crc32

from raftkv.mvcc import record
from raftkv.mvcc.revision import first_row_key, main_of
from raftkv.mvcc.store import Store

ROWS_PER_STEP = 256
"""Rows hashed in one slice: less than a millisecond."""


class KeyValueHash:
    """Hashes the rows of `store` at and before `revision`."""

    def __init__(self, store: Store, revision: int) -> None:
        self.store = store
        self.revision = revision
        self._begin()

    def _begin(self) -> None:
        self.compact_revision = self.store.compact_revision
        self.hash = 0
        self._cursor = first_row_key(0)

    @property
    def is_readable(self) -> bool:
        """Whether the revision was not compacted meanwhile."""
        return self.revision >= self.store.compact_revision

    def step(self) -> bool:
        """Hashes some rows; True while there are more."""
        store = self.store
        if store.compact_revision != self.compact_revision:
            self._begin()
        pairs = store.scan(self._cursor, first_row_key(self.revision + 1), ROWS_PER_STEP)
        value = self.hash
        for row_key, row in pairs:
            if main_of(row_key) > self.compact_revision or self._is_kept(row_key, row):
                value = crc32(row, crc32(row_key, value))
        self.hash = value
        if len(pairs) < ROWS_PER_STEP:
            return False
        self._cursor = pairs[-1][0] + b"\x00"
        return True

    def _is_kept(self, row_key: bytes, row: bytes) -> bool:
        return self.store.index.keeps(record.key_of(row), row_key, self.compact_revision)
