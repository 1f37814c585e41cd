"""Reads of the replicated state: what is under way, over what is on the disk.

Every call opens its own LMDB transaction and ends it before it returns (a tenth of a microsecond):
a reader that stays open keeps every page alive that is freed meanwhile, and the file grows. Calls
still fit together, because a row never changes and the overlay keeps what the disk may not have
yet.
"""

from collections.abc import Iterator
from itertools import islice

import lmdb

from raftkv.storage.environment import Environment, Generation, Transaction
from raftkv.storage.errors import data_error
from raftkv.storage.overlay import Overlay, Row

_SORTED_KEYS_MIN = 4
"""From here on one `getmulti` in key order beats single reads."""
_ROWS_AT_ONCE = 64
"""A scan reads this many rows beyond `stop` at most."""
_TABLE_KEYS_AT_ONCE = 1_000


class View:
    """Which generation of the state is read, and what lies over it."""

    __slots__ = ("generation", "lmdb", "overlay", "path")

    def __init__(self, environment: Environment, generation: Generation) -> None:
        self.lmdb = environment.lmdb
        self.path = environment.path
        self.generation = generation
        self.overlay = Overlay()

    def switch(self, generation: Generation) -> None:
        """Reads another generation from now on; what was put for the old one is dropped."""
        self.generation = generation
        self.overlay = Overlay()


class StoredRows:
    """The rows port (`mvcc/ports.py`). A disk that fails raises StorageError."""

    def __init__(self, view: View) -> None:
        self._view = view

    def get(self, key: bytes) -> bytes | None:
        """The row, or None."""
        view = self._view
        overlay = view.overlay
        if overlay.deleted and key in overlay.deleted:
            return None
        row = overlay.current.rows.get(key)
        if row is None:
            row = overlay.fresh.get(key)
        if row is not None:
            return row
        try:
            with view.lmdb.begin() as txn:
                return txn.get(key, None, view.generation.rows)
        except lmdb.Error as error:
            raise data_error(view.path, error) from error

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        """The rows of `keys`, in that order; every one must exist."""
        if len(keys) < _SORTED_KEYS_MIN:
            found = {key: row for key in keys if (row := self.get(key)) is not None}
        else:
            found = self._get_sorted(keys)
        try:
            return [found[key] for key in keys]
        except KeyError as error:
            raise AssertionError(f"row {error.args[0].hex()} of {len(keys)} is missing") from None

    def put(self, key: bytes, row: bytes) -> None:
        """Adds a row; `key` must be greater than every key added before."""
        self._view.overlay.current.rows[key] = row

    def delete(self, keys: list[bytes]) -> None:
        """Removes rows; a crash may bring back those that the disk has not given up yet."""
        self._view.overlay.delete_rows(keys)

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[Row]:
        """Up to `rows_max` (key, row) pairs with start <= key < stop, in order."""
        view = self._view
        under_way = view.overlay.rows_between(start, stop, rows_max)
        try:
            with view.lmdb.begin() as txn:
                stored = self._scan(txn, start, under_way[0][0] if under_way else stop, rows_max)
        except lmdb.Error as error:
            raise data_error(view.path, error) from error
        return stored + under_way[: rows_max - len(stored)]

    def _get_sorted(self, keys: list[bytes]) -> dict[bytes, bytes]:
        view = self._view
        overlay = view.overlay
        try:
            with view.lmdb.begin() as txn:
                found = dict(txn.cursor(view.generation.rows).getmulti(sorted(keys)))
        except lmdb.Error as error:
            raise data_error(view.path, error) from error
        if len(found) < len(keys):
            for rows in (overlay.fresh, overlay.current.rows):
                found.update((key, rows[key]) for key in keys if key in rows)
        if overlay.deleted:
            for key in overlay.deleted.intersection(keys):
                del found[key]
        return found

    def _scan(self, txn: Transaction, start: bytes, stop: bytes, rows_max: int) -> list[Row]:
        deleted = self._view.overlay.deleted
        cursor = txn.cursor(self._view.generation.rows)
        found: list[Row] = []
        if not cursor.set_range(start):
            return found
        rows = cursor.iternext()
        while len(found) < rows_max:
            wanted = min(rows_max - len(found), _ROWS_AT_ONCE)
            page = list(islice(rows, wanted))
            found += [row for row in page if row[0] < stop and row[0] not in deleted]
            if len(page) < wanted or page[-1][0] >= stop:
                break
        return found


class StoredTables:
    """The small tables port (`mvcc/ports.py`). A disk that fails raises StorageError."""

    def __init__(self, view: View) -> None:
        self._view = view

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value, or None."""
        view = self._view
        changed, value = view.overlay.table_value(table, key)
        if changed:
            return value
        try:
            with view.lmdb.begin() as txn:
                return txn.get(key, None, view.generation.tables[table])
        except lmdb.Error as error:
            raise data_error(view.path, error) from error

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Sets the value; keys are at most 511 bytes."""
        self._view.overlay.current.tables.setdefault(table, {})[key] = value

    def delete(self, table: str, key: bytes) -> None:
        """Removes the key if it is there."""
        self._view.overlay.current.tables.setdefault(table, {})[key] = None

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every (key, value) of a table, in key order.

        Reads a page at a time, so that it may be left and taken up again later: a change meanwhile
        is seen when its key lies ahead.
        """
        key: bytes | None = b""
        while key is not None:
            page, key = self._page(table, key)
            yield from page

    def _page(self, table: str, start: bytes) -> tuple[list[Row], bytes | None]:
        """The items from `start` on as far as one read goes, and where the next one starts."""
        view = self._view
        try:
            with view.lmdb.begin() as txn:
                cursor = txn.cursor(view.generation.tables[table])
                more = cursor.set_range(start) if start else cursor.first()
                stored = list(islice(cursor.iternext(), _TABLE_KEYS_AT_ONCE)) if more else []
        except lmdb.Error as error:
            raise data_error(view.path, error) from error
        following = None
        if len(stored) == _TABLE_KEYS_AT_ONCE:
            following = stored[-1][0] + b"\x00"
        merged: dict[bytes, bytes | None] = dict(stored)
        merged.update(
            (key, value)
            for key, value in view.overlay.table_values(table).items()
            if start <= key and (following is None or key < following)
        )
        return sorted((k, v) for k, v in merged.items() if v is not None), following
