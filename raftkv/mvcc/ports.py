"""What the replicated state needs of a store: rows ordered by revision, and small named tables.

Both see their own writes at once; the writes become durable with the next storage write, together
with the applied index they belong to.
"""

from collections.abc import Iterator
from typing import Protocol


class Rows(Protocol):
    """Immutable rows, keyed by the 17 bytes of a revision, in revision order."""

    def get(self, key: bytes) -> bytes | None:
        """The row, or None."""

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        """The rows of `keys`, in that order; every one must exist."""

    def put(self, key: bytes, row: bytes) -> None:
        """Adds a row; `key` must be greater than every key added before."""

    def delete(self, keys: list[bytes]) -> None:
        """Removes rows that no reader can ask for any more (physical compaction).

        The removals become durable in this order or in that of the keys, though perhaps not all in
        one write: an older row of a key must never be left on the disk when a newer one is gone.
        """

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        """Up to `rows_max` (key, row) pairs with start <= key < stop, in order."""


class Tables(Protocol):
    """Small tables of the replicated state: `lease`, `member`, `removed`, `alarm`, `meta`."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value, or None."""

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Sets the value; keys are at most 511 bytes."""

    def delete(self, table: str, key: bytes) -> None:
        """Removes the key if it is there."""

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every (key, value) of a table, in key order; for loading."""
