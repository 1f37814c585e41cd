"""Virtual time: a heap of events, and the one source of chance."""

import heapq
import random
from collections.abc import Callable

from jepsen_tests.sim.broken import BrokenPromiseError

MILLISECOND = 1_000
SECOND = 1_000_000
"""Virtual time is counted in microseconds."""
EVENTS_PER_SECOND_MAX = 100_000
"""What goes beyond goes round in circles: a run has a few thousand."""


class World:
    """Runs events in the order of their times; of the same time, in the order they were made."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now_us = 0
        self.random = random.Random(seed)
        self.events_run = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._made = 0
        self._second = 0
        self._second_began = 0
        """The events before the current second."""

    def after(self, delay_us: int, run: Callable[[], None]) -> None:
        """Runs `run` once, `delay_us` from now."""
        self._made += 1
        heapq.heappush(self._heap, (self.now_us + delay_us, self._made, run))

    def step(self) -> bool:
        """Runs the next event; False when there is none."""
        if not self._heap:
            return False
        self.now_us, _, run = heapq.heappop(self._heap)
        self.events_run += 1
        run()
        return True

    def run_until(self, time_us: int, after_each: Callable[[], None]) -> None:
        """Runs every event up to `time_us`, and `after_each` after each of them.

        Raises:
            BrokenPromiseError: A second has more events than a member that works could make.
        """
        while self._heap and self._heap[0][0] <= time_us:
            second = self._heap[0][0] // SECOND
            if second != self._second:
                self._second, self._second_began = second, self.events_run
            elif self.events_run - self._second_began > EVENTS_PER_SECOND_MAX:
                raise BrokenPromiseError(f"{EVENTS_PER_SECOND_MAX} events in the {second}th second")
            self.step()
            after_each()
        self.now_us = max(self.now_us, time_us)
