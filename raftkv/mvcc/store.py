"""The multi-version store: every change of every key by revision, back to the compact revision.

Rows live in a row store (`ports.py`) and never change; the key index in memory says which of them
is whose. Nothing here knows a disk, a clock, a lease or a request.
"""

from typing import TypeAlias
from zlib import crc32

from raftkv.mvcc.counts import Counts
from raftkv.mvcc.garbage import Garbage
from raftkv.mvcc.index import KeyIndex
from raftkv.mvcc.ports import Rows
from raftkv.mvcc.record import encode, encode_tombstone
from raftkv.mvcc.revision import FIRST_REVISION, NOT_COMPACTED, row_key

Change: TypeAlias = tuple[bytes, bytes, bytes, bytes | None]
"""(key, row key, row, row key of the row before); the last is None where the key did not exist."""


class Store:
    """Revisions, the key index and the rows.

    Invariants: `compact_revision <= revision`; the newest row's main revision is `revision`, unless
    nothing was ever written.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.revision = FIRST_REVISION
        """The main revision of the newest transaction."""
        self.compact_revision = NOT_COMPACTED
        """Older revisions can't be read any more; this one can."""
        self.row_bytes = 0
        """The bytes of all stored rows; what is compacted counts until it is removed."""
        self.rolling_hash = 0
        """A CRC chained over every row ever written; what compaction removes stays in it."""
        self.index = KeyIndex()
        self.garbage = Garbage()
        self.counts = Counts()

    @property
    def key_count(self) -> int:
        """How many keys exist now."""
        return len(self.index.live)

    def begin(self, *, record_changes: bool = False) -> "WriteTransaction":
        """Opens a write transaction; there may be only one, and `end` must follow."""
        return WriteTransaction(self, record_changes=record_changes)

    def chain(self, data: bytes) -> None:
        """Adds what is not a row, but must be alike on every member, to the rolling hash."""
        self.rolling_hash = crc32(data, self.rolling_hash)

    def exists(self, key: bytes) -> bool:
        """Whether a key exists now."""
        return self.index.exists(key)

    def row(self, key: bytes) -> bytes | None:
        """The newest row of a key; None if the key does not exist."""
        found = self.index.find(key)
        return None if found is None else self.rows.get(found)

    def row_at(self, key: bytes, revision: int) -> bytes | None:
        """The row of a key as of a revision that is not compacted."""
        found = self.index.find_at(key, revision)
        return None if found is None else self.rows.get(found)

    def previous_row(self, key: bytes, main_revision: int) -> bytes | None:
        """The row of `key` just before `main_revision`; None if there was none that can be read."""
        if main_revision - 1 < self.compact_revision:
            return None
        return self.row_at(key, main_revision - 1)

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        """Up to `rows_max` (row key, row) pairs with start <= row key < stop, in revision order."""
        return self.rows.scan(start, stop, rows_max)


class WriteTransaction:
    """Changes that share one main revision, each visible to reads as soon as it is made.

    There is no way back: whoever opens a transaction has checked everything that could fail.
    """

    __slots__ = ("_store", "_sub", "changes", "main")

    def __init__(self, store: Store, *, record_changes: bool) -> None:
        self._store = store
        self._sub = 0
        self.main = store.revision + 1
        """The revision of the changes made."""
        self.changes: list[Change] | None = [] if record_changes else None
        """The changes made, in order, if they are recorded."""

    @property
    def revision(self) -> int:
        """The newest revision as seen from within."""
        return self.main if self._sub else self.main - 1

    def put(self, key: bytes, value: bytes, lease: int) -> None:
        """Sets a key."""
        store = self._store
        main = self.main
        place = row_key(main, self._sub)
        self._sub += 1
        create_revision, version, previous = store.index.put(key, place, main)
        if previous is not None:
            store.garbage.superseded(previous, place)
        row = encode(key, create_revision, main, version, value, lease)
        store.rows.put(place, row)
        store.rolling_hash = crc32(row, store.rolling_hash)
        store.row_bytes += len(row)
        if self.changes is not None:
            self.changes.append((key, place, row, previous))

    def delete(self, key: bytes) -> None:
        """Deletes a key that exists."""
        store = self._store
        main = self.main
        place = row_key(main, self._sub)
        self._sub += 1
        previous = store.index.delete(key, place, main)
        store.garbage.superseded(previous, place)
        store.garbage.tombstone(place)
        row = encode_tombstone(key, main)
        store.rows.put(place, row)
        store.rolling_hash = crc32(row, store.rolling_hash)
        store.row_bytes += len(row)
        if self.changes is not None:
            self.changes.append((key, place, row, previous))

    def end(self) -> int:
        """Closes the transaction and returns the store's revision, which moves on with a change."""
        store = self._store
        if self._sub:
            store.revision = self.main
        return store.revision
