"""The member's clock: one tick a heartbeat interval, as the loop gets round to it."""

import asyncio
from collections.abc import Callable

MISSED_TICKS_MAX = 3
"""Ticks made up for after the loop was late; a process that was stopped for long does not race
through the time it slept, since others may have elected a leader meanwhile."""


class Ticker:
    """Calls `on_tick` once an interval, and makes up for a few ticks that were missed.

    `on_late` is told by how many seconds a tick came late, if by an interval or more.
    """

    def __init__(
        self,
        interval_seconds: float,
        on_tick: Callable[[], None],
        on_late: Callable[[float], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._interval = interval_seconds
        self._on_tick = on_tick
        self._on_late = on_late
        self._due = self._loop.time() + interval_seconds
        self._timer = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Ends it."""
        self._timer.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        late = now - self._due
        if late >= self._interval and self._on_late is not None:
            self._on_late(late)
        ticks = 0
        while self._due <= now and ticks < MISSED_TICKS_MAX:
            self._due += self._interval
            ticks += 1
            self._on_tick()
        if self._due <= now:
            self._due = now + self._interval
        self._timer = self._loop.call_at(self._due, self._tick)
