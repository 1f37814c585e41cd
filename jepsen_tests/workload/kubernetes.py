"""As Kubernetes uses etcd: guarded writes, and caches that list once and then watch.

Objects are created, updated and deleted by transactions that compare their mod revision. A
reflector lists a range, watches from the next revision on, and must end equal to the store.
"""

import random
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from typing_extensions import override

from jepsen_tests.check.reflector import REFLECTORS
from jepsen_tests.verdict import Checker
from jepsen_tests.workload import kv
from jepsen_tests.workload.checkers import REPLAY
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.finale import WATCH_SECONDS_MAX
from jepsen_tests.world.kv_words import recorded
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Session, Watching
from jepsen_tests.world.trial import RETRY_SECONDS, Step, Trial
from raftkv.pb import kv_pb2, rpc_pb2

if TYPE_CHECKING:
    from jepsen_tests.history import Json

PREFIX = "/registry/pods/"
END = kv.end_of_prefix(PREFIX)
OBJECTS = 8
REFLECTORS_MAX = 2
PAGE_OBJECTS = 3
"""Lists are read in pages of so many now and then, all at one revision."""


@dataclass(slots=True)
class _Cache:
    """What a reflector holds."""

    revision: int = 0
    objects: dict[bytes, kv_pb2.KeyValue] = field(default_factory=dict)

    def take(self, response: rpc_pb2.WatchResponse) -> None:
        """What changed."""
        for event in response.events:
            if event.type == kv_pb2.Event.DELETE:
                self.objects.pop(event.kv.key, None)
            else:
                self.objects[event.kv.key] = event.kv
            if not response.fragment:
                self.revision = max(self.revision, event.kv.mod_revision)


class KubernetesWorkload(Workload):
    """The first clients are reflectors, the others write."""

    name = "kubernetes"
    checkers: tuple[Checker, ...] = (*REPLAY, REFLECTORS)

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        if number < REFLECTORS_MAX:
            await reflect(trial, chance, f"reflector {number}")
        else:
            await trial.repeat(chance, writer(chance, number))

    @override
    async def final(self, trial: Trial) -> None:
        await trial.insist(lambda session: kv.get(session, PREFIX, END))


def writer(chance: random.Random, number: int) -> Step:
    """What a controller does."""
    numbers = count()

    async def step(session: Session) -> None:
        key, value = f"{PREFIX}{chance.randrange(OBJECTS)}", f"{number}.{next(numbers)}"
        match chance.choices(("create", "update", "delete", "list"), (35, 35, 20, 10))[0]:
            case "create":
                guard: kv.Guard = ("mod_revision", key, "=", 0)
                await kv.transact(session, [guard], [("w", key, value)])
            case "update":
                await _guarded(session, key, ("w", key, value))
            case "delete":
                await _guarded(session, key, ("d", key, None))
            case _:
                await _pages(session)

    return step


async def _guarded(session: Session, key: str, part: kv.Part) -> None:
    """Changes an object that was read, if nobody has changed it since."""
    found = await kv.get(session, key)
    if found.kvs:
        guard: kv.Guard = ("mod_revision", key, "=", found.kvs[0].mod_revision)
        await kv.transact(session, [guard], [part], [("r", key, None)])


async def _pages(session: Session) -> None:
    """Lists all objects, some at a time, all at one revision."""
    first = await kv.get(session, PREFIX, END, limit=PAGE_OBJECTS)
    revision, page = first.header.revision, first
    while page.more:
        start = page.kvs[-1].key.decode("latin-1") + "\0"
        page = await kv.get(session, start, END, limit=PAGE_OBJECTS, at_revision=revision)


async def reflect(trial: Trial, chance: random.Random, name: str) -> None:
    """Keeps a cache while the load lasts, and tells at the end what is in it."""
    cache = _Cache()
    session = trial.session(chance)
    while trial.is_loading:
        try:
            if not cache.revision or chance.random() < 0.2:
                await _list(session, cache)
            await trial.world.within(chance.uniform(1.0, 5.0), _watch(session, cache, None))
        except (Refused, Unanswered, TimeoutError):
            trial.move(session, chance)
            await trial.world.sleep(RETRY_SECONDS)
    if await trial.insist(lambda session: _catch_up(trial, session, cache)):
        kvs: list[Json] = recorded(cache.objects[key] for key in sorted(cache.objects))
        value: dict[str, Json] = {"name": name, "key": PREFIX, "range_end": END}
        trial.tell("reflector", {**value, "revision": cache.revision, "kvs": kvs})


async def _list(session: Session, cache: _Cache) -> None:
    found = await kv.get(session, PREFIX, END)
    cache.revision = found.header.revision
    cache.objects = {one.key: one for one in found.kvs}


async def _watch(session: Session, cache: _Cache, until: int | None) -> None:
    """Follows from where the cache is; to a revision, or for ever."""
    asked = Watching(key=PREFIX, range_end=END, start_revision=cache.revision + 1)
    async with aclosing(session.watch(asked)) as responses:
        async for response in responses:
            cache.take(response)
            if response.canceled:
                cache.revision = 0
                return
            if until is not None and cache.revision >= until:
                return


async def _catch_up(trial: Trial, session: Session, cache: _Cache) -> None:
    """Follows until the cache has everything that there is now."""
    if not cache.revision:
        await _list(session, cache)
        return
    found = await kv.get(session, PREFIX, END)
    last = max((one.mod_revision for one in found.kvs), default=0)
    if last > cache.revision:
        try:
            await trial.world.within(WATCH_SECONDS_MAX, _watch(session, cache, last))
        except TimeoutError:
            raise Unanswered("the cache did not catch up") from None
