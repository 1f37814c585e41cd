"""Versioned registers: puts, deletes, linearizable and serializable reads of a few keys."""

from itertools import count

from typing_extensions import override

from jepsen_tests.check.linear import Linearizability
from jepsen_tests.model.etcd import EtcdKey
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY, Newest
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

KEYS = 5
STEPS_MAX = 1_000_000
"""Of the search; where it is cut short, the replay by revisions has decided already."""
_WEIGHTS = {"put": 40, "get": 35, "serializable": 15, "delete": 10}


class RegisterWorkload(Workload):
    """Each value is put once, so a read tells whose put it saw."""

    name = "register"
    checkers: tuple[Checker, ...] = (*REPLAY, Newest(Linearizability(EtcdKey(), STEPS_MAX)))

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        numbers = count()

        async def step(session: Session) -> None:
            key = f"r{chance.randrange(KEYS)}"
            match chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]:
                case "put":
                    await kv.put(session, key, f"{number}.{next(numbers)}")
                case "get":
                    await kv.get(session, key)
                case "serializable":
                    await kv.get(session, key, serializable=True)
                case _:
                    await kv.delete(session, key)

        await trial.repeat(chance, step)
