"""Elections by etcd's recipe: candidates campaign, proclaim and resign; others observe them."""

from itertools import count

from typing_extensions import override

from jepsen_tests.check.election import ELECTIONS
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv, leases, recipes
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

NAME = "election"
TTL_SECONDS = 3
LEADS_SECONDS_MAX = 1.0
PROCLAMATIONS_MAX = 3
FORGET_CHANCE = 0.15


class ElectionWorkload(Workload):
    """Every third client observes."""

    name = "election"
    checkers: tuple[Checker, ...] = (ELECTIONS,)

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        numbers = count(1)

        seen = (0, 0)

        async def observe(session: Session) -> None:
            nonlocal seen
            seen = await recipes.observe(session, NAME, seen)

        async def campaign(session: Session) -> None:
            lease = number * 1_000_000 + next(numbers)
            await leases.grant(session, lease, TTL_SECONDS)
            name = f"candidate {number}"
            owned = await recipes.acquire(session, NAME, lease, value=name, function="campaign")
            for term in range(chance.randint(0, PROCLAMATIONS_MAX)):
                await trial.world.sleep(chance.uniform(0.0, LEADS_SECONDS_MAX))
                if not await leases.keep_alive(session, lease):
                    return
                await proclaim(session, owned, f"{name}, {term}", lease)
            if chance.random() >= FORGET_CHANCE:
                await recipes.release(session, owned, function="resign")

        await trial.repeat(chance, observe if number % 3 == 2 else campaign)


async def proclaim(session: Session, owned: recipes.Owned, value: str, lease: int) -> None:
    """The leader says something new, if it still leads."""
    await kv.transact(session, [owned.guard], [("w", owned.key, value)], lease=lease)
