"""Questions about leases that only the leader can answer: renewals and remaining times.

They are asked again while there is no answer, since renewing twice does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

NO_SUCH_LEASE = -1
UNANSWERED = -2

OnAnswer: TypeAlias = Callable[[int, int], None]
"""Called with (remaining, granted) seconds; NO_SUCH_LEASE or UNANSWERED instead of the former."""


@dataclass(slots=True)
class Query:
    """A question under way."""

    lease: int
    renew: bool
    on_answer: OnAnswer
    started_tick: int
    asked_tick: int


class LeaseQueries:
    """The questions of this member's clients; `first_context` as of `Reads`."""

    def __init__(
        self, waiting_max: int, retry_ticks: int, timeout_ticks: int, first_context: int = 1
    ) -> None:
        self._waiting_max = waiting_max
        self._retry_ticks = retry_ticks
        self._timeout_ticks = timeout_ticks
        self._last_context = first_context - 1
        self._queries: dict[int, Query] = {}

    def add(self, lease: int, renew: bool, on_answer: OnAnswer, tick: int) -> int:  # noqa: FBT001
        """Keeps a question and returns its context; 0 when there is no room."""
        if len(self._queries) >= self._waiting_max:
            return 0
        self._last_context += 1
        self._queries[self._last_context] = Query(lease, renew, on_answer, tick, tick)
        return self._last_context

    def get(self, context: int) -> Query | None:
        """The question, while it waits."""
        return self._queries.get(context)

    def answer(self, context: int) -> OnAnswer | None:
        """The callback of a question that now has its answer."""
        query = self._queries.pop(context, None)
        return query.on_answer if query is not None else None

    def due(self, tick: int) -> list[int]:
        """The contexts of questions to ask again."""
        due = [c for c, q in self._queries.items() if tick - q.asked_tick >= self._retry_ticks]
        for context in due:
            self._queries[context].asked_tick = tick
        return due

    def expire(self, tick: int) -> list[OnAnswer]:
        """The callbacks of questions whose time is up."""
        late = [c for c, q in self._queries.items() if tick - q.started_tick >= self._timeout_ticks]
        return [self._queries.pop(context).on_answer for context in late]

    def abandon(self) -> list[OnAnswer]:
        """Every callback, for a member that stops."""
        callbacks = [query.on_answer for query in self._queries.values()]
        self._queries.clear()
        return callbacks
