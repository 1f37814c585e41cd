"""When a revision can have happened, by the one clock of the run.

Nobody saw the moment itself. It was over when somebody was told of that revision or a later one,
and it had not come when somebody called whose answer is from before it.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from jepsen_tests.check.effects import is_linearizable
from jepsen_tests.history import History

NEVER_NS = 2**64
"""After all times."""


@dataclass(frozen=True, slots=True)
class Times:
    """Bounds on the times of revisions."""

    _told: tuple[list[int], list[int]]
    """Revisions, and the first time at which anybody had been told of that one or a later one."""
    _called: tuple[list[int], list[int]]
    """Revisions, and the last call that was answered from that revision or an earlier one."""

    def latest_ns(self, revision: int) -> int:
        """It had happened by then."""
        revisions, times = self._told
        index = bisect_left(revisions, revision)
        return times[index] if index < len(times) else NEVER_NS

    def earliest_ns(self, revision: int) -> int:
        """It had not happened before."""
        revisions, times = self._called
        index = bisect_left(revisions, revision)
        return times[index - 1] if index else 0


def times_of(history: History) -> Times:
    """The bounds that a history gives."""
    answered = [operation for operation in history.operations if is_linearizable(operation)]
    told = [(operation.revision, operation.return_ns or 0) for operation in answered]
    told += [
        (response.events[-1]["mod_revision"], response.received_ns)
        for response in history.watches
        if response.events
    ]
    told.sort()
    latest = list(accumulate((time for _, time in reversed(told)), min))
    called = sorted((operation.revision, operation.call_ns) for operation in answered)
    earliest = list(accumulate((time for _, time in called), max))
    return Times(
        ([revision for revision, _ in told], latest[::-1]),
        ([revision for revision, _ in called], earliest),
    )
