"""What a checker says of a history."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from jepsen_tests.history import History, Operation, WatchEvents


class State(IntEnum):
    """How it came out; the number is the command's exit code."""

    VALID = 0
    INVALID = 1
    UNKNOWN = 2
    """Neither could be shown within the budget: not a pass."""
    HARNESS = 3
    """The harness itself stumbled, so nothing is known of the store."""

    @property
    def word(self) -> str:
        """As a line of output has it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, for a person."""

    what: str
    """One sentence."""
    operations: tuple[Operation, ...] = ()
    """The one to eight that show it."""
    details: str = ""
    watches: tuple[WatchEvents, ...] = ()
    """The responses of watches that show it; with the operations, at most eight."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one checker says of one history."""

    checker: str
    state: State
    findings: tuple[Finding, ...] = ()
    note: str = ""
    """Why it is unknown, and what was left out."""


class Checker(Protocol):
    """Judges histories by one rule."""

    @property
    def name(self) -> str:
        """As it appears in reports."""

    def check(self, history: History) -> Verdict:
        """Its verdict on a whole history."""


_BADNESS = (State.VALID, State.UNKNOWN, State.HARNESS, State.INVALID)


def worst(verdicts: Iterable[Verdict]) -> State:
    """The state of all together: INVALID beats HARNESS beats UNKNOWN beats VALID."""
    return max((verdict.state for verdict in verdicts), key=_BADNESS.index, default=State.VALID)
