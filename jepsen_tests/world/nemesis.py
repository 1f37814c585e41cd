"""Carries out a plan: makes each fault in its time, and writes down from when to when it lasted.

What is done through clients is the same in all worlds and is done here: compaction, and the death
of clients. Everything else is the cluster's.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from jepsen_tests.history import FaultBand
from jepsen_tests.plan import At, ClientDeath, Compact, Fault, Plan, name_of
from jepsen_tests.world.ports import Injected, Refused, Task, Unanswered
from jepsen_tests.world.requests import compact, current_revision
from jepsen_tests.world.trial import Trial

COMPACT_SECONDS_MAX = 20.0


class Done:
    """A fault that is over as soon as it was made, or could not be made."""

    def __init__(self, targets: list[str], detail: str = "", skipped: str = "") -> None:
        self.targets = targets
        self.detail = detail
        self.skipped = skipped

    async def end(self) -> None:
        """There is nothing to undo."""


class PlanNemesis:
    """The faults of one run's plan."""

    def __init__(
        self, trial: Trial, plan: Plan, client: Callable[[int], Coroutine[Any, Any, None]]
    ) -> None:
        """`client` makes the clients that come after those that die."""
        self._trial = trial
        self._plan = plan
        self._client = client
        self._tasks: list[Task[None]] = []

    def start(self) -> None:
        """Begins; the plan's seconds count from now."""
        begin_ns = self._trial.world.now_ns()
        self._tasks = [self._trial.world.spawn(self._carry_out(at, begin_ns)) for at in self._plan]

    async def heal(self) -> None:
        """Ends every fault, whatever the plan says."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(BaseException):
                await task
        await self._trial.cluster.heal()

    async def _carry_out(self, at: At, begin_ns: int) -> None:
        world = self._trial.world
        await self._sleep_until(begin_ns, at.seconds)
        band_begin_ns = world.now_ns()
        injected: Injected | None = None
        try:
            injected = await self._apply(at.fault)
            if at.until_seconds is not None and not isinstance(injected, Done):
                await self._sleep_until(begin_ns, at.until_seconds)
                await injected.end()
            elif not isinstance(injected, Done):
                await world.sleep(1e6)
        finally:
            made = (
                injected
                if injected is not None
                else Done([], skipped="the run ended before it was made")
            )
            self._trial.history.append(
                FaultBand(
                    name=name_of(at.fault),
                    targets=made.targets,
                    begin_ns=band_begin_ns,
                    end_ns=world.now_ns(),
                    detail=made.detail,
                    skipped=made.skipped,
                )
            )

    async def _sleep_until(self, begin_ns: int, seconds: float) -> None:
        left_ns = begin_ns + round(seconds * 1e9) - self._trial.world.now_ns()
        if left_ns > 0:
            await self._trial.world.sleep(left_ns / 1e9)

    async def _apply(self, fault: Fault) -> Injected:
        trial = self._trial
        match fault:
            case Compact():
                return await self._compact(fault)
            case ClientDeath():
                victims = trial.kill_clients(trial.chance("client-death", trial.world.now_ns()))
                for _ in victims:
                    trial.start_client(self._client)
                return Done([f"client {number}" for number in victims])
            case _:
                reason = trial.cluster.capabilities().get(name_of(fault), "not known here")
                return Done([], skipped=reason) if reason else await trial.cluster.apply(fault)

    async def _compact(self, fault: Compact) -> Done:
        trial = self._trial
        chance = trial.chance("compact", trial.world.now_ns())
        session = trial.session(chance)
        try:
            revision = await current_revision(session) - fault.keep_revisions
            if revision <= 1:
                return Done([], skipped="there is no history yet")
            await compact(session, revision)
        except (Refused, Unanswered) as error:
            return Done([session.client.member], detail=f"no answer: {error}")
        return Done([session.client.member], detail=f"to revision {revision}")
