"""Coroutines in virtual time: their order, their results, and how they end."""

import random
from asyncio import CancelledError
from collections.abc import Coroutine
from typing import Any

import pytest

from jepsen_tests.sim.world import SECOND, World
from jepsen_tests.world.virtual import VirtualFuture, VirtualWorld


class Bench:
    """A world, and what happened in it."""

    def __init__(self) -> None:
        self.clock = World(1)
        self.world = VirtualWorld(self.clock, random.Random(1))
        self.seen: list[str] = []

    async def say(self, what: str, after_seconds: float = 0.0) -> str:
        if after_seconds:
            await self.world.sleep(after_seconds)
        self.seen.append(f"{self.world.now_ns() / 1e9:g}: {what}")
        return what

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401
        task = self.world.spawn(coroutine)
        self.clock.run_until(100 * SECOND, lambda: None)
        assert task.done(), "it did not end"
        self.world.close()
        return task._end.result()


def test_sleep_takes_virtual_time() -> None:
    bench = Bench()
    assert bench.run(bench.say("later", 2.5)) == "later"
    assert bench.seen == ["2.5: later"]


def test_tasks_of_the_same_moment_go_on_in_the_order_in_which_they_slept() -> None:
    bench = Bench()

    async def main() -> None:
        tasks = [bench.world.spawn(bench.say(name, 1.0)) for name in "abc"]
        for task in tasks:
            await task

    bench.run(main())
    assert bench.seen == ["1: a", "1: b", "1: c"]


def test_a_task_gives_its_result_to_all_that_wait() -> None:
    bench = Bench()

    async def main() -> list[str]:
        task = bench.world.spawn(bench.say("once", 1.0))
        return [await task, await task]

    assert bench.run(main()) == ["once", "once"]


def test_a_cancelled_task_is_told_where_it_waits_and_may_clean_up() -> None:
    bench = Bench()

    async def careful() -> None:
        try:
            await bench.world.sleep(10)
        finally:
            await bench.say("cleaned up", 1.0)

    async def main() -> None:
        task = bench.world.spawn(careful())
        await bench.world.sleep(2)
        task.cancel()
        with pytest.raises(CancelledError):
            await task

    bench.run(main())
    assert bench.seen == ["3: cleaned up"]


def test_a_task_that_is_cancelled_before_it_began_never_begins() -> None:
    bench = Bench()

    async def main() -> None:
        task = bench.world.spawn(bench.say("never"))
        task.cancel()
        with pytest.raises(CancelledError):
            await task

    bench.run(main())
    assert not bench.seen


def test_a_task_is_never_run_inside_another() -> None:
    bench = Bench()
    future: VirtualFuture[None] = VirtualFuture()

    async def waits() -> None:
        await future
        bench.seen.append("woken")

    async def main() -> None:
        task = bench.world.spawn(waits())
        await bench.world.sleep(1)
        future.set(None)
        bench.seen.append("went on")
        await task

    bench.run(main())
    assert bench.seen == ["went on", "woken"]


def test_within_gives_the_result_or_ends_what_takes_too_long() -> None:
    bench = Bench()

    async def main() -> str:
        quick = await bench.world.within(2, bench.say("quick", 1))
        with pytest.raises(TimeoutError):
            await bench.world.within(2, bench.say("slow", 5))
        return quick

    assert bench.run(main()) == "quick"
    assert bench.seen == ["1: quick"]


def test_within_passes_on_what_is_raised() -> None:
    bench = Bench()

    async def fails() -> None:
        await bench.world.sleep(1)
        raise KeyError("why")

    async def main() -> None:
        with pytest.raises(KeyError):
            await bench.world.within(2, fails())

    bench.run(main())


def test_what_nobody_awaits_ends_the_run() -> None:
    bench = Bench()

    async def fails() -> None:
        await bench.world.sleep(1)
        raise KeyError("nobody saw it")

    bench.world.spawn(fails())
    with pytest.raises(KeyError):
        bench.clock.run_until(10 * SECOND, lambda: None)


def test_tasks_that_wake_each_other_for_ever_are_found_out() -> None:
    bench = Bench()

    async def spins() -> None:
        bench.world.spawn(spins())

    with pytest.raises(AssertionError, match="in one moment"):
        bench.world.spawn(spins())
    bench.world.close()


def test_a_world_that_is_closed_ends_what_waits_even_in_its_last_moments() -> None:
    bench = Bench()

    async def careful() -> None:
        try:
            await bench.world.sleep(10)
        finally:
            await bench.world.sleep(1)
            bench.seen.append("never")

    bench.world.spawn(careful())
    bench.world.close()
    assert not bench.seen


def test_a_cancelled_timer_is_no_event() -> None:
    clock = World(1)
    clock.after(5, lambda: pytest.fail("it was cancelled")).cancel()
    clock.run_until(10, lambda: None)
    assert clock.events_run == 0
