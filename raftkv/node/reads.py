"""Linearizable reads: confirm an index with the leader, wait until it is applied, go.

All reads that wait share one round. While a round is under way new reads gather for the next one,
so a thousand readers cost the quorum no more than one.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from raftkv.command.types import Failure

OnReady: TypeAlias = Callable[[Failure | None], None]


class Round(NamedTuple):
    """Reads that were asked about together."""

    context: int
    waiters: list[OnReady]
    started_tick: int


class Reads:
    """The reads of this member's clients; `retry_ticks`, `timeout_ticks` bound their patience."""

    def __init__(self, waiting_max: int, retry_ticks: int, timeout_ticks: int) -> None:
        self._waiting_max = waiting_max
        self._retry_ticks = retry_ticks
        self._timeout_ticks = timeout_ticks
        self._last_context = 0
        self.gathering: list[OnReady] = []
        """Reads that no round covers yet."""
        self._gathering_since_tick = 0
        self.round: Round | None = None
        """The round under way."""
        self._asked_tick = 0
        self._confirmed: list[tuple[int, Round]] = []
        """(index, reads): may go once the state machine has applied that index."""
        self._count = 0
        self.asked_again = 0
        """How often a round's answer did not come in time, since the start."""

    def add(self, on_ready: OnReady, tick: int) -> Failure | None:
        """Queues a read; the failure when there is no room."""
        if self._count >= self._waiting_max:
            return Failure.TOO_MANY_REQUESTS
        if not self.gathering:
            self._gathering_since_tick = tick
        self.gathering.append(on_ready)
        self._count += 1
        return None

    def begin(self, tick: int) -> int:
        """Starts a round for the gathered reads and returns its context; 0 when none is due."""
        if self.round is not None or not self.gathering:
            return 0
        self._last_context += 1
        self.round = Round(self._last_context, self.gathering, self._gathering_since_tick)
        self.gathering = []
        self._asked_tick = tick
        return self._last_context

    def retry(self, tick: int) -> int:
        """The context of a round to ask about again, under a new name; 0 when none is due.

        The new name makes a late answer to the old question harmless.
        """
        if self.round is None or tick - self._asked_tick < self._retry_ticks:
            return 0
        self.asked_again += 1
        return self.restart(tick)

    def restart(self, tick: int) -> int:
        """Asks again at once, as when the leader changed; 0 when no round is under way."""
        if self.round is None:
            return 0
        self._last_context += 1
        self.round = self.round._replace(context=self._last_context)
        self._asked_tick = tick
        return self._last_context

    def confirm(self, context: int, index: int) -> None:
        """The leader led when `index` was its commit index: the round's reads wait for that."""
        if self.round is not None and self.round.context == context:
            self._confirmed.append((index, self.round))
            self.round = None

    def ready(self, applied_index: int) -> list[OnReady]:
        """The reads that may go, now that `applied_index` is applied."""
        if not self._confirmed:
            return []
        ready: list[OnReady] = []
        later = []
        for index, confirmed in self._confirmed:
            if index <= applied_index:
                ready += confirmed.waiters
            else:
                later.append((index, confirmed))
        self._confirmed = later
        self._count -= len(ready)
        return ready

    def expire(self, tick: int) -> list[OnReady]:
        """The reads whose time is up."""
        expired: list[OnReady] = []
        first_tick = tick - self._timeout_ticks
        while self._confirmed and self._confirmed[0][1].started_tick <= first_tick:
            expired += self._confirmed.pop(0)[1].waiters
        if self.round is not None and self.round.started_tick <= first_tick:
            expired += self.round.waiters
            self.round = None
        if self.gathering and self._gathering_since_tick <= first_tick:
            expired += self.gathering
            self.gathering = []
        self._count -= len(expired)
        return expired

    def abandon(self) -> list[OnReady]:
        """Every read, for a member that stops."""
        waiters = self.gathering + (self.round.waiters if self.round else [])
        for _, confirmed in self._confirmed:
            waiters += confirmed.waiters
        self.gathering, self.round, self._confirmed, self._count = [], None, [], 0
        return waiters
