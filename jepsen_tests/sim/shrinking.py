"""Shrinking: the smallest scenario that still fails in the same way.

Greedy: of all simpler scenarios the first that fails takes the place of the one at hand, until none
does (delta debugging, Zeller and Hildebrandt). What is simpler: fewer faults, fewer operations,
calmer conditions, fewer members and clients, less time. A simpler scenario may need other luck, so
each is tried with a few other seeds, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from jepsen_tests.plan import At, Plan
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.sim.swarm import without_storm
from jepsen_tests.sim.workload_run import Judged, judge
from jepsen_tests.verdict import Checker, State
from jepsen_tests.workload.catalogue import WORKLOADS

RUNS_MAX = 400
SEEDS_TRIED = 4
"""Of each simpler scenario: its own and others."""
FEW_OPERATIONS = 20
SEEDS_TRIED_OF_FEW = 12
"""Where there are few operations a run is quick, and luck counts for more."""
_OPERATIONS = (4, 8, 12, 20, 40, 80, 160, 320)
_SECONDS_MIN = 2.0


@dataclass(slots=True)
class Shrunk:
    """What came of it."""

    scenario: Scenario
    judged: Judged
    runs: int
    is_final: bool
    """Whether nothing simpler fails, as far as was tried; else the runs were used up."""


def failing_checkers(judged: Judged) -> frozenset[str]:
    """Which checkers find the run invalid."""
    return frozenset(v.checker for v in judged.verdicts if v.state is State.INVALID)


def shrink(
    judged: Judged,
    runs_max: int = RUNS_MAX,
    on_simpler: Callable[[Scenario, int], None] = lambda *_: None,
) -> Shrunk:
    """The smallest scenario that fails by one of the same checkers; the one given must fail."""
    wanted = failing_checkers(judged)
    assert wanted, "nothing is to be shrunk of a run that is valid"
    best, runs = judged, 0
    progress = True
    while progress:
        progress = False
        for simpler in _simpler(best.scenario):
            found, tried = _try(simpler, wanted, runs_max - runs)
            runs += tried
            if found is not None:
                best, progress = found, True
                on_simpler(best.scenario, runs)
                break
            if runs >= runs_max:
                return Shrunk(best.scenario, best, runs, is_final=False)
    return Shrunk(best.scenario, best, runs, is_final=True)


def _try(scenario: Scenario, wanted: frozenset[str], runs_max: int) -> tuple[Judged | None, int]:
    """The first run of a scenario, by a few seeds, that fails as wanted; and how many ran."""
    few = (
        scenario.load.operations_max is not None and scenario.load.operations_max <= FEW_OPERATIONS
    )
    seeds = min(SEEDS_TRIED_OF_FEW if few else SEEDS_TRIED, runs_max)
    others = _quickest(scenario.workload, wanted)
    for tried in range(seeds):
        load = replace(scenario.load, seed=scenario.seed + tried)
        judged = judge(replace(scenario, load=load), others=others)
        if failing_checkers(judged) & wanted:
            return judged, tried + 1
    return None, seeds


def _quickest(workload: str, wanted: frozenset[str]) -> tuple[Checker, ...]:
    """Those of a workload's checkers that are wanted; a search only where nothing else tells."""
    checkers = tuple(each for each in WORKLOADS[workload].checkers if each.name in wanted)
    quick = tuple(each for each in checkers if not each.name.startswith("linearizable"))
    return quick if wanted - {each.name for each in checkers} or quick else checkers


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Simpler ones, those first that leave out the most."""
    yield from _less_load(scenario)
    yield from (replace(scenario, plan=plan) for plan in _shorter_plans(scenario.plan))
    yield from _calmer(scenario)
    yield from (replace(scenario, members=n) for n in (1, 3) if n < scenario.members)
    yield from _sooner(scenario)


def _calmer(scenario: Scenario) -> Iterator[Scenario]:
    conditions = scenario.conditions
    calm = Faults()
    quiet = without_storm(conditions)
    candidates = [calm, quiet, replace(calm, pre_vote=conditions.pre_vote)]
    for each in fields(Faults):
        value = getattr(calm, each.name)
        if getattr(conditions, each.name) != value:
            candidates.append(replace(conditions, **{each.name: value}))
    for candidate in candidates:
        if candidate != conditions:
            yield replace(scenario, conditions=candidate)


def _shorter_plans(plan: Plan) -> Iterator[Plan]:
    size = len(plan)
    while size:
        for begin in range(0, len(plan), size):
            yield plan[:begin] + plan[begin + size :]
        size //= 2


def _less_load(scenario: Scenario) -> Iterator[Scenario]:
    load = scenario.load
    most = load.operations_max
    for count in _OPERATIONS:
        if most is None or count < most:
            yield replace(scenario, load=replace(load, operations_max=count))
    for clients in (2, 3, 5):
        if clients < load.clients:
            yield replace(scenario, load=replace(load, clients=clients))


def _sooner(scenario: Scenario) -> Iterator[Scenario]:
    """The same in half the time, or with the time cut off after the last fault."""
    load = scenario.load
    last = max((at.until_seconds or at.seconds for at in scenario.plan), default=0.0)
    for seconds in (_SECONDS_MIN, last + 1.0, load.seconds / 2):
        if max(_SECONDS_MIN, last) <= seconds < load.seconds - 0.5:
            yield replace(scenario, load=replace(load, seconds=round(seconds, 3)))
    if last > _SECONDS_MIN:
        plan = tuple(_halved(at) for at in scenario.plan)
        yield replace(scenario, plan=plan, load=replace(load, seconds=load.seconds / 2))


def _halved(at: At) -> At:
    until = None if at.until_seconds is None else round(at.until_seconds / 2, 3)
    return At(round(at.seconds / 2, 3), at.fault, until)
