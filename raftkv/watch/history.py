"""Watches that are behind read history until they have come up to the present.

Watches that are equally far form a cohort and share the reading; a cohort that comes to where a
small one stands takes it along. Each step reads one bounded slice for one cohort, and the cohorts
take turns: a long way to go for one never keeps another waiting for more than its turn.
"""

from bisect import bisect_left
from operator import attrgetter
from typing import NamedTuple

from raftkv.config import WatchConfig
from raftkv.mvcc.record import key_of
from raftkv.mvcc.revision import first_row_key, main_of, row_key, sub_of
from raftkv.watch.delivery import Delivery
from raftkv.watch.index import WatchIndex
from raftkv.watch.watcher import Audience, Watcher

COHORT_WATCHERS_MAX = 512
"""More watches than this at one place form several cohorts, so that a step stays short."""
SLICE_BYTES_MIN = 64 * 1024
SCAN_ROWS = 64
"""Rows read at a time: how far a step may overshoot its bytes."""

Row = tuple[bytes, bytes]


class Cohort:
    """Watches to which the history from `position` on is still to be sent."""

    __slots__ = ("carry", "index", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self.index = WatchIndex()
        self.carry: list[Row] = []
        """Rows of the revision `position`, read in an earlier step that did not come to its end."""

    def next_row_key(self) -> bytes:
        """Where to read on."""
        if not self.carry:
            return first_row_key(self.position)
        last = self.carry[-1][0]
        return row_key(main_of(last), sub_of(last) + 1)


class Step(NamedTuple):
    """What one step did to watches that are no longer catching up."""

    caught_up: list[Watcher]
    """They have been sent everything up to the present."""
    missed: list[Watcher]
    """Their stream is full; `next_revision` says where they have to go on."""
    compacted: list[Watcher]
    """The history they need is gone."""


class CatchUp:
    """All watches that read history."""

    def __init__(self, delivery: Delivery, config: WatchConfig) -> None:
        self._delivery = delivery
        self._rows_max = config.catch_up_rows_per_turn_max
        self._bytes_max = config.catch_up_bytes_per_turn_max
        self._queue: dict[Cohort, None] = {}
        """The first has its turn next."""
        self._by_position: dict[int, Cohort] = {}
        """For each position the newest cohort there."""

    @property
    def is_busy(self) -> bool:
        """Whether any watch is behind."""
        return bool(self._queue)

    @property
    def watcher_count(self) -> int:
        """How many watches are behind."""
        return sum(cohort.index.watcher_count for cohort in self._queue)

    def add(self, watcher: Watcher, position: int) -> None:
        """Takes in a watch that wants all from the revision `position` on."""
        cohort = self._by_position.get(position)
        if cohort is None or cohort.index.watcher_count >= COHORT_WATCHERS_MAX:
            cohort = Cohort(position)
            self._enqueue(cohort)
        cohort.index.add(watcher)

    def restart(self) -> None:
        """Reads anew what was read of incomplete revisions: the store was replaced."""
        for cohort in self._queue:
            cohort.carry = []

    def step(self) -> Step:
        """Reads one slice of history for the cohort whose turn it is, and sends what it holds."""
        cohort = self._dequeue()
        if not cohort.index.watcher_count:
            return Step([], [], [])
        history = self._delivery.history
        if cohort.position < history.compact_revision:
            return Step([], [], cohort.index.dissolve())
        rows, is_last = self._read(cohort)
        reach = history.revision
        if not is_last:
            # The last revision may go on in the rows not read yet, and goes out whole or not at
            # all.
            reach = main_of(rows[-1][0]) - 1
            end = bisect_left(rows, (first_row_key(reach + 1),))
            cohort.carry = rows[end:]
            del rows[end:]
        missed = self._send(cohort, rows, reach)
        if is_last:
            return Step(cohort.index.dissolve(), missed, [])
        if cohort.index.watcher_count:
            self._enqueue(cohort)
        return Step([], missed, [])

    def _enqueue(self, cohort: Cohort) -> None:
        self._queue[cohort] = None
        self._by_position[cohort.position] = cohort

    def _remove(self, cohort: Cohort) -> None:
        del self._queue[cohort]
        if self._by_position.get(cohort.position) is cohort:
            del self._by_position[cohort.position]

    def _dequeue(self) -> Cohort:
        """The cohort whose turn it is; those that all watches have left are dropped on the way."""
        while True:
            cohort = next(iter(self._queue))
            self._remove(cohort)
            if cohort.index.watcher_count or not self._queue:
                return cohort

    def _read(self, cohort: Cohort) -> tuple[list[Row], bool]:
        """A slice of rows, and whether it goes up to the present."""
        history = self._delivery.history
        rows, start = cohort.carry, cohort.next_row_key()
        cohort.carry = []
        stop = first_row_key(history.revision + 1)
        rows_left = self._rows_max
        bytes_left = max(SLICE_BYTES_MIN, self._bytes_max // cohort.index.watcher_count)
        while rows_left > 0 and bytes_left > 0:
            wanted = min(SCAN_ROWS, rows_left)
            found = history.scan(start, stop, wanted)
            rows += found
            if len(found) < wanted:
                return rows, True
            last = found[-1][0]
            start = row_key(main_of(last), sub_of(last) + 1)
            rows_left -= wanted
            bytes_left -= sum(len(row) for _, row in found)
        return rows, False

    def _send(self, cohort: Cohort, rows: list[Row], reach: int) -> list[Watcher]:
        """Sends what `rows` hold, complete up to revision `reach`; returns who missed some."""
        joining = self._joining(cohort, reach)
        index = cohort.index
        match, collect = index.match, self._delivery.collect
        audiences: list[Audience] = []
        for row_key_here, row in rows:
            revision = main_of(row_key_here)
            while joining and joining[-1].position <= revision:
                index.absorb(joining.pop().index)
            key = key_of(row)
            interested = match(key)
            if interested:
                audiences += collect(interested, revision, key, row)
        for other in joining:
            index.absorb(other.index)
        cohort.position = reach + 1
        missed = []
        for audience in audiences:
            missed += self._delivery.deliver(audience, reach)
        for watcher in missed:
            index.remove(watcher)
        return missed

    def _joining(self, cohort: Cohort, reach: int) -> list[Cohort]:
        """Takes the cohorts out that `cohort` comes to on its way to `reach`, the nearest last."""
        room = COHORT_WATCHERS_MAX - cohort.index.watcher_count
        near = [other for other in self._queue if cohort.position <= other.position <= reach + 1]
        joining = []
        for other in sorted(near, key=attrgetter("position")):
            count = other.index.watcher_count
            if count <= room:
                room -= count
                joining.append(other)
                self._remove(other)
        return joining[::-1]
