"""The faults that were asked for, in words."""

from typing import Final

from jepsen_tests.history import Json
from jepsen_tests.report.markup import visible
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.words import value_text

NAME_CHARACTERS_MAX: Final = 60
_OF_TIME = frozenset({"at", "seconds", "until", "until_seconds", "fault"})
_EMPTY: Final[tuple[Json, ...]] = (None, "", [])


def step_text(step: Json) -> str:
    """A timed fault: `at 3 s: partition (shape leader-isolated), until 8 s`."""
    if not isinstance(step, dict) or _name(step) is None:
        return value_text(step, 200)
    fault = step["fault"]
    parameters = {**step, **fault} if isinstance(fault, dict) else step
    rest = [
        f"{visible(key, NAME_CHARACTERS_MAX)} {value_text(value, 80)}"
        for key, value in parameters.items()
        if key not in _OF_TIME | {"name"} and value not in _EMPTY
    ]
    words = " ".join([_name(step) or "", *([f"({', '.join(rest)})"] if rest else [])])
    begins = step.get("at", step.get("seconds"))
    until = step.get("until", step.get("until_seconds"))
    ends = "" if until is None else f", until {value_text(until, 20)} s"
    return f"at {value_text(begins, 20)} s: {words}{ends}"


def _name(step: Json) -> str | None:
    match step:
        case {"fault": {"name": str(name)}} | {"fault": str(name)}:
            return visible(name, NAME_CHARACTERS_MAX)
        case _:
            return None


def fault_set(recorded: Recorded) -> str:
    """The kinds of faults that a run was asked to bear, whether or not each could be made.

    From the plan; where it does not say, from what was done and skipped.
    """
    planned = {_name(step) for step in recorded.history.run.plan}
    done = {visible(fault.name, NAME_CHARACTERS_MAX) for fault in recorded.history.faults}
    names = {name for name in planned if name} if planned and None not in planned else done
    return " + ".join(sorted(names)) or "no faults"
