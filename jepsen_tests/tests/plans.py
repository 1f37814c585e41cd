"""Plans and scenarios for properties, drawn by hypothesis; what it draws it also shrinks."""

from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from jepsen_tests.plan import FAULTS, SECONDS_MAX, TARGET_WORDS, At, Fault, Plan
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.workload.catalogue import WORKLOADS
from jepsen_tests.world.trial import Load

NAMES = st.sampled_from([*TARGET_WORDS, "m1", "m2", "m3"])
GROUPS = st.lists(st.lists(NAMES, max_size=3).map(tuple), max_size=3).map(tuple)


def _field(field: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - a dataclass's field
    metadata = field.metadata
    if "words" in metadata:
        return st.sampled_from(metadata["words"])
    if "target" in metadata:
        return NAMES
    if "least" not in metadata:
        return GROUPS
    least, most = metadata["least"], metadata["most"]
    if isinstance(field.default, int):
        return st.integers(least, most)
    return st.floats(least, most)


FAULT: st.SearchStrategy[Fault] = st.one_of(
    *(
        st.builds(kind, **{field.name: _field(field) for field in fields(kind)})
        for kind in FAULTS.values()
    )
)
"""Every kind of fault, with everything that it can carry."""


@st.composite
def ats(draw: st.DrawFn, seconds_max: float = SECONDS_MAX) -> At:
    """A fault with its time."""
    begin = draw(st.floats(0.0, seconds_max))
    until = draw(st.none() | st.floats(begin, seconds_max))
    return At(begin, draw(FAULT), until)


def plans(size_max: int = 5) -> st.SearchStrategy[Plan]:
    """Plans in the order of time."""
    return st.lists(ats(), max_size=size_max).map(
        lambda drawn: tuple(sorted(drawn, key=lambda at: at.seconds))
    )


def scenarios() -> st.SearchStrategy[Scenario]:
    """Whole scenarios."""
    loads = st.builds(
        Load,
        seed=st.integers(0, 2**40),
        seconds=st.floats(0.0, 60.0),
        clients=st.integers(1, 20),
        operations_per_second=st.floats(1.0, 500.0),
        operations_max=st.none() | st.integers(0, 1_000),
    )
    chances = st.floats(0.0, 1.0)
    conditions = st.builds(
        Faults, message_loss=chances, clock_drift=chances, pre_vote=st.booleans()
    )
    return st.builds(
        Scenario,
        workload=st.sampled_from(sorted(WORKLOADS)),
        load=loads,
        members=st.integers(1, 7),
        conditions=conditions,
        plan=plans(),
    )
