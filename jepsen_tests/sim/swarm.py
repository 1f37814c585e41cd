"""Drawing runs: each seed has its own workload, size, conditions and plan (swarm testing).

Each kind of trouble is left out of many runs, so that none hides another, and most plans are short:
failures rarely need more than three events (Yuan et al., "Simple testing can prevent most critical
failures").
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from jepsen_tests import plan
from jepsen_tests.plan import At, Fault, Plan
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.faults import draw as draw_conditions
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.world.trial import Load

SECONDS = 20.0
FAULTS_MAX = 4
FAULT_SECONDS_MAX = 5.0
STORM_CHANCE = 0.25
"""How often the random nemesis harms besides the plan."""
_SHAPES = ("majority-minority", "leader-isolated", "ring", "one-way", "bridge", "peers", "clients")
_TARGETS = ("leader", "leader", "follower", "any", "minority", "majority", "all")
_FEW = ("leader", "leader", "follower", "any", "minority")


def draw(
    seed: int,
    workloads: Sequence[str],
    *,
    seconds: float = SECONDS,
    the_plan: Plan | None = None,
) -> Scenario:
    """The scenario of a seed; a plan that is given is not left to chance."""
    chance = random.Random(f"swarm:{seed}")
    workload = chance.choice(workloads)
    members = chance.choice((1, 3, 3, 3, 5))
    conditions = draw_conditions(chance)
    if chance.random() >= STORM_CHANCE:
        conditions = without_storm(conditions)
    drawn = draw_plan(chance, seconds)
    load = Load(
        seed=seed,
        seconds=seconds,
        clients=chance.choice((3, 5, 10)),
        operations_per_second=chance.choice((20.0, 50.0, 100.0)),
    )
    return Scenario(
        workload=workload,
        load=load,
        members=members,
        conditions=conditions,
        plan=drawn if the_plan is None else the_plan,
    )


def without_storm(conditions: Faults) -> Faults:
    """The same without what the random nemesis does."""
    return replace(
        conditions,
        new_leader_harm=0.0,
        crashes_per_second=0.0,
        partitions_per_second=0.0,
        pauses_per_second=0.0,
        resets_per_second=0.0,
        transfers_per_second=0.0,
        membership_changes_per_second=0.0,
    )


def draw_plan(chance: random.Random, seconds: float) -> Plan:
    """A plan of none to a few faults, each for moments or for seconds."""
    faults = []
    for _ in range(chance.randint(0, FAULTS_MAX)):
        begin = round(chance.uniform(0.0, 0.8 * seconds), 3)
        lasts = chance.choice((0.2, 1.0, FAULT_SECONDS_MAX))
        end = round(begin + chance.uniform(lasts / 4, lasts), 3)
        faults.append(At(begin, draw_fault(chance), end))
    return tuple(sorted(faults, key=lambda at: at.seconds))


def draw_fault(chance: random.Random) -> Fault:
    """One fault."""
    makers, weights = list(_MAKERS), list(_MAKERS.values())
    return chance.choices(makers, weights)[0](chance)


_MAKERS: dict[Callable[[random.Random], Fault], int] = {
    lambda chance: plan.Kill(chance.choice(_TARGETS)): 20,
    lambda chance: plan.Pause(chance.choice(_TARGETS)): 10,
    lambda chance: plan.Partition(chance.choice(_SHAPES)): 20,
    lambda chance: plan.Loss(chance.choice(_TARGETS), round(chance.uniform(0.05, 0.5), 2)): 5,
    lambda chance: plan.Delay(chance.choice(_TARGETS), *_late(chance)): 5,
    lambda chance: plan.Duplication(chance.choice(_TARGETS)): 3,
    lambda chance: plan.Reordering(chance.choice(_TARGETS)): 3,
    lambda chance: plan.Reset(chance.choice(_TARGETS)): 5,
    lambda chance: plan.ClockSkew(
        chance.choice(_FEW), chance.choice((0.0, 1.0)), chance.choice((0.5, 0.8, 1.25, 2.0))
    ): 5,
    lambda chance: plan.SlowDisk(chance.choice(_FEW), round(chance.uniform(0.01, 0.5), 2)): 5,
    lambda chance: plan.MemberChange(
        chance.choice(("replace", "add", "remove", "learner", "promote"))
    ): 10,
    lambda _: plan.RollingRestart(): 2,
    lambda chance: plan.SnapshotCut(chance.choice(("follower", "any"))): 8,
    lambda chance: plan.Transfer(chance.choice(("follower", "any"))): 8,
    lambda chance: plan.Compact(chance.choice((0, 5, 50))): 8,
    lambda _: plan.ClientDeath(): 4,
}
"""What makes a fault, and how often it is chosen."""


def _late(chance: random.Random) -> tuple[float, float]:
    return round(chance.uniform(1, 200), 1), round(chance.uniform(0, 200), 1)
