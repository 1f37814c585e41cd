"""Liveness: once all faults are over, there is a leader within a bound, and it answers.

A run that ended before the bound was over shows nothing either way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.effects import READERS, WRITERS
from jepsen_tests.check.event_log import finding
from jepsen_tests.check.findings import judged
from jepsen_tests.check.heal import end_ns, healed_ns
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, State, Verdict

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Liveness:
    """Checks what has to happen after the last fault."""

    settled_within_ns: int = 10 * SECOND_NS
    """A leader is elected, connections are made again."""
    answered_within_ns: int = 5 * SECOND_NS
    """Then each operation takes no longer than this."""
    name: str = "liveness"

    def check(self, history: History) -> Verdict:
        """Whether the cluster came back."""
        healed, end = healed_ns(history), end_ns(history)
        if healed is None:
            return Verdict(self.name, State.UNKNOWN, note="a fault lasted to the end")
        settled = healed + self.settled_within_ns if history.faults else healed
        if end < settled:
            note = f"the run ended {(end - healed) / SECOND_NS:.1f} s after the last fault"
            return Verdict(self.name, State.UNKNOWN, note=note)
        return judged(self.name, self._look(history, healed, settled))

    def _look(self, history: History, healed: int, settled: int) -> Iterator[Finding]:
        yield from self._leaderless(history, healed, settled)
        requests = [each for each in history.operations if each.function in WRITERS | READERS]
        yield from self._unanswered([each for each in requests if each.call_ns >= settled])
        after = [each for each in requests if each.call_ns >= healed]
        if after and not any(each.status is Status.OK for each in after):
            what = "Nothing was answered after the last fault was over."
            yield finding(what, *after[:4], *after[-4:])

    def _leaderless(self, history: History, healed: int, settled: int) -> Iterator[Finding]:
        """Samples tell only where there are some in time."""
        samples = [state for state in history.members if healed <= state.at_ns <= settled]
        is_sampled = bool(samples) and history.faults
        if is_sampled and not any(state.role == "leader" for state in samples):
            seconds = self.settled_within_ns / SECOND_NS
            yield Finding(f"No member led within {seconds:.0f} s after the last fault was over.")

    def _unanswered(self, operations: list[Operation]) -> Iterator[Finding]:
        for operation in operations:
            returned = operation.return_ns
            took = None if returned is None else returned - operation.call_ns
            # One that was cut off by the end of the run was not given its time.
            is_slow = took is not None and took > self.answered_within_ns
            if is_slow or (operation.status is Status.INFO and took is not None):
                what = f"A {operation.function} was not answered, long after the last fault"
                yield finding(f"{what}: {operation.error or 'too slow'}.", operation)


LIVENESS = Liveness()
