"""Counts: a range says how many keys it has, whatever the limit, and gives as many as it may."""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.effects import covers
from jepsen_tests.check.event_log import finding, key_values_of
from jepsen_tests.check.findings import judged
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Counts:
    """Checks the counts of ranges."""

    name: str = "counts"

    def check(self, history: History) -> Verdict:
        """Whether ranges have the keys asked for, and count all of them."""
        return judged(self.name, _look(history))


def _look(history: History) -> Iterator[Finding]:
    first_of: dict[tuple[str, str, int], Operation] = {}
    for operation in history.by_function.get("range", []):
        if operation.status is not Status.OK or not isinstance(operation.result, list):
            continue
        wrong = _wrong(operation)
        if wrong:
            yield finding(f"A range of {operation.key!r} {wrong}.", operation)
        revision = operation.at_revision or operation.revision
        if operation.count is None or not revision:
            continue
        at = (operation.key, operation.range_end, revision)
        first = first_of.setdefault(at, operation)
        if first.count != operation.count:
            what = f"{operation.key!r} has {first.count} and {operation.count} keys"
            yield finding(f"The range of {what} at revision {revision}.", first, operation)


def _wrong(operation: Operation) -> str:
    found = key_values_of(operation)
    strange = [kv["key"] for kv in found if not _covers(operation, kv["key"])]
    if strange:
        return f"up to {operation.range_end!r} has {strange[0]!r}"
    if operation.limit and len(found) > operation.limit:
        return f"has {len(found)} keys, where {operation.limit} are the limit"
    if operation.count is None:
        return ""
    due = min(operation.count, operation.limit) if operation.limit else operation.count
    if found and len(found) != due:
        return f"of limit {operation.limit} counts {operation.count} keys and has {len(found)}"
    return ""


def _covers(operation: Operation, key: str) -> bool:
    return covers(operation.key, operation.range_end, key)


COUNTS = Counts()
