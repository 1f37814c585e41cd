"""A set: whatever was added for certain is in every later read, and nothing else is in any.

`add` adds its value to the set `key`; `read` gives all elements as a list.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from jepsen_tests.check.etcd_operations import is_of_the_past
from jepsen_tests.check.words import in_words, many
from jepsen_tests.history import History, MalformedError, Operation, Status
from jepsen_tests.model.model import frozen
from jepsen_tests.verdict import Finding, State, Verdict

FINDINGS_MAX = 20
_SHOWN_MAX = 6


@dataclass(frozen=True, slots=True)
class SetReads:
    """Checks each read of a set against the adds."""

    name: str = "set"

    def check(self, history: History) -> Verdict:
        """Nothing lost, nothing stale, nothing invented, nothing twice."""
        findings: list[Finding] = []
        notes: list[str] = []
        for key, operations in sorted(history.by_key.items()):
            adds = [one for one in operations if one.function == "add"]
            reads = [
                one
                for one in operations
                if one.function == "read" and one.status is Status.OK and not is_of_the_past(one)
            ]
            if adds or reads:
                findings += _judge(key, adds, reads)
                notes += _unread(key, adds, reads)
        state = State.INVALID if findings else State.UNKNOWN if notes else State.VALID
        if len(findings) > FINDINGS_MAX:
            notes.append(f"{len(findings) - FINDINGS_MAX} more findings")
        return Verdict(self.name, state, tuple(findings[:FINDINGS_MAX]), "; ".join(notes))


def _judge(key: str, adds: Sequence[Operation], reads: Sequence[Operation]) -> Iterator[Finding]:
    added = {frozen(one.value): one for one in adds if one.status is not Status.FAIL}
    refused = {frozen(one.value): one for one in adds if one.status is Status.FAIL}
    certain = sorted(_certain(adds), key=lambda one: one.return_ns or 0)
    seen_later: set[Hashable] = set()
    for read in sorted(reads, key=lambda one: one.call_ns, reverse=True):
        elements = _elements(read)
        if len(set(elements)) < len(elements):
            yield Finding(f"{in_words(read)} has an element of set {key!r} twice.", (read,))
        for element in elements:
            if element not in added:
                culprit = refused.get(element)
                origin = "was refused" if culprit is not None else "was never added"
                operations = (read,) if culprit is None else (culprit, read)
                yield Finding(f"{in_words(read)} has {element!r}, which {origin}.", operations)
        yield from _missing(key, read, set(elements), certain, seen_later)
        seen_later.update(elements)


def _missing(
    key: str,
    read: Operation,
    elements: set[Hashable],
    certain: list[Operation],
    seen_later: set[Hashable],
) -> Iterator[Finding]:
    """What was added before the read was called, and is not in it."""
    missing = [
        one
        for one in certain
        if one.return_ns is not None
        and one.return_ns < read.call_ns
        and frozen(one.value) not in elements
    ]
    lost = [one for one in missing if frozen(one.value) not in seen_later]
    stale = [one for one in missing if frozen(one.value) in seen_later]
    for kind, group in (("lost", lost), ("not seen yet", stale)):
        if group:
            what = (
                f"{in_words(read)} of set {key!r} lacks {many(len(group), 'element')} that had "
                f"been added before, {kind}: {[one.value for one in group[:_SHOWN_MAX]]}."
            )
            yield Finding(what, (*group[:_SHOWN_MAX], read))


def _unread(key: str, adds: Sequence[Operation], reads: Sequence[Operation]) -> Iterator[str]:
    """Says how many adds no read came after: nothing is known of them."""
    last_ns = max((read.call_ns for read in reads), default=-1)
    count = sum(one.return_ns is not None and one.return_ns >= last_ns for one in _certain(adds))
    if count:
        yield f"{many(count, 'add')} to {key!r} with no read after"


def _certain(adds: Sequence[Operation]) -> Iterator[Operation]:
    return (one for one in adds if one.status is Status.OK)


def _elements(read: Operation) -> list[Hashable]:
    if read.result is None:
        return []
    if not isinstance(read.result, list):
        raise MalformedError(f"a set is read as a list, not as {read.result!r}")
    return [frozen(element) for element in read.result]
