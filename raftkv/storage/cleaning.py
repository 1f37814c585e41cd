"""Gives back the space of rows that nobody needs any more, a little in each transaction.

Superseded rows may be many when they fall due at once, and a snapshot that is being received waits
for the same thread.
"""

from collections import deque
from time import perf_counter

from raftkv.storage.environment import Database, Transaction

_SECONDS_MAX = 0.002
_REMOVALS_BETWEEN_LOOKS_AT_THE_CLOCK = 64


class Cleaner:
    """What is due for removal."""

    def __init__(self, removals_max: int) -> None:
        self._removals_max = removals_max
        self._rows: deque[list[bytes]] = deque()
        self.rows_removed = 0
        """Rows removed since the start, in the order in which they were given."""

    @property
    def is_due(self) -> bool:
        """Whether anything is left to remove."""
        return bool(self._rows)

    def add_rows(self, keys: list[bytes]) -> None:
        """These rows may go."""
        self._rows.append(keys)

    def forget(self) -> None:
        """Another generation of rows begins."""
        self._rows.clear()

    def remove_some(self, txn: Transaction, rows: Database) -> None:
        """Removes what fits into one transaction beside its writes."""
        deadline = perf_counter() + _SECONDS_MAX
        left = self._removals_max
        while left > 0 and self._rows and perf_counter() < deadline:
            left -= self._remove(txn, rows, min(left, _REMOVALS_BETWEEN_LOOKS_AT_THE_CLOCK))

    def _remove(self, txn: Transaction, rows: Database, count: int) -> int:
        keys = self._rows[0]
        some = keys[:count]
        for key in some:
            txn.delete(key, b"", rows)
        self.rows_removed += len(some)
        if len(keys) > count:
            self._rows[0] = keys[count:]
        else:
            self._rows.popleft()
        return count
