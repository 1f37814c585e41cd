"""What the index says of one run."""

from dataclasses import dataclass
from typing import Final

from jepsen_tests.report.headline import lead, world_text
from jepsen_tests.report.markup import visible
from jepsen_tests.report.planned import fault_set
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.verdict import State

_SENTENCE_CHARACTERS_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One run in a line."""

    name: str
    """Its folder, below the one that the index is of."""
    link: str = ""
    """To its page, relative to the index; empty: it has none."""
    state: State
    sentence: str
    workload: str = ""
    world: str = ""
    faults: str = ""
    """The kinds of faults that were asked for, together: a column of the matrix."""
    seed: int = 0
    operations: int = 0
    length_ns: int = 0


def summary(recorded: Recorded, *, name: str, link: str) -> Summary:
    """Of a run that could be read."""
    run = recorded.history.run
    return Summary(
        name=name,
        link=link,
        state=recorded.state,
        sentence=visible(lead(recorded), _SENTENCE_CHARACTERS_MAX),
        workload=visible(run.workload or "unnamed", 60),
        world=world_text(run.world),
        faults=fault_set(recorded),
        seed=run.seed,
        operations=len(recorded.operations),
        length_ns=recorded.length_ns,
    )


def unreadable(name: str, error: Exception) -> Summary:
    """Of a run that could not: the harness failed, nothing is known of the store."""
    return Summary(
        name=name,
        state=State.HARNESS,
        sentence=visible(f"It could not be read: {error}", _SENTENCE_CHARACTERS_MAX),
        workload="unreadable",
        world="unknown",
        faults="unknown",
    )
