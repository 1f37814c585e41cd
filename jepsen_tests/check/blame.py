"""Whose fault it is: the store's, the client's, or that cannot be told.

Between a store and the person who sees an anomaly lies a client library, and some of them have
retried what must not be retried, or taken "I don't know" for "no". Jepsen's report on jetcd 0.8.2
(etcd's issue 14890) shows how long the two can be mistaken for each other. So before the store is
blamed, what each operation was told is held against the log of what happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from jepsen_tests.check.effects import PUT, READERS, WRITERS, is_write, writes_of
from jepsen_tests.check.event_log import (
    EventLog,
    LogEvent,
    event_log_of,
    key_values_of,
    told_by_key_value,
)
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding

INDEFINITE = ("deadline", "unavailable", "cancel", "timed out", "timeout", "unknown", "connection")
"""Words of errors after which the operation may have happened."""


class Side(StrEnum):
    """Where the fault lies."""

    STORE = "store"
    CLIENT = "client"
    OPEN = "store or client"


@dataclass(frozen=True, slots=True)
class Blame:
    """Whose fault something is, and why, in one sentence."""

    side: Side
    why: str


def blame(history: History, finding: Finding) -> Blame:
    """Judges by the finding's own operations; the first that says something decides."""
    log = event_log_of(history)
    for operation in finding.operations:
        for judgement in _judgements(operation, log, history):
            return judgement
    if finding.watches and not finding.operations:
        why = "only watches show it, and a client that resumes one may drop or double events itself"
        return Blame(Side.OPEN, why)
    return Blame(Side.OPEN, "each operation by itself agrees with the log of what happened")


def _judgements(operation: Operation, log: EventLog, history: History) -> Iterator[Blame]:
    if operation.function in WRITERS and operation.status is Status.FAIL:
        yield from _refused(operation, log)
    elif operation.function in WRITERS and operation.status is Status.OK and is_write(operation):
        yield from _written(operation, log, history)
    elif operation.function in READERS and operation.status is Status.OK:
        yield from _read(operation, log)


def _refused(operation: Operation, log: EventLog) -> Iterator[Blame]:
    """What was called refused, and is in the log."""
    for write in writes_of(operation):
        for event in _puts(log, write.key, write.value):
            error = operation.error.lower()
            where = f"but is in the log at revision {event.revision}"
            if any(word in error for word in INDEFINITE):
                why = f"{operation.error!r} does not say that nothing happened; it was taken so, "
                yield Blame(Side.CLIENT, why + where)
            else:
                yield Blame(Side.STORE, f"it was refused with {operation.error!r}, {where}")


def _written(operation: Operation, log: EventLog, history: History) -> Iterator[Blame]:
    """What was answered, and is in the log twice, elsewhere, or not at all."""
    for write in writes_of(operation):
        if write.kind != PUT or write.value is None:
            continue
        # The answer itself is a source of the log; here it is held against the others.
        seen = [e for e in _puts(log, write.key, write.value) if e.source is not operation]
        revisions = ", ".join(str(event.revision) for event in seen)
        calls = _calls(history, write.key, write.value)
        if len(seen) > calls:
            why = f"{write.value!r} was called for {calls} times and is in the log at {revisions}: "
            yield Blame(Side.OPEN, f"{why}sent twice by the client, or applied twice")
        elif seen and operation.revision not in {event.revision for event in seen}:
            why = f"revision {operation.revision} was answered, the log has it at {revisions}"
            yield Blame(Side.STORE, why)
        elif not seen and operation.revision <= log.vouched_until(write.key, 0):
            why = f"revision {operation.revision} was answered, and watches of that time lack it"
            yield Blame(Side.STORE, why)


def _read(operation: Operation, log: EventLog) -> Iterator[Blame]:
    """What was read, and is not in the log."""
    for kv in key_values_of(operation):
        event = log.at.get((kv["mod_revision"], kv["key"]))
        if event is not None and event.source is not operation:
            told = told_by_key_value(kv)
            if any(
                ours not in {None, theirs} for ours, theirs in zip(event.told, told, strict=True)
            ):
                yield Blame(Side.STORE, f"it read {told}, where the log has {event.told}")


def _puts(log: EventLog, key: str, value: str | None) -> list[LogEvent]:
    if value is None:
        return []
    return [each for each in log.by_key.get(key, []) if each.kind == PUT and each.value == value]


def _calls(history: History, key: str, value: str) -> int:
    """How many operations would have written this."""
    return sum(
        any(write.key == key and write.value == value for write in writes_of(operation))
        for operation in history.operations
        if operation.function in WRITERS and operation.status is not Status.FAIL
    )
