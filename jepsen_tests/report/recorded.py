"""A run as the sections of its page read it: history and verdicts, in order and on one clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, State, Verdict, worst

FINDINGS_SHOWN_MAX: Final = 20
"""More are counted, not shown: the first few tell what the rest would."""


SAMPLES = frozenset({"resident_bytes"})
"""Facts that are taken again and again: what counts is how they go on, not each of them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding on the page, with where its operations lie among all."""

    number: int
    checker: str
    state: State
    finding: Finding
    operations: tuple[Operation, ...]
    """In the order of their calls."""
    places: tuple[int | None, ...]
    """The place of each in `Recorded.operations`; None: the history does not have it."""
    labels: tuple[str, ...]
    """What each is called on the page: `3`, or `2.3` in the second of several findings."""


@dataclass(frozen=True)
class Recorded:
    """What is known of a run."""

    history: History
    verdicts: tuple[Verdict, ...]
    folder: str = ""
    """Where it is kept, as the commands that replay it need to be told; empty: nowhere."""

    @cached_property
    def state(self) -> State:
        """What it came to. A run that nobody judged has no verdict, which is no pass."""
        return worst(self.verdicts) if self.verdicts else State.UNKNOWN

    @cached_property
    def operations(self) -> list[Operation]:
        """In the order of their calls."""
        return sorted(self.history.operations, key=lambda operation: operation.call_ns)

    @cached_property
    def begin_ns(self) -> int:
        """The earliest time of the run, from which the page counts."""
        return min(self._times(), default=0)

    @cached_property
    def length_ns(self) -> int:
        """From the first to the last that was recorded."""
        return max(self._times(), default=0) - self.begin_ns

    def _times(self) -> Iterator[int]:
        for operation in self.history.operations:
            yield operation.call_ns
            if operation.return_ns is not None:
                yield operation.return_ns
        for fault in self.history.faults:
            if not fault.skipped:
                yield fault.begin_ns
                yield fault.begin_ns if fault.end_ns is None else fault.end_ns
        yield from (watch.received_ns for watch in self.history.watches)
        yield from (member.at_ns for member in self.history.members)
        # A fact without a time has time 0.
        yield from (fact.at_ns for fact in self.history.facts if fact.at_ns)

    @cached_property
    def counts(self) -> dict[Status, int]:
        """How many operations ended how."""
        counts = dict.fromkeys(Status, 0)
        for operation in self.history.operations:
            counts[operation.status] += 1
        return counts

    @cached_property
    def findings_count(self) -> int:
        """Of all checkers."""
        return sum(len(verdict.findings) for verdict in self.verdicts)

    @cached_property
    def findings(self) -> list[Shown]:
        """Those that the page shows, the ones of broken promises first."""
        by_badness = sorted(self.verdicts, key=lambda verdict: verdict.state is not State.INVALID)
        pairs = [(verdict, finding) for verdict in by_badness for finding in verdict.findings]
        return [
            self._shown(number, verdict, finding)
            for number, (verdict, finding) in enumerate(pairs[:FINDINGS_SHOWN_MAX])
        ]

    def _shown(self, number: int, verdict: Verdict, finding: Finding) -> Shown:
        operations = tuple(sorted(finding.operations, key=lambda operation: operation.call_ns))
        places = tuple(self._place(operation) for operation in operations)
        prefix = f"{number + 1}." if self.findings_count > 1 else ""
        labels = tuple(f"{prefix}{place + 1}" for place in range(len(operations)))
        return Shown(number, verdict.checker, verdict.state, finding, operations, places, labels)

    def _place(self, operation: Operation) -> int | None:
        """By equality: a finding may come from a file."""
        for place in self._by_call.get((operation.process, operation.call_ns), ()):
            if self.operations[place] == operation:
                return place
        return None

    @cached_property
    def _by_call(self) -> dict[tuple[int, int], list[int]]:
        places: dict[tuple[int, int], list[int]] = {}
        for place, operation in enumerate(self.operations):
            places.setdefault((operation.process, operation.call_ns), []).append(place)
        return places
