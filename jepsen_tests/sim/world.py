"""Virtual time: a heap of events, and the one source of chance."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from jepsen_tests.sim.broken import BrokenPromiseError

MILLISECOND = 1_000
SECOND = 1_000_000
"""Virtual time is counted in microseconds."""
EVENTS_PER_SECOND_MAX = 100_000
"""What goes beyond goes round in circles: a run has a few thousand."""


class Timer(list[Any]):
    """An event to come: (time, serial, what to run). A list, for the heap to compare quickly."""

    __slots__ = ()

    def cancel(self) -> None:
        """It never comes; without effect when it has come already."""
        self[2] = None


class World:
    """Runs events in the order of their times; of the same time, in the order they were made."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now_us = 0
        self.random = random.Random(seed)
        self.events_run = 0
        self._heap: list[Timer] = []
        self._made = 0
        self._second = 0
        self._second_began = 0
        """The events before the current second."""

    def after(self, delay_us: int, run: Callable[[], None]) -> Timer:
        """Runs `run` once, `delay_us` from now."""
        self._made += 1
        timer = Timer((self.now_us + delay_us, self._made, run))
        heappush(self._heap, timer)
        return timer

    def run_until(self, time_us: int, after_each: Callable[[], None]) -> None:
        """Runs every event up to `time_us`, and `after_each` after each of them.

        Raises:
            BrokenPromiseError: A second has more events than a member that works could make.
        """
        heap = self._heap
        while heap and heap[0][0] <= time_us:
            now, _, run = heappop(heap)
            if run is None:
                continue
            self.now_us = now
            self.events_run += 1
            second = now // SECOND
            if second != self._second:
                self._second, self._second_began = second, self.events_run
            elif self.events_run - self._second_began > EVENTS_PER_SECOND_MAX:
                raise BrokenPromiseError(f"{EVENTS_PER_SECOND_MAX} events in the {second}th second")
            run()
            after_each()
        self.now_us = max(self.now_us, time_us)
