"""One scenario: a simulated cluster, a workload's clients, a plan; its history and its verdicts.

The invariants look at every member after each event, as in runs without clients of a workload.
"""

import traceback
from dataclasses import dataclass

from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.check.compose import compose
from jepsen_tests.history import FaultBand, History, RunInfo
from jepsen_tests.plan_json import plan_to_json
from jepsen_tests.sim.blame import is_of_product
from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.invariants import Invariants
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.nemesis import Nemesis
from jepsen_tests.sim.reckoning import Reckoning
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.scenario import Scenario, different_from_calm
from jepsen_tests.sim.under_test import SimUnderTest
from jepsen_tests.sim.world import SECOND, World
from jepsen_tests.verdict import Checker, Finding, State, Verdict, worst
from jepsen_tests.workload.catalogue import WORKLOADS
from jepsen_tests.workload.running import run
from jepsen_tests.world.trial import Trial
from jepsen_tests.world.virtual import VirtualWorld
from raftkv.config import VERSION

END_SECONDS_MAX = 300
"""After the load: a run that takes longer hangs."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run came to."""

    scenario: Scenario
    history: History
    verdicts: tuple[Verdict, ...]
    events: int
    """Of the simulation."""
    virtual_seconds: float

    @property
    def state(self) -> State:
        """That of all verdicts together."""
        return worst(self.verdicts)


class WorkloadRun:
    """Everything that a scenario brings about."""

    def __init__(self, scenario: Scenario, *, from_inside: bool = True) -> None:
        self.scenario = scenario
        self._from_inside = from_inside
        self.world = World(scenario.seed)
        conditions = scenario.conditions
        self.cluster = SimCluster(self.world, conditions, scenario.members, serves_clients=True)
        self.history = History(run=_run_info(scenario))
        self._reference = Reference()
        self._invariants = Invariants(self.cluster, self._reference)
        if from_inside:
            self.cluster.network.on_send = self._invariants.sent
        self._virtual = VirtualWorld(self.world, self.world.random)
        self._under_test = SimUnderTest(self.cluster, self._virtual, conditions, self._healed)
        self._nemesis = Nemesis(self.cluster, Ledger(self.cluster, self._reference))
        self.trial = Trial(self._virtual, self._under_test, self.history, scenario.load)

    def carry_out(self) -> None:
        """Runs it; fills the history.

        Raises:
            BrokenPromiseError: A promise of Raft or of the disk.
            AssertionError: The production code met a state it holds to be impossible.
        """
        scenario = self.scenario
        workload = WORKLOADS[scenario.workload]
        task = self._virtual.spawn(run(self.trial, workload, scenario.plan))
        if _storms(scenario):
            self._nemesis.start()
        end = int(scenario.load.seconds) + END_SECONDS_MAX
        look = self._invariants.check if self._from_inside else self._look_away
        for second in range(1, end):
            self.world.run_until(second * SECOND, look)
            if task.done():
                if self._from_inside:
                    Reckoning(self.cluster, self._reference).reckon()
                return
        raise BrokenPromiseError(f"the run was not over after {end} s")

    def _look_away(self) -> None:
        """After each event, when nobody looks from inside."""
        self.cluster.touched.clear()

    def close(self) -> None:
        """Ends whatever still runs; it is not to be used any more."""
        self._virtual.close()

    def _healed(self) -> None:
        """From here on nothing disturbs the cluster."""
        self._nemesis.heal()
        different = different_from_calm(self.scenario.conditions)
        self.history.append(
            FaultBand(
                name="conditions",
                targets=[],
                begin_ns=0,
                end_ns=self._virtual.now_ns(),
                detail=", ".join(f"{name} {value:g}" for name, value in different.items()),
            )
        )


def judge(
    scenario: Scenario,
    *,
    from_inside: bool = True,
    others: tuple[Checker, ...] | None = None,
) -> Judged:
    """Runs a scenario to its verdicts: that of the invariants, then those of the checkers.

    Without looking from inside, only the history is judged, as that of real processes is. `others`
    take the place of the checkers that the workload names.
    """
    run_of_it = WorkloadRun(scenario, from_inside=from_inside)
    try:
        run_of_it.carry_out()
        broken = (Verdict("invariants", State.VALID),)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict
        broken = (_verdict_on(error, run_of_it.world.now_us),)
    finally:
        run_of_it.close()
    history = run_of_it.history
    of_workload = WORKLOADS[scenario.workload].checkers
    verdicts = _checked(history, of_workload if others is None else others)
    return Judged(
        scenario,
        history,
        broken + verdicts,
        run_of_it.world.events_run,
        run_of_it.world.now_us / SECOND,
    )


def _checked(history: History, checkers: tuple[Checker, ...]) -> tuple[Verdict, ...]:
    try:
        return compose(history, [each for each in checkers if each not in API_CHECKERS])
    except Exception as error:  # noqa: BLE001 - a checker that stumbles says nothing of the store
        text = "".join(traceback.format_exception(error))
        what = f"A checker stumbled: {type(error).__name__}: {error}"
        return (Verdict("checkers", State.HARNESS, (Finding(what, details=text),)),)


def _verdict_on(error: Exception, now_us: int) -> Verdict:
    is_broken = isinstance(error, BrokenPromiseError)
    state = State.INVALID if is_broken or is_of_product(error) else State.HARNESS
    what = str(error) if is_broken else f"{type(error).__name__}: {error}"
    text = "".join(traceback.format_exception(error))
    finding = Finding(f"After {now_us / SECOND:.3f} s: {what}", details=text)
    return Verdict("invariants", state, (finding,))


def _storms(scenario: Scenario) -> bool:
    conditions = scenario.conditions
    return any(
        (
            conditions.new_leader_harm,
            conditions.crashes_per_second,
            conditions.partitions_per_second,
            conditions.pauses_per_second,
            conditions.resets_per_second,
            conditions.transfers_per_second,
            conditions.membership_changes_per_second,
        )
    )


def _run_info(scenario: Scenario) -> RunInfo:
    return RunInfo(
        workload=scenario.workload,
        world="sim",
        seed=scenario.seed,
        plan=plan_to_json(scenario.plan),
        version=VERSION,
        command="python -m jepsen_tests replay DIR",
    )
