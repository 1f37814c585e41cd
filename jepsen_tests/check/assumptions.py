"""Assumptions: what all other checkers take for granted of a record, and of the workload behind it.

If one is wrong, nothing that they say counts, in either direction, so that is trouble of the
harness and not of the store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from jepsen_tests.check.effects import READERS, WRITERS
from jepsen_tests.check.event_log import finding
from jepsen_tests.check.findings import FINDINGS_MAX
from jepsen_tests.history import History, MalformedError, Status, WatchEvents, verify_processes
from jepsen_tests.verdict import Finding, State, Verdict


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Checks the record itself."""

    name: str = "assumptions"

    def check(self, history: History) -> Verdict:
        """HARNESS, and never INVALID, where it can't be relied on."""
        found = tuple(islice(_look(history), FINDINGS_MAX))
        return Verdict(self.name, State.HARNESS if found else State.VALID, found)


def _look(history: History) -> Iterator[Finding]:
    try:
        verify_processes(history)
    except MalformedError as error:
        yield Finding(f"A process did two things at once: {error}.")
    requests = [each for each in history.operations if each.function in WRITERS | READERS]
    if requests and not any(each.status is Status.OK for each in requests):
        yield finding("Nothing at all was answered.", *requests[:8])
    yield from _mixed_up(history)


def _mixed_up(history: History) -> Iterator[Finding]:
    """Responses of one watch that cannot be of one watch, or are not in the order of receipt."""
    last_of: dict[str, WatchEvents] = {}
    for response in history.watches:
        last = last_of.get(response.watch)
        last_of[response.watch] = response
        if last is None:
            continue
        if response.received_ns < last.received_ns:
            what = f"The responses of watch {response.watch!r} are not recorded in their order."
            yield finding(what, last, response)
        if _request(last) != _request(response):
            what = f"Two watches were recorded under the name {response.watch!r}."
            yield finding(what, last, response)


def _request(response: WatchEvents) -> tuple[object, ...]:
    return (response.key, response.range_end, response.start_revision, response.filters)


ASSUMPTIONS = Assumptions()
