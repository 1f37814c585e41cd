"""Carries out a plan: makes each fault in its time, and writes down from when to when it lasted.

What is done through clients is the same in all worlds and is done here: compaction, and the death
of clients. Everything else is the cluster's.
"""

from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from jepsen_tests.history import FaultBand
from jepsen_tests.plan import (
    SECONDS_MAX,
    At,
    ClientDeath,
    Compact,
    Corrupt,
    Fault,
    MemberChange,
    Plan,
    Reset,
    Transfer,
    name_of,
)
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.ports import Injected, Refused, Task, Unanswered
from jepsen_tests.world.requests import compact, current_revision
from jepsen_tests.world.trial import Trial

COMPACT_SECONDS_MAX = 20.0


MOMENTARY = (
    ClientDeath,
    Compact,
    Corrupt,
    MemberChange,
    Reset,
    Transfer,
)
"""Over as soon as they were made: there is nothing to wait for or to undo."""


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
            with suppress(CancelledError):
                await task
        await self._trial.cluster.heal()

    async def _carry_out(self, at: At, begin_ns: int) -> None:
        """One fault, from its beginning to its end or that of all faults."""
        world = self._trial.world
        await self._sleep_until(begin_ns, at.seconds)
        band_begin_ns = world.now_ns()
        made: Injected = Infliction([], skipped="the faults were over before it was made")
        try:
            made = await self._apply(at.fault)
            if not made.skipped and not isinstance(at.fault, MOMENTARY):
                until = SECONDS_MAX if at.until_seconds is None else at.until_seconds
                await self._sleep_until(begin_ns, until)
        finally:
            await made.end()
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
                return Infliction([f"client {number}" for number in victims])
            case _:
                reason = trial.cluster.capabilities().get(name_of(fault), "not known here")
                return (
                    Infliction([], skipped=reason) if reason else await trial.cluster.apply(fault)
                )

    async def _compact(self, fault: Compact) -> Infliction:
        trial = self._trial
        chance = trial.chance("compact", trial.world.now_ns())
        session = trial.session(chance)
        try:
            revision = await current_revision(session) - fault.keep_revisions
            if revision <= 1:
                return Infliction([], skipped="there is no history yet")
            await compact(session, revision)
        except (Refused, Unanswered) as error:
            return Infliction([session.client.member], detail=f"no answer: {error}")
        return Infliction([session.client.member], detail=f"to revision {revision}")
