"""A run from its first request to its last: setup, load and faults, peace, final reads."""

from contextlib import suppress

from jepsen_tests.plan import Plan
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.finale import read_everything
from jepsen_tests.world.nemesis import PlanNemesis
from jepsen_tests.world.ports import Refused, Task, Unanswered
from jepsen_tests.world.recording import CALL_SECONDS_MAX
from jepsen_tests.world.requests import current_revision
from jepsen_tests.world.trial import Trial

SAMPLE_SECONDS = 0.5
"""How often the members' states are looked at."""
LOOK_SECONDS = 0.5
"""How soon it is noticed that there is no more to ask."""
SERVES_SECONDS_MAX = 30.0
LAST_CALLS_SECONDS_MAX = 2 * CALL_SECONDS_MAX


async def run(trial: Trial, workload: Workload, plan: Plan) -> None:
    """Runs a workload against a cluster while a plan is carried out; fills the trial's history."""
    world, load = trial.world, trial.load

    async def client(number: int) -> None:
        await workload.client(trial, number)

    await _each_serves(trial)
    await workload.setup(trial)
    nemesis = PlanNemesis(trial, plan, client)
    sampling = world.spawn(_sample(trial))
    nemesis.start()
    for _ in range(load.clients):
        trial.start_client(client)
    await _load(trial)
    trial.stop_load()
    await nemesis.heal()
    await _settle(trial, sampling)
    await workload.final(trial)
    await read_everything(trial)
    for fact in await trial.cluster.facts():
        trial.history.append(fact)


async def _load(trial: Trial) -> None:
    """Until the time is over, or there is no more to ask: faults would have no witness then."""
    end_ns = trial.world.now_ns() + round(trial.load.seconds * 1e9)
    while trial.is_loading and trial.world.now_ns() < end_ns:
        left_seconds = (end_ns - trial.world.now_ns()) / 1e9
        await trial.world.sleep(min(LOOK_SECONDS, left_seconds))


async def _settle(trial: Trial, sampling: Task[None]) -> None:
    begin_ns = trial.world.now_ns()
    await trial.wait_for_clients(LAST_CALLS_SECONDS_MAX)
    left_ns = begin_ns + round(trial.load.settle_seconds * 1e9) - trial.world.now_ns()
    if left_ns > 0:
        await trial.world.sleep(left_ns / 1e9)
    sampling.cancel()


async def _each_serves(trial: Trial) -> None:
    """Waits until the cluster has begun."""
    for member in trial.cluster.names:
        await trial.insist(current_revision, member=member, seconds_max=SERVES_SECONDS_MAX)


async def _sample(trial: Trial) -> None:
    while True:
        with suppress(Refused, Unanswered):
            for state in await trial.cluster.states():
                trial.history.append(state)
        await trial.world.sleep(SAMPLE_SECONDS)
