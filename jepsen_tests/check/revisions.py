"""Revisions: each write makes exactly one, none is left out, and they never run backwards.

A transaction is one write. Real time counts: an operation that is called after another has returned
has no lower revision, and a higher one if it wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.effects import PUT, WRITERS, is_linearizable, is_write, writes_of
from jepsen_tests.check.event_log import EventLog, event_log_of, finding
from jepsen_tests.check.findings import judged
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import shown
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict

FIRST_WRITE = 2
"""An empty store is at revision 1."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """Checks the revisions of a run."""

    name: str = "revision numbers"

    def check(self, history: History) -> Verdict:
        """Whether they are unique, without gaps, and in the order of real time."""
        return judged(self.name, _look(history, event_log_of(history)))


def _look(history: History, log: EventLog) -> Iterator[Finding]:
    answered = [operation for operation in history.operations if is_linearizable(operation)]
    writes = [operation for operation in answered if is_write(operation)]
    yield from _shared(writes)
    yield from _backwards(answered)
    yield from _split(history, log)
    known = {event.revision for event in log.events}
    for stream in log.streams:
        if stream.is_everything:
            yield from _gaps(stream, known)


def _shared(writes: list[Operation]) -> Iterator[Finding]:
    first_at: dict[int, Operation] = {}
    for operation in writes:
        first = first_at.setdefault(operation.revision, operation)
        if first is not operation:
            yield finding(f"Two writes have revision {operation.revision}.", first, operation)


def _backwards(answered: list[Operation]) -> Iterator[Finding]:
    """Sweeps over the calls; `highest` is the highest revision of what had returned by then."""
    by_return = sorted(answered, key=lambda operation: operation.return_ns or 0)
    returned = 0
    highest: Operation | None = None
    for operation in sorted(answered, key=lambda operation: operation.call_ns):
        while (by_return[returned].return_ns or 0) < operation.call_ns:
            if highest is None or by_return[returned].revision > highest.revision:
                highest = by_return[returned]
            returned += 1
        if highest is None:
            continue
        least = highest.revision + (1 if is_write(operation) else 0)
        if operation.revision < least:
            yield finding(
                f"A {operation.function} got revision {operation.revision}, though revision "
                f"{highest.revision} had been answered before it was called.",
                highest,
                operation,
            )


def _split(history: History, log: EventLog) -> Iterator[Finding]:
    """Writes of one transaction that are found at another revision than its answer has.

    Only of values that one operation alone wrote, by which the transaction can be known again.
    """
    writers: dict[tuple[str, str | None], list[Operation]] = {}
    for operation in history.operations:
        if operation.function in WRITERS and operation.status is not Status.FAIL:
            for write in writes_of(operation):
                if write.kind == PUT and write.value is not None:
                    writers.setdefault((write.key, write.value), []).append(operation)
    for event in log.events:
        found = writers.get((event.key, event.value), []) if event.kind == PUT else []
        if len(found) != 1 or found[0].function != "txn" or not is_linearizable(found[0]):
            continue
        if found[0].revision != event.revision:
            what = f"A transaction of revision {found[0].revision} put {event.key!r} at revision "
            yield finding(f"{what}{event.revision}.", found[0], event.source)


def _gaps(stream: Stream, known: set[int]) -> Iterator[Finding]:
    """Revisions at which nothing happened, though a watch of everything was told of later ones."""
    first = stream.first
    begin = max(stream.start, FIRST_WRITE) if stream.start else stream.highest
    for revision in range(begin, stream.highest):
        if revision not in known:
            yield finding(
                f"Nothing happened at revision {revision}, as the {shown(stream)} shows, which was "
                f"told of revisions up to {stream.highest}.",
                first.response if first else None,
                *(d.response for d in stream.deliveries if d.event["mod_revision"] == revision + 1),
            )


REVISIONS = Revisions()
