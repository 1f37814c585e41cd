"""A set: each element is a key of its own, added once; what was acknowledged stays."""

from itertools import count

from typing_extensions import override

from jepsen_tests.check.presence import Presence
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

PREFIX = "set/"
READ_CHANCE = 0.1


class SetWorkload(Workload):
    """Adds elements, and reads them all."""

    name = "set"
    checkers: tuple[Checker, ...] = (*REPLAY, Presence(PREFIX))

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        numbers = count()

        async def step(session: Session) -> None:
            if chance.random() < READ_CHANCE:
                await kv.get(session, PREFIX, kv.end_of_prefix(PREFIX))
            else:
                element = f"{number}.{next(numbers)}"
                await kv.put(session, PREFIX + element, element)

        await trial.repeat(chance, step)

    @override
    async def final(self, trial: Trial) -> None:
        await trial.insist(lambda session: kv.get(session, PREFIX, kv.end_of_prefix(PREFIX)))
