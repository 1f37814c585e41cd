"""Refusals: an operation that certainly failed, and a branch not taken, have no effect.

A definite error says that nothing was written, and a transaction whose comparison failed writes
nothing of its `then`. Found out by their values: one that is in the store, and that no operation
wrote which succeeded or may have, was written by one that was refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jepsen_tests.check.effects import PUT, WRITERS, Write, has_succeeded, writes_of
from jepsen_tests.check.event_log import event_log_of, finding
from jepsen_tests.check.findings import judged
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Refusals:
    """Checks that what was refused did not happen."""

    name: str = "refusals"

    def check(self, history: History) -> Verdict:
        """Whether no value of a refused write was ever seen."""
        return judged(self.name, _look(history))


def _look(history: History) -> Iterator[Finding]:
    allowed: set[tuple[str, str | None]] = set()
    refused: dict[tuple[str, str | None], Operation] = {}
    for operation in history.operations:
        if operation.function not in WRITERS:
            continue
        for write in _wanted(operation):
            at = (write.key, write.value)
            if write.kind == PUT and write.value is not None:
                if _is_possible(operation, write):
                    allowed.add(at)
                else:
                    refused.setdefault(at, operation)
    refused = {at: operation for at, operation in refused.items() if at not in allowed}
    if not refused:
        return
    for event in event_log_of(history).events:
        operation_refused = refused.get((event.key, event.value))
        if operation_refused is not None and event.kind == PUT:
            yield finding(
                f"A {operation_refused.function} was refused, but what it would have written, "
                f"{event.value!r}, is {event.key!r} at revision {event.revision}.",
                operation_refused,
                event.source,
            )


def _wanted(operation: Operation) -> Iterator[Write]:
    """All that it would write, whichever branch it took."""
    if operation.function == "txn" and isinstance(operation.value, dict):
        for succeeded in (True, False):
            yield from writes_of(replace(operation, result={"succeeded": succeeded}))
    elif operation.function == "cas":
        yield from writes_of(replace(operation, result=None))
    else:
        yield from writes_of(operation)


def _is_possible(operation: Operation, write: Write) -> bool:
    if operation.status is not Status.OK:
        return operation.status is Status.INFO
    is_conditional = operation.function == "cas" or has_succeeded(operation) is not None
    return not is_conditional or write in writes_of(operation)


REFUSALS = Refusals()
