"""Elections: one leader at each revision, and observers see leaders in order, each once.

An observer may miss a leader that was followed quickly by the next, but sees none twice and none
out of order. A leader that proclaims a new value is seen again, with a new modification revision.
No exclusion by the wall clock is asked for; `ownership.py` says why none can be.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.event_log import EventLog, event_log_of, finding, key_values_of
from jepsen_tests.check.exclusion import overlapping
from jepsen_tests.check.findings import judged
from jepsen_tests.check.ownership import (
    Claim,
    claims_of,
    contender_of,
    holders,
    misowned,
    two_owners,
)
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Elections:
    """Checks `campaign`, `resign` and `observe`, and the transactions that leadership guards."""

    name: str = "election"

    def check(self, history: History) -> Verdict:
        """Whether each election had one leader at each revision, and all saw the same."""
        log = event_log_of(history)
        claims = claims_of(history, log, "campaign", "resign")
        return judged(self.name, _look(history, log), holders(claims))


def _look(history: History, log: EventLog) -> Iterator[Finding]:
    claims = claims_of(history, log, "campaign", "resign")
    yield from misowned(history, log, claims)
    yield from overlapping(history, claims)
    observers: dict[tuple[int, str], list[Operation]] = {}
    for operation in history.by_function.get("observe", []):
        if operation.status is Status.OK:
            observers.setdefault((operation.process, operation.key), []).append(operation)
    for seen in observers.values():
        yield from _observed(seen)
        yield from two_owners(log, _as_claims(log, seen))


def _as_claims(log: EventLog, seen: list[Operation]) -> list[Claim]:
    """Who is seen to lead must have led; at which revision, an observer is not told."""
    return [
        Claim(operation.key, contender_of(log, kv["key"], kv["create_revision"]), 0, operation)
        for operation in seen
        for kv in key_values_of(operation)
    ]


def _observed(seen: list[Operation]) -> Iterator[Finding]:
    last: tuple[int, int] = (0, 0)
    previous: Operation | None = None
    for operation in seen:
        for kv in key_values_of(operation):
            at = (kv["create_revision"], kv["mod_revision"])
            if at <= last:
                how = "twice" if at == last else "after a later one"
                what = f"An observer of {operation.key!r} saw the leader of revision {at[0]} {how}."
                yield finding(what, previous, operation)
            last = max(last, at)
            previous = operation


ELECTIONS = Elections()
