"""Which audiences watch a range that contains a key, fast for keys that come again and again.

The ends of all watched ranges cut the keys into segments; inside one, every key has the same
audiences. The first key of a segment asks the interval tree, the others find the answer remembered
under the segment's lower bound. A range that comes or goes only makes the segments inside it
forget.
"""

from bisect import bisect_left, bisect_right, insort

from raftkv.watch.interval_tree import IntervalTree
from raftkv.watch.request import FROM_KEY
from raftkv.watch.watcher import Audience

REMEMBERED_MAX = 100_000
"""Audiences remembered over all segments; beyond it everything remembered is forgotten."""
FORGOTTEN_ONE_BY_ONE_MAX = 256
"""A range over more segments makes all of them forget, those outside it too."""


class RangeIndex:
    """Audiences of ranges, by the keys they contain."""

    def __init__(self) -> None:
        self.bounds: list[bytes] = []
        """The lower bounds of the segments, in order; keys below the first have no audience."""
        self._bound_uses: dict[bytes, int] = {}
        """How many ranges start or end at a bound."""
        self._tree: IntervalTree[list[Audience]] = IntervalTree()
        self._endless: dict[bytes, list[Audience]] = {}
        """Ranges without an end, by their start."""
        self._endless_starts: list[bytes] = []
        self._remembered: dict[bytes, tuple[Audience, ...]] = {}
        self._remembered_count = 0

    def match(self, key: bytes) -> tuple[Audience, ...]:
        """The audiences whose range contains `key`."""
        place = bisect_right(self.bounds, key)
        if not place:
            return ()
        bound = self.bounds[place - 1]
        found = self._remembered.get(bound)
        return self._look_up(bound) if found is None else found

    def add(self, start: bytes, end: bytes, audience: Audience) -> None:
        """Adds an audience of the range; `end` may be `FROM_KEY`."""
        here = self._find(start, end)
        if here is None:
            here = self._add_range(start, end)
        here.append(audience)
        self._forget(start, end)

    def remove(self, start: bytes, end: bytes, audience: Audience) -> None:
        """Removes an audience that was added."""
        here = self._find(start, end)
        assert here is not None, f"nobody watches [{start!r}, {end!r})"
        here.remove(audience)
        self._forget(start, end)
        if not here:
            self._remove_range(start, end)

    def _look_up(self, bound: bytes) -> tuple[Audience, ...]:
        lists = self._tree.stab(bound)
        starts = self._endless_starts
        lists += [self._endless[start] for start in starts[: bisect_right(starts, bound)]]
        found = tuple(audience for here in lists for audience in here)
        self._remembered_count += len(found) + 1
        if self._remembered_count > REMEMBERED_MAX:
            self._remembered.clear()
            self._remembered_count = len(found) + 1
        self._remembered[bound] = found
        return found

    def _forget(self, start: bytes, end: bytes) -> None:
        bounds = self.bounds
        first = bisect_left(bounds, start)
        last = len(bounds) if end == FROM_KEY else bisect_left(bounds, end)
        if last - first > FORGOTTEN_ONE_BY_ONE_MAX:
            self._remembered.clear()
            self._remembered_count = 0
            return
        for bound in bounds[first:last]:
            self._forget_one(bound)

    def _forget_one(self, bound: bytes) -> None:
        found = self._remembered.pop(bound, None)
        if found is not None:
            self._remembered_count -= len(found) + 1

    def _find(self, start: bytes, end: bytes) -> list[Audience] | None:
        return self._endless.get(start) if end == FROM_KEY else self._tree.get(start, end)

    def _add_range(self, start: bytes, end: bytes) -> list[Audience]:
        here: list[Audience] = []
        self._add_bound(start)
        if end == FROM_KEY:
            self._endless[start] = here
            insort(self._endless_starts, start)
        else:
            self._tree.insert(start, end, here)
            self._add_bound(end)
        return here

    def _remove_range(self, start: bytes, end: bytes) -> None:
        self._remove_bound(start)
        if end == FROM_KEY:
            del self._endless[start]
            del self._endless_starts[bisect_left(self._endless_starts, start)]
        else:
            self._tree.remove(start, end)
            self._remove_bound(end)

    def _add_bound(self, bound: bytes) -> None:
        uses = self._bound_uses.get(bound, 0)
        if not uses:
            # The new bound splits a segment: its lower part keeps its audiences, the upper has none
            # yet.
            insort(self.bounds, bound)
        self._bound_uses[bound] = uses + 1

    def _remove_bound(self, bound: bytes) -> None:
        uses = self._bound_uses[bound] - 1
        if uses:
            self._bound_uses[bound] = uses
            return
        # No range starts or ends here any more: the segment below reaches on with the same
        # audiences.
        del self._bound_uses[bound]
        del self.bounds[bisect_left(self.bounds, bound)]
        self._forget_one(bound)
