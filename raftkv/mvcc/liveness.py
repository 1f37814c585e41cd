"""The latest births and deaths of keys, so that an old count follows from the present one.

A client that pages through a large range does so at the revision of its first page. How many keys
there were at that revision is how many there are now, less those born since, plus those that died
since: the log is read from that revision on, instead of every key of the range.
"""

from array import array
from bisect import bisect_left

LOG_LENGTH_MAX = 1 << 16
"""Births and deaths kept; older revisions are counted key by key."""
READ_LENGTH_MAX = 1 << 12
"""Entries that one count may read."""


class LivenessLog:
    """Births and deaths in the order of their revisions."""

    __slots__ = ("_complete_from", "_keys", "_signed_mains")

    def __init__(self, revision: int) -> None:
        self._complete_from = revision
        """Counts at this revision and later ones can be answered."""
        self._keys: list[bytes] = []
        self._signed_mains = array("Q")
        """For each key: twice the main revision, plus one for a death."""

    def born(self, key: bytes, main: int) -> None:
        """`key` came into being at `main`."""
        self._keys.append(key)
        self._signed_mains.append(main << 1)
        if len(self._keys) > LOG_LENGTH_MAX:
            self._forget()

    def died(self, key: bytes, main: int) -> None:
        """`key` was deleted at `main`."""
        self._keys.append(key)
        self._signed_mains.append(main << 1 | 1)
        if len(self._keys) > LOG_LENGTH_MAX:
            self._forget()

    def growth_since(self, revision: int, start: bytes, end: bytes | None) -> int | None:
        """Births less deaths in [start, end) after `revision`; None if that would take too long."""
        if revision < self._complete_from:
            return None
        mains = self._signed_mains
        first = bisect_left(mains, (revision + 1) << 1)
        if len(mains) - first > READ_LENGTH_MAX:
            return None
        growth = 0
        for at in range(first, len(mains)):
            key = self._keys[at]
            if key >= start and (end is None or key < end):
                growth += -1 if mains[at] & 1 else 1
        return growth

    def _forget(self) -> None:
        half = LOG_LENGTH_MAX // 2
        self._complete_from = self._signed_mains[half - 1] >> 1
        del self._keys[:half]
        del self._signed_mains[:half]
