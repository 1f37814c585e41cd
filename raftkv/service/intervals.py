"""A set of keys made of half-open intervals: finds puts that a delete of the same txn covers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Intervals:
    """Disjoint intervals in order.

    Invariant: `_starts[i] < _ends[i] < _starts[i + 1]`.
    """

    def __init__(self) -> None:
        self._starts: list[bytes] = []
        self._ends: list[bytes] = []

    def add(self, start: bytes, end: bytes) -> None:
        """Adds start <= key < end; nothing when the interval is empty."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def update(self, other: "Intervals") -> None:
        """Adds every interval of `other`."""
        for start, end in other:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return zip(self._starts, self._ends, strict=True)

    def __contains__(self, key: bytes) -> bool:
        """Whether an interval covers `key`."""
        index = bisect_right(self._starts, key) - 1
        return index >= 0 and key < self._ends[index]
