"""Compaction under load: history is given up while it is read, and while watches want it."""

import random
from itertools import count

from typing_extensions import override

from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY
from jepsen_tests.workload.watch import watch_on
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.requests import compact, current_revision
from jepsen_tests.world.trial import Step, Trial

KEYS = [f"w{number}" for number in range(4)]
KEEP_REVISIONS_MAX = 30
BACK_REVISIONS_MAX = 40
_WEIGHTS = {"put": 50, "delete": 10, "old": 25, "newest": 10, "compact": 5}


class CompactionWorkload(Workload):
    """Every third client watches from the past on."""

    name = "compaction"
    checkers: tuple[Checker, ...] = REPLAY
    compacts = True

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        if number % 3 == 2:
            await watch_on(trial, chance, trial.session(chance))
        else:
            await trial.repeat(chance, _mixed(chance, number))


def _mixed(chance: random.Random, number: int) -> Step:
    numbers = count()
    newest = 1

    async def step(session: Session) -> None:
        nonlocal newest
        key = chance.choice(KEYS)
        match chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]:
            case "put":
                newest = await kv.put(session, key, f"{number}.{next(numbers)}")
            case "delete":
                await kv.delete(session, key)
            case "old":
                at = max(1, newest - chance.randint(0, BACK_REVISIONS_MAX))
                await kv.get(session, "w", "x", at_revision=at)
            case "newest":
                newest = (await kv.get(session, "w", "x")).header.revision
            case _:
                newest = await current_revision(session)
                revision = newest - chance.randint(0, KEEP_REVISIONS_MAX)
                if revision > 1:
                    await compact(session, revision, physical=chance.random() < 0.3)

    return step
