"""One run of a workload against a cluster, in whatever world: its clients, its load, its end."""

import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from jepsen_tests.history import Fact, History, Json
from jepsen_tests.world.ports import Cluster, Refused, Task, Unanswered, World
from jepsen_tests.world.recording import Recorder, Session

Step: TypeAlias = Callable[[Session], Awaitable[object]]
"""One thing that a client does."""
MOVE_CHANCE = 0.02
"""How likely a client goes to another member though it has no reason to."""
RETRY_SECONDS = 0.1
"""A client that was refused or not answered waits so long before it asks elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is asked, and for how long."""

    seed: int
    seconds: float = 20.0
    clients: int = 5
    operations_per_second: float = 50.0
    """Of all clients together."""
    operations_max: int | None = None
    """After so many the clients have no more to ask; None: as many as fit."""
    settle_seconds: float = 15.5
    """From the end of all faults to the final reads."""


class Trial:
    """What workloads are given: sessions, chance, and when it is over."""

    def __init__(self, world: World, cluster: Cluster, history: History, load: Load) -> None:
        self.world = world
        self.cluster = cluster
        self.history = history
        self.load = load
        self.recorder = Recorder(world, history)
        self._is_over = False
        self._clients: dict[int, Task[None]] = {}
        self._clients_made = 0

    @property
    def is_loading(self) -> bool:
        """Whether clients are to go on asking."""
        most = self.load.operations_max
        return not self._is_over and (most is None or self.recorder.operations_begun < most)

    def stop_load(self) -> None:
        """The clients have no more to ask."""
        self._is_over = True

    def chance(self, *role: object) -> random.Random:
        """The chance of one part of the run: it does not depend on what the others draw."""
        return random.Random(":".join(map(str, (self.load.seed, *role))))

    def session(self, chance: random.Random, member: str = "") -> Session:
        """A new client, of a member that is named or drawn."""
        return Session(
            self.recorder, self.cluster.client(member or chance.choice(self.cluster.names))
        )

    def move(self, session: Session, chance: random.Random) -> None:
        """Lets a client ask another member."""
        session.client = self.cluster.client(chance.choice(self.cluster.names))

    def tell(self, name: str, value: Json) -> None:
        """Writes a fact into the history."""
        self.history.append(Fact(name=name, value=value, at_ns=self.world.now_ns()))

    async def pause(self, chance: random.Random, share: float = 1.0) -> None:
        """Waits as long as a client does between two operations."""
        mean = self.load.clients / self.load.operations_per_second * share
        await self.world.sleep(chance.uniform(0.0, 2.0 * mean))

    async def repeat(self, chance: random.Random, step: Step) -> None:
        """One client that does one thing after another while the load lasts."""
        session = self.session(chance)
        while self.is_loading:
            await self.pause(chance)
            if not self.is_loading:
                return
            if chance.random() < MOVE_CHANCE:
                self.move(session, chance)
            await self.attempt(session, chance, step)

    async def attempt(
        self,
        session: Session,
        chance: random.Random,
        step: Step,
    ) -> bool:
        """Does one thing; the client goes elsewhere when it was not answered."""
        try:
            await step(session)
        except Refused as refusal:
            if refusal.code != "UNAVAILABLE":
                return True
        except Unanswered:
            pass
        else:
            return True
        await self.world.sleep(RETRY_SECONDS)
        self.move(session, chance)
        return False

    async def insist(
        self,
        step: Step,
        *,
        member: str = "",
        seconds_max: float = 30.0,
    ) -> bool:
        """Does one thing until it is done; returns whether it was. For what may be done twice."""
        chance = self.chance("insist", self.recorder.operations_begun)
        session = self.session(chance, member)
        give_up_ns = self.world.now_ns() + round(seconds_max * 1e9)
        while self.world.now_ns() < give_up_ns:
            with suppress(Refused, Unanswered):
                await step(session)
                return True
            await self.world.sleep(RETRY_SECONDS)
            if not member:
                self.move(session, chance)
        return False

    # -- clients

    def start_client(self, make: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        """Starts a client; it is given a number that no other has."""
        number = self._clients_made
        self._clients_made += 1
        self._clients[number] = self.world.spawn(make(number))

    def kill_clients(self, chance: random.Random) -> list[int]:
        """Lets some clients vanish in the middle of what they do; returns their numbers."""
        alive = [number for number, task in self._clients.items() if not task.done()]
        victims = sorted(chance.sample(alive, (len(alive) + 2) // 3))
        for number in victims:
            self._clients[number].cancel()
        return victims

    async def wait_for_clients(self, seconds_max: float) -> None:
        """Waits until no client has anything to wait for; those that take longer vanish."""
        give_up_ns = self.world.now_ns() + round(seconds_max * 1e9)
        while self.world.now_ns() < give_up_ns:
            if all(task.done() for task in self._clients.values()):
                return
            await self.world.sleep(RETRY_SECONDS)
        for task in self._clients.values():
            task.cancel()
