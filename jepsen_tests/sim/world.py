"""Virtual time: a heap of events, and the one source of chance."""

import heapq
import random
from collections.abc import Callable

MILLISECOND = 1_000
SECOND = 1_000_000
"""Virtual time is counted in microseconds."""


class World:
    """Runs events in the order of their times; of the same time, in the order they were made."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now_us = 0
        self.random = random.Random(seed)
        self.events_run = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._made = 0

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
        """Runs every event up to `time_us`, and `after_each` after each of them."""
        while self._heap and self._heap[0][0] <= time_us:
            self.step()
            after_each()
        self.now_us = max(self.now_us, time_us)
