"""Watches: some clients write, the others watch, from the past or from now on, whole or filtered.

A watcher that loses its stream goes on after the last revision that it saw, at another member; one
that is told that its history was compacted goes on from where it still can.
"""

import random
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from itertools import count

from typing_extensions import override

from jepsen_tests.workload import kv
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Session, Watching
from jepsen_tests.world.requests import current_revision
from jepsen_tests.world.trial import RETRY_SECONDS, Step, Trial

KEYS = [f"w{number}" for number in range(6)]
RANGES = [("w", "x"), ("w2", "w5"), ("w3", ""), ("\0", "\0")]
FILTERS: list[tuple[str, ...]] = [(), (), ("NOPUT",), ("NODELETE",)]
WATCH_SECONDS_MAX = 6.0
BACK_REVISIONS_MAX = 100
"""How far in the past a watch may begin, and half as far in the future."""
COMPACT_CHANCE = 0.02


@dataclass(slots=True)
class _Watcher:
    """Where a watch goes on when it is made again."""

    asked: Watching
    next_revision: int


class WatchWorkload(Workload):
    """Every second client watches."""

    name = "watch"
    compacts = True

    @override
    async def client(self, trial: Trial, number: int) -> None:
        chance = trial.chance("client", number)
        if number % 2:
            await watch_on(trial, chance, trial.session(chance))
        else:
            await trial.repeat(chance, writer(chance, number))


def writer(chance: random.Random, number: int) -> Step:
    """What a client does that changes what others watch."""
    numbers = count()

    async def step(session: Session) -> None:
        key, value = chance.choice(KEYS), f"{number}.{next(numbers)}"
        match chance.choices(("put", "delete", "delete-range", "txn", "get"), (50, 15, 5, 20, 10))[
            0
        ]:
            case "put":
                await kv.put(session, key, value)
            case "delete":
                await kv.delete(session, key)
            case "delete-range":
                await kv.delete(session, "w2", "w4")
            case "txn":
                other = chance.choice([each for each in KEYS if each != key])
                parts: list[kv.Part] = [("w", key, value), ("d", other, None)]
                await kv.transact(session, [("version", other, ">", 0)], parts, parts[:1])
            case _:
                await kv.get(session, "w", "x")

    return step


async def watch_on(trial: Trial, chance: random.Random, session: Session) -> None:
    """One watcher, while the load lasts."""
    watcher: _Watcher | None = None
    while trial.is_loading:
        if watcher is None or chance.random() < 0.3:
            watcher = await _begin(session, chance)
        if watcher is not None:
            await _some_of(trial, chance, session, watcher)
        trial.move(session, chance)
        await trial.world.sleep(RETRY_SECONDS)


async def _begin(session: Session, chance: random.Random) -> _Watcher | None:
    """A new watch: of the past, of now, or of the future."""
    with suppress(Refused, Unanswered):
        newest = await current_revision(session)
        offset = chance.randint(-BACK_REVISIONS_MAX, BACK_REVISIONS_MAX // 2)
        start = chance.choice((0, newest + 1, max(1, newest + offset)))
        key, range_end = chance.choice(RANGES)
        asked = Watching(
            key=key,
            range_end=range_end,
            start_revision=start,
            filters=chance.choice(FILTERS),
            prev_kv=chance.random() < 0.5,
            progress_notify=chance.random() < 0.3,
        )
        return _Watcher(asked, start)
    return None


async def _some_of(
    trial: Trial, chance: random.Random, session: Session, watcher: _Watcher
) -> None:
    """Watches for a while, or until the stream breaks."""
    asked = replace(watcher.asked, start_revision=watcher.next_revision)
    seconds = chance.uniform(0.2, WATCH_SECONDS_MAX)
    with suppress(TimeoutError, Unanswered):
        await trial.world.within(seconds, _follow(session, asked, watcher))


async def _follow(session: Session, asked: Watching, watcher: _Watcher) -> None:
    async with aclosing(session.watch(asked)) as responses:
        async for response in responses:
            if response.created and not asked.start_revision:
                watcher.next_revision = response.header.revision + 1
            if response.events and not response.fragment:
                watcher.next_revision = response.events[-1].kv.mod_revision + 1
            if response.canceled:
                watcher.next_revision = max(watcher.next_revision, response.compact_revision)
                return
