"""Linearizability: is there one order of all operations that explains every answer?

The history is taken apart first (a history is linearizable just when each of its independent parts
is: Herlihy and Wing's locality, P-compositionality in Horn and Kroening's words), and each part is
searched by itself (`search.py`). The parts take turns in slices that double, so that a part that is
plainly wrong is found at once, even beside one that would take for ever. The budget counts steps
and not seconds, so a verdict does not depend on the machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jepsen_tests.check.search import Prefix, Search
from jepsen_tests.check.timeline import timeline_of
from jepsen_tests.check.words import in_words, many
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.model.model import Model
from jepsen_tests.verdict import Finding, State, Verdict

STEPS_MAX = 10_000_000
"""Of all parts together: some ten seconds."""
CONFIGURATIONS_MAX = 2_000_000
"""Of all parts together: under a gigabyte."""
_SLICE_STEPS_MIN = 1_000
_SHOWN_MAX = 8
_DETAILS_MAX = 40


@dataclass(frozen=True, slots=True)
class Linearizability:
    """Checks a history against a model."""

    model: Model[Any]
    steps_max: int = STEPS_MAX
    configurations_max: int = CONFIGURATIONS_MAX

    @property
    def name(self) -> str:
        """Says by which model."""
        return f"linearizable {self.model.name}"

    def check(self, history: History) -> Verdict:
        """Whether the operations that the model knows have a linearization."""
        functions = self.model.functions
        known = [operation for operation in history.operations if operation.function in functions]
        left_out = sorted(history.by_function.keys() - functions)
        note = f"left out: {', '.join(left_out)}" if left_out else ""
        return self.check_operations(known, note)

    def check_operations(self, operations: Iterable[Operation], note: str = "") -> Verdict:
        """The same of some operations, all of which the model knows."""
        searches = self._searches(operations)
        open_searches, failed = self._take_turns(searches)
        if failed is not None:
            finding = explain(failed)
            return Verdict(self.name, State.INVALID, (finding,), note)
        if open_searches:
            steps = sum(search.steps for search in searches)
            parts = ", ".join(repr(search.timeline.part) for search in open_searches[:_SHOWN_MAX])
            why = f"{many(len(open_searches), 'part')} undecided after {steps} steps: {parts}"
            return Verdict(self.name, State.UNKNOWN, (), f"{why}; {note}" if note else why)
        return Verdict(self.name, State.VALID, (), note)

    def _searches(self, operations: Iterable[Operation]) -> list[Search]:
        parts: dict[str, list[Operation]] = {}
        for operation in operations:
            parts.setdefault(self.model.part(operation), []).append(operation)
        return [
            Search(timeline_of(part, parts[part], self.model), self.model) for part in sorted(parts)
        ]

    def _take_turns(self, searches: Sequence[Search]) -> tuple[list[Search], Search | None]:
        """The searches that did not end within the budget, or the first that failed."""
        waiting = list(searches)
        slice_steps = _SLICE_STEPS_MIN
        steps = sum(search.steps for search in searches)
        configurations = sum(search.configurations for search in searches)
        while waiting:
            undecided: list[Search] = []
            for turn, search in enumerate(waiting):
                if steps >= self.steps_max or configurations >= self.configurations_max:
                    return undecided + waiting[turn:], None
                steps -= search.steps
                configurations -= search.configurations
                is_linearizable = search.advance(slice_steps)
                if is_linearizable is False:
                    return [], search
                if is_linearizable is None:
                    undecided.append(search)
                steps += search.steps
                configurations += search.configurations
            waiting = undecided
            slice_steps *= 2
        return [], None


def explain(search: Search) -> Finding:
    """Why a part has no linearization: how far one gets, and what cannot follow."""
    prefix = search.longest()
    part = search.timeline.part
    about = f"key {part!r}: " if part else ""
    after = in_words(prefix.linearized[-1]) if prefix.linearized else "the start"
    what = (
        f"{about}no order of the {len(search.timeline.returned)} operations explains all answers; "
        f"after {after} the state is {prefix.state!r}, "
        f"in which {in_words(prefix.stuck[0])} cannot be answered so."
    )
    shown = (*prefix.linearized[-(_SHOWN_MAX // 2) :], *prefix.stuck)[:_SHOWN_MAX]
    return Finding(what, shown, _details(prefix, search))


def _details(prefix: Prefix, search: Search) -> str:
    total = len(search.timeline.returned)
    count = sum(operation.status is Status.OK for operation in prefix.linearized)
    lines = [f"The longest linearization has {count} of {total} operations that returned; its end:"]
    lines += [f"  {in_words(operation)}" for operation in prefix.linearized[-_DETAILS_MAX:]]
    lines.append("Called by then, and none of them leads further:")
    lines += [f"  {in_words(operation)}" for operation in prefix.stuck[:_DETAILS_MAX]]
    if search.timeline.open:
        lines.append(f"Besides {len(search.timeline.open)} whose outcome is not known.")
    return "\n".join(lines)
