"""Gives back the space of what nobody needs any more, a little in each transaction.

Old entries and superseded rows may be many when they fall due at once, and the commit that waits
for their removal is one that clients wait for.
"""

from collections import deque
from time import perf_counter

from raftkv.storage.environment import Database, Transaction
from raftkv.storage.log import LogTable
from raftkv.storage.schema import INDEX

_SECONDS_MAX = 0.002
_REMOVALS_BETWEEN_LOOKS_AT_THE_CLOCK = 64


class Cleaner:
    """What is due for removal."""

    def __init__(self, log: LogTable, removals_max: int) -> None:
        self._log = log
        self._removals_max = removals_max
        self._log_end = 0
        self._rows: deque[list[bytes]] = deque()
        self.rows_removed = 0
        """Rows removed since the start, in the order in which they were given."""

    @property
    def is_due(self) -> bool:
        """Whether anything is left to remove."""
        return bool(self._rows) or self._log.first <= self._log_end

    def cut_log(self, index: int) -> None:
        """Entries up to `index` may go."""
        self._log_end = max(self._log_end, index)

    def add_rows(self, keys: list[bytes]) -> None:
        """These rows may go."""
        self._rows.append(keys)

    def forget(self) -> None:
        """Another log and another generation of rows begin."""
        self._log_end = 0
        self._rows.clear()

    def remove_some(self, txn: Transaction, log: Database, rows: Database) -> None:
        """Removes what fits into one transaction beside its writes."""
        deadline = perf_counter() + _SECONDS_MAX
        left = self._removals_max
        while left > 0 and self.is_due and perf_counter() < deadline:
            count = min(left, _REMOVALS_BETWEEN_LOOKS_AT_THE_CLOCK)
            if self._rows:
                self._remove_rows(txn, rows, count)
            else:
                self._remove_entries(txn, log, count)
            left -= count

    def _remove_rows(self, txn: Transaction, rows: Database, count: int) -> None:
        keys = self._rows[0]
        some = keys[:count]
        for key in some:
            txn.delete(key, b"", rows)
        self.rows_removed += len(some)
        if len(keys) > count:
            self._rows[0] = keys[count:]
        else:
            self._rows.popleft()

    def _remove_entries(self, txn: Transaction, log: Database, count: int) -> None:
        stored = self._log
        end = min(self._log_end, stored.last, stored.first + count - 1)
        cursor = txn.cursor(log)
        if cursor.first():
            while cursor.key() and INDEX.unpack(cursor.key())[0] <= end:
                cursor.delete()
        stored.first = end + 1
        if end == stored.last:
            self._log_end = 0
