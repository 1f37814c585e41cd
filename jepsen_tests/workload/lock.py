"""Locks by etcd's recipe, and writes that are fenced by them.

That no two clients ever believe to hold a lock is not asked for: no store can promise that.
"""

import random
from itertools import count

from typing_extensions import override

from jepsen_tests.check.lock import LOCKS
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv, leases, recipes
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

NAMES = ["lock0", "lock1"]
TTL_SECONDS = 3
HELD_SECONDS_MAX = 2.0
FENCED_WRITES_MAX = 4
FORGET_CHANCE = 0.15
"""How likely an owner neither releases the lock nor renews its lease."""


class LockWorkload(Workload):
    """Clients take turns, and write while it is theirs."""

    name = "lock"
    checkers: tuple[Checker, ...] = (LOCKS,)

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        numbers, values = count(1), count()

        async def step(session: Session) -> None:
            lease = number * 1_000_000 + next(numbers)
            await leases.grant(session, lease, TTL_SECONDS)
            owned = await recipes.acquire(session, chance.choice(NAMES), lease)
            for _ in range(chance.randint(1, FENCED_WRITES_MAX)):
                await write_fenced(session, owned, f"{number}.{next(values)}")
                await trial.world.sleep(_rest(chance))
                if chance.random() < 0.7 and not await leases.keep_alive(session, lease):
                    return
            if chance.random() >= FORGET_CHANCE:
                await recipes.release(session, owned)

        await trial.repeat(chance, step)


async def write_fenced(session: Session, owned: recipes.Owned, value: str) -> bool:
    """Writes what the lock protects, if it is still held; returns whether it was."""
    parts: list[kv.Part] = [("w", f"protected/{owned.name}", value)]
    response = await kv.transact(session, [owned.guard], parts)
    return response.succeeded


def _rest(chance: random.Random) -> float:
    return chance.uniform(0.0, HELD_SECONDS_MAX / FENCED_WRITES_MAX)
