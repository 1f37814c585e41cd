"""Looking for planted bugs: seed by seed, on several cores, each bug at its own pace."""

import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from jepsen_tests.planted.bugs import bug_named
from jepsen_tests.planted.planting import Bug, Suite, planted
from jepsen_tests.planted.processes import failing_test
from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.verdict import State, Verdict, judge

if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult

_Task: TypeAlias = "AsyncResult[Catch]"

RUN_SECONDS_MAX = 60
"""Of the processor's time; a run takes one, or a few."""
SEEDS_PER_TASK = 5
"""Between two looks at which bugs are still at large."""


class HuntError(Exception):
    """The harness failed with a bug planted; the text says at which seed, and how."""


@dataclass(frozen=True, slots=True)
class Catch:
    """What came of looking for a bug."""

    name: str
    seeds: int
    """How many were run."""
    seconds: float
    """How long they took, on one core."""
    seed: int = -1
    """The first that shows the bug; -1: none did."""
    check: str = ""
    """What found it."""
    reason: str = ""

    @property
    def is_found(self) -> bool:
        """Whether anything did."""
        return bool(self.check)


def hunt(bug: Bug, seeds: Iterable[int]) -> Verdict | None:
    """The verdict of the first seed that shows the bug; None when none does.

    Raises:
        HuntError: The harness itself stumbled, so that nothing is known.
    """
    with planted(bug):
        for seed in seeds:
            with _patience():
                verdict = judge(seed, trouble=bug.trouble)
            if verdict.state is State.INVALID:
                return verdict
            if verdict.state is State.TROUBLE:
                raise HuntError(f"{bug.name}, seed {seed}: {verdict.reason}\n{verdict.details}")
    return None


def hunt_all(bugs: Iterable[Bug], seeds: int, jobs: int) -> Iterator[Catch]:
    """Looks for each bug until it is found or `seeds` are used up; in the order of being done."""
    waiting = [Catch(bug.name, 0, 0.0) for bug in bugs]
    if jobs == 1:
        for catch in waiting:
            yield _to_the_end(catch, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _leave_interrupts) as pool:
        under_way: list[_Task] = []
        while waiting or under_way:
            while waiting and len(under_way) < 2 * jobs:
                under_way.append(pool.apply_async(_some_more, (waiting.pop(0), seeds)))
            under_way, ready = _split(under_way)
            for task in ready:
                catch = task.get()
                if catch.is_found or catch.seeds >= seeds:
                    yield catch
                else:
                    waiting.append(catch)


def _split(under_way: list[_Task]) -> tuple[list[_Task], list[_Task]]:
    """Waits for a moment, then tells what is still under way from what is ready."""
    under_way[0].wait(0.02)
    ready = [task for task in under_way if task.ready()]
    return [task for task in under_way if task not in ready], ready


def _to_the_end(catch: Catch, seeds: int) -> Catch:
    while not catch.is_found and catch.seeds < seeds:
        catch = _some_more(catch, seeds)
    return catch


def _some_more(catch: Catch, seeds_max: int) -> Catch:
    """Runs the next few seeds."""
    bug = bug_named(catch.name)
    if bug.suite is Suite.TESTS:
        return _tested(catch, bug, seeds_max)
    started = perf_counter()
    first = catch.seeds
    seeds = range(first, min(first + SEEDS_PER_TASK, seeds_max))
    verdict = hunt(bug, seeds)
    seconds = catch.seconds + perf_counter() - started
    if verdict is None:
        return replace(catch, seeds=seeds.stop, seconds=seconds)
    return Catch(
        catch.name,
        verdict.seed + 1,
        seconds,
        verdict.seed,
        verdict.check,
        verdict.reason,
    )


def _tested(catch: Catch, bug: Bug, seeds_max: int) -> Catch:
    """Runs the tests that are expected to find the bug, which no seed changes."""
    started = perf_counter()
    found = failing_test(bug)
    seconds = perf_counter() - started
    if found is None:
        return replace(catch, seeds=seeds_max, seconds=seconds)
    return replace(catch, seconds=seconds, check=found[0], reason=found[1])


@contextmanager
def _patience() -> Iterator[None]:
    """Ends a run that does not come back: some bugs make the product go round in circles."""

    def lose_it(*_: object) -> None:
        raise BrokenPromiseError(f"a run does not end within {RUN_SECONDS_MAX} s")

    before = signal.signal(signal.SIGVTALRM, lose_it)
    signal.setitimer(signal.ITIMER_VIRTUAL, RUN_SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _leave_interrupts() -> None:
    """Ctrl-C is for whoever started the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
