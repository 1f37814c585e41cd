"""List append over transactions: each reads some lists and adds an element to some of them.

A key holds a JSON list. etcd can't append, so a transaction reads the keys first, and then puts
what they become if none was modified meanwhile; that makes one serializable transaction of both.
"""

import json
from dataclasses import dataclass
from itertools import count

from typing_extensions import override

from jepsen_tests.check.append import Appends
from jepsen_tests.history import Json
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.kv_words import text_of
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Answer, Session, operation
from jepsen_tests.world.trial import Trial
from raftkv.pb import rpc_pb2

KEYS = 3
KEYS_CHANGE_SECONDS = 5
"""So often other keys are used, since every read carries the whole list."""
PARTS_MAX = 4
_TXN = "/etcdserverpb.KV/Txn"


@dataclass(slots=True)
class _Held:
    """A key as it was read."""

    elements: list[Json]
    mod_revision: int


class AppendWorkload(Workload):
    """Each element is appended once, so that a read tells all that came before it."""

    name = "append"
    checkers: tuple[Checker, ...] = (*REPLAY, Appends())

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        numbers = count()

        async def step(session: Session) -> None:
            first = trial.world.now_ns() // (KEYS_CHANGE_SECONDS * 1_000_000_000) * KEYS
            parts: list[kv.Part] = []
            for _ in range(chance.randint(1, PARTS_MAX)):
                key = f"a{first + chance.randrange(KEYS)}"
                if chance.random() < 0.5:
                    parts.append(("append", key, str(number * 1_000_000 + next(numbers))))
                else:
                    parts.append(("r", key, None))
            await append(session, parts)

        await trial.repeat(chance, step)


async def append(session: Session, parts: list[kv.Part]) -> None:
    """One transaction of reads and appends; refused if others came in between."""
    value: Json = [[verb, key, _element(element)] for verb, key, element in parts]

    async def carry_out() -> tuple[Answer, None]:
        read, revision = await _read(session, parts)
        result, written = _appended(parts, read)
        if not written:
            return Answer(result=result, revision=revision), None
        guards: list[kv.Guard] = [
            ("mod_revision", key, "=", held.mod_revision) for key, held in read.items()
        ]
        puts: list[kv.Part] = [("w", key, json.dumps(written[key])) for key in written]
        request = kv.txn_request(guards, puts)
        response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
        if not response.succeeded:
            raise Refused("ABORTED", "others came in between")
        return Answer(result=result, revision=response.header.revision), None

    await session.record(operation("txn", "", value), carry_out)


async def _read(session: Session, parts: list[kv.Part]) -> tuple[dict[str, _Held], int]:
    """The lists as they are, all at one revision; raises Refused, since nothing is written yet."""
    keys = list(dict.fromkeys(key for _, key, _ in parts))
    request = kv.txn_request((), [("r", key, None) for key in keys])
    try:
        response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
    except Unanswered as error:
        raise Refused("UNAVAILABLE", f"nothing was read: {error}") from error
    read = {}
    for key, kvs in zip(keys, kv.values_read(response), strict=True):
        elements = json.loads(text_of(kvs[0].value)) if kvs else []
        read[key] = _Held(elements, kvs[0].mod_revision if kvs else 0)
    return read, response.header.revision


def _appended(
    parts: list[kv.Part], read: dict[str, _Held]
) -> tuple[list[Json], dict[str, list[Json]]]:
    """The parts with what they read, and the lists that they change."""
    now = {key: list(held.elements) for key, held in read.items()}
    result: list[Json] = []
    written: dict[str, list[Json]] = {}
    for verb, key, element in parts:
        if verb == "append":
            now[key].append(_element(element))
            written[key] = now[key]
            result.append([verb, key, _element(element)])
        else:
            # A list that was never appended to is not there, which is not an empty one.
            result.append([verb, key, list(now[key]) or None])
    return result, written


def _element(text: str | None) -> Json:
    return None if text is None else int(text)
