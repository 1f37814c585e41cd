"""Leases: granted, renewed for a while, with keys attached, then revoked or left to expire."""

import random
from itertools import count
from typing import TYPE_CHECKING

from typing_extensions import override

from jepsen_tests.check.lease import LEASES
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv, leases
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.ports import Refused
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TTL_SECONDS_MIN, TTL_SECONDS_MAX = 2, 5
KEYS = 6
OVERDUE_SECONDS = 6.0
"""After the last lease could have ended, so long until all are read again."""


class LeaseWorkload(Workload):
    """Each client has one lease at a time."""

    name = "lease"
    checkers: tuple[Checker, ...] = (LEASES,)

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        await trial.repeat(chance, _Holder(number, chance).step)

    @override
    async def final(self, trial: Trial) -> None:
        await trial.world.sleep(TTL_SECONDS_MAX + OVERDUE_SECONDS)
        await trial.insist(lambda session: kv.get(session, "l", "m"))


class _Holder:
    """What one client does with its lease."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self._number = number
        self._chance = chance
        self._lease = 0
        """0: none."""
        self._leases, self._values = count(1), count()
        self._steps: dict[Callable[[Session], Awaitable[None]], int] = {
            self._attach: 25,
            self._keep_alive: 40,
            self._look: 15,
            self._read: 10,
            self._put: 5,
            self._revoke: 3,
            self._leave: 6,
        }
        """How often each is done, relative to the others."""

    async def step(self, session: Session) -> None:
        """Does one thing."""
        if not self._lease:
            await self._grant(session)
            return
        await self._chance.choices(list(self._steps), list(self._steps.values()))[0](session)

    async def _grant(self, session: Session) -> None:
        wanted = self._number * 1_000_000 + next(self._leases)
        await leases.grant(session, wanted, self._chance.randint(TTL_SECONDS_MIN, TTL_SECONDS_MAX))
        self._lease = wanted

    async def _attach(self, session: Session) -> None:
        try:
            await kv.put(session, self._key(), self._value(), lease=self._lease)
        except Refused as refusal:
            if refusal.code == "NOT_FOUND":
                self._lease = 0
            raise

    async def _keep_alive(self, session: Session) -> None:
        if not await leases.keep_alive(session, self._lease):
            self._lease = 0

    async def _look(self, session: Session) -> None:
        await leases.time_to_live(session, self._lease, keys=self._chance.random() < 0.5)

    @staticmethod
    async def _read(session: Session) -> None:
        await kv.get(session, "l", "m")

    async def _put(self, session: Session) -> None:
        await kv.put(session, self._key(), self._value())

    async def _revoke(self, session: Session) -> None:
        ending, self._lease = self._lease, 0
        await leases.revoke(session, ending)

    async def _leave(self, _: Session) -> None:
        """Lets the lease expire."""
        self._lease = 0

    def _key(self) -> str:
        return f"l{self._chance.randrange(KEYS)}"

    def _value(self) -> str:
        return f"{self._number}.{next(self._values)}"
