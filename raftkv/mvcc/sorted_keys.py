"""A sorted set of keys: cheap to add to, cheap to count between two bounds.

The keys lie in chunks of a few hundred, each a sorted list. `_lows` holds a lower bound for each
chunk, so a key is found by two binary searches, and a count between two keys is the sum of the
chunk lengths between them. Adding a key moves at most one chunk's worth of pointers.

Invariants: `_lows[0]` is empty, `_lows` ascends, every key of chunk i is >= `_lows[i]` and, but for
the last chunk, < `_lows[i + 1]`; no chunk is empty unless it is the only one.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

CHUNK_KEYS_MAX = 512
_CHUNK_KEYS_MIN = CHUNK_KEYS_MAX // 8


class SortedKeys:
    """Distinct keys in order. An `end` of None means that there is no upper bound."""

    __slots__ = ("_chunks", "_length", "_lows")

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._chunks: list[list[bytes]] = [[]]
        self._lows: list[bytes] = [b""]
        self._length = 0
        for key in keys:
            self.add(key)

    def __len__(self) -> int:
        return self._length

    def add(self, key: bytes) -> None:
        """Adds a key that is not in the set."""
        at = bisect_right(self._lows, key) - 1
        chunk = self._chunks[at]
        insort(chunk, key)
        self._length += 1
        if len(chunk) > CHUNK_KEYS_MAX:
            self._split(at)

    def remove(self, key: bytes) -> None:
        """Removes a key that is in the set."""
        at = bisect_right(self._lows, key) - 1
        chunk = self._chunks[at]
        place = bisect_left(chunk, key)
        assert chunk[place] == key, f"chunk {at} has {len(chunk)} keys, place {place} holds another"
        del chunk[place]
        self._length -= 1
        if len(chunk) < _CHUNK_KEYS_MIN:
            self._join(at)

    def count(self, start: bytes, end: bytes | None) -> int:
        """How many keys k there are with start <= k < end."""
        if end is not None and end <= start:
            return 0
        first, begin = self._find(start)
        if end is None:
            last, stop = len(self._chunks) - 1, len(self._chunks[-1])
        else:
            last, stop = self._find(end)
        if first == last:
            return stop - begin
        between = sum(map(len, self._chunks[first + 1 : last]))
        return len(self._chunks[first]) - begin + between + stop

    def slice(self, start: bytes, end: bytes | None, keys_max: int) -> list[bytes]:
        """The first `keys_max` keys k with start <= k < end, in order."""
        if end is not None and end <= start:
            return []
        chunks = self._chunks
        at, place = self._find(start)
        keys = chunks[at][place : place + keys_max]
        while len(keys) < keys_max and (end is None or not keys or keys[-1] < end):
            at += 1
            if at == len(chunks):
                break
            keys += chunks[at][: keys_max - len(keys)]
        if end is not None and keys and keys[-1] >= end:
            del keys[bisect_left(keys, end) :]
        return keys

    def _find(self, key: bytes) -> tuple[int, int]:
        """The chunk of `key`, and its place in it (or where it would be)."""
        at = bisect_right(self._lows, key) - 1
        return at, bisect_left(self._chunks[at], key)

    def _split(self, at: int) -> None:
        chunk = self._chunks[at]
        # Keys often come in ascending order: the last chunk is left full, not half empty.
        half = len(chunk) // 2 if at + 1 < len(self._chunks) else len(chunk) * 7 // 8
        self._chunks.insert(at + 1, chunk[half:])
        self._lows.insert(at + 1, chunk[half])
        del chunk[half:]

    def _join(self, at: int) -> None:
        """Lets a chunk that has become small flow into its neighbour."""
        chunks = self._chunks
        if len(chunks) == 1:
            return
        left = at - 1 if at else 0
        if len(chunks[left]) + len(chunks[left + 1]) <= CHUNK_KEYS_MAX // 2 or not chunks[at]:
            chunks[left] += chunks[left + 1]
            del chunks[left + 1]
            del self._lows[left + 1]
