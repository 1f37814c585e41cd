"""Compare-and-set by transactions: few keys with few values, so that many of them meet."""

from typing_extensions import override

from jepsen_tests.check.linear import Linearizability
from jepsen_tests.model.register import CasRegister
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY, Newest
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.recording import Session
from jepsen_tests.world.trial import Trial

KEYS = 3
VALUES = 5
STEPS_MAX = 1_000_000
"""Of the search; where it is cut short, the replay by revisions has decided already."""
_WEIGHTS = {"read": 35, "write": 20, "cas": 45}


class CompareAndSetWorkload(Workload):
    """A register that is written only where it holds what was expected."""

    name = "compare-and-set"
    checkers: tuple[Checker, ...] = (*REPLAY, Newest(Linearizability(CasRegister(), STEPS_MAX)))

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        seen: dict[str, str | None] = {}

        async def step(session: Session) -> None:
            key, new = f"c{chance.randrange(KEYS)}", str(chance.randrange(VALUES))
            match chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]:
                case "read":
                    seen[key] = await kv.read(session, key)
                case "write":
                    await kv.put(session, key, new, function="write")
                    seen[key] = new
                case _:
                    expected = seen.get(key) if chance.random() < 0.8 else None
                    expected = expected or str(chance.randrange(VALUES))
                    if await kv.compare_and_set(session, key, expected, new):
                        seen[key] = new

        await trial.repeat(chance, step)
