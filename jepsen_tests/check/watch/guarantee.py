"""A promise that is kept or broken by each watch for itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jepsen_tests.check.event_log import EventLog, event_log_of
from jepsen_tests.check.findings import judged
from jepsen_tests.check.streams import Stream
from jepsen_tests.history import History
from jepsen_tests.verdict import Finding, Verdict

Look: TypeAlias = Callable[[Stream, EventLog], Iterator[Finding]]
"""Finds where one stream breaks the promise."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """Checks one promise on all streams of a history."""

    name: str
    look: Look

    def check(self, history: History) -> Verdict:
        """Whether every watch kept it."""
        log = event_log_of(history)
        found = (finding for stream in log.streams for finding in self.look(stream, log))
        return judged(self.name, found, f"{len(log.streams)} watches")


def shown(stream: Stream) -> str:
    """A watch in words."""
    request = stream.request
    keys = repr(request.key)
    if stream.is_everything:
        keys = "all keys"
    elif request.range_end:
        keys = f"{keys} to {request.range_end!r}"
    start = f"from revision {stream.start}" if stream.start else "from an unknown revision"
    return f"watch {request.watch!r} of {keys} {start} at {request.member or 'some member'}"
