"""Coroutines in virtual time: tasks, futures, sleep and cancellation, one at a time, from one seed.

Whatever wakes a task only puts it into a line; the line is worked off before control goes back to
the clock. So a task never runs inside another one or inside a member's code, and the order is that
of the wakings, always the same.
"""

import random
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar, cast

T = TypeVar("T")
MICROSECONDS = 1_000_000
CLOSE_TIMES_MAX = 100
STEPS_MAX = 100_000
"""Of tasks that wake each other in one moment: more of them go round in circles."""


class Timer(Protocol):
    """Something that is due."""

    def cancel(self) -> None:
        """It never comes."""


class Clock(Protocol):
    """Virtual time, as the simulation counts it."""

    now_us: int

    def after(self, delay_us: int, run: Callable[[], None]) -> Timer:
        """Runs `run` once, `delay_us` from now."""


class VirtualFuture(Generic[T]):
    """A result that is not there yet."""

    __slots__ = ("_error", "_result", "_waiting", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._waiting: list[Callable[[], None]] = []

    def set(self, result: T) -> None:
        """It is there; without effect the second time."""
        self._finish(result, None)

    def fail(self, error: BaseException) -> None:
        """It will never be there; without effect the second time."""
        self._finish(None, error)

    def on_done(self, run: Callable[[], None]) -> None:
        """Runs `run` once it is done."""
        if self.is_done:
            run()
        else:
            self._waiting.append(run)

    @property
    def has_waiting(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._waiting)

    def result(self) -> T:
        """The result; raises what was raised."""
        assert self.is_done, "nobody looks before it is done"
        if self._error is not None:
            raise self._error
        return cast("T", self._result)

    def __await__(self) -> Generator["VirtualFuture[Any]", None, T]:
        """Waits."""
        if not self.is_done:
            yield self
        return self.result()

    def _finish(self, result: T | None, error: BaseException | None) -> None:
        if self.is_done:
            return
        self.is_done, self._result, self._error = True, result, error
        waiting, self._waiting = self._waiting, []
        for run in waiting:
            run()


class VirtualTask(Generic[T]):
    """A coroutine that runs beside others."""

    def __init__(self, world: "VirtualWorld", coroutine: Coroutine[Any, Any, T]) -> None:
        self._world = world
        self._coroutine = coroutine
        self._awaited: VirtualFuture[Any] | None = None
        self._is_cancelled = False
        """And has not been told yet."""
        self._end: VirtualFuture[T] = VirtualFuture()

    def cancel(self) -> None:
        """Ends it where it waits."""
        if not self._end.is_done and not self._is_cancelled:
            self._is_cancelled, self._awaited = True, None
            self._world.wake(self)

    def done(self) -> bool:
        """Whether it is over."""
        return self._end.is_done

    def __await__(self) -> Generator[Any, Any, T]:
        """Waits for its result."""
        return self._end.__await__()

    def on_done(self, run: Callable[[], None]) -> None:
        """Runs `run` once it is over."""
        self._end.on_done(run)

    def step(self) -> None:
        """Runs it until it waits again."""
        if self._end.is_done:
            return
        try:
            if self._is_cancelled:
                self._is_cancelled = False
                awaited = self._coroutine.throw(CancelledError())
            else:
                awaited = self._coroutine.send(None)
        except StopIteration as end:
            self._end.set(end.value)
        except CancelledError as error:
            self._end.fail(error)
        except Exception as error:
            if not self._end.has_waiting:
                raise
            self._end.fail(error)
        else:
            assert isinstance(awaited, VirtualFuture), f"{awaited!r} is not of this world"
            self._awaited = awaited
            awaited.on_done(lambda: self._wake_from(awaited))

    def close(self) -> None:
        """Ends it for good, whatever it wants to wait for."""
        for _ in range(CLOSE_TIMES_MAX):
            try:
                self._coroutine.close()
            except RuntimeError:
                continue  # it waited for something on its way out
            return

    def _wake_from(self, awaited: VirtualFuture[Any]) -> None:
        if self._awaited is awaited:
            self._awaited = None
            self._world.wake(self)


class VirtualWorld:
    """The world of a simulation (`ports.World`)."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._random = chance
        self._line: deque[VirtualTask[Any]] = deque()
        self._tasks: dict[VirtualTask[Any], None] = {}
        """Those that are not over, in the order of their birth."""
        self._is_running = False
        self._is_closed = False

    @property
    def random(self) -> random.Random:
        """The run's chance."""
        return self._random

    def now_ns(self) -> int:
        """The run's clock."""
        return self._clock.now_us * 1_000

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        future: VirtualFuture[None] = VirtualFuture()
        timer = self._clock.after(round(seconds * MICROSECONDS), lambda: future.set(None))
        try:
            await future
        finally:
            timer.cancel()

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> VirtualTask[T]:
        """Runs a coroutine beside this one; what it raises that nobody awaits ends the run."""
        task = VirtualTask(self, coroutine)
        self._tasks[task] = None
        self.wake(task)
        return task

    def close(self) -> None:
        """Ends all tasks for good: the world is not to be used any more."""
        self._is_closed = True
        self._line.clear()
        for task in list(self._tasks):
            task.close()
        self._tasks.clear()

    async def within(self, seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; raises TimeoutError when it takes longer."""
        task = self.spawn(coroutine)
        over: VirtualFuture[None] = VirtualFuture()
        task.on_done(lambda: over.set(None))
        timer = self._clock.after(round(seconds * MICROSECONDS), lambda: over.set(None))
        try:
            await over
            if task.done():
                return await task
            raise TimeoutError
        finally:
            timer.cancel()
            if not task.done():
                task.cancel()
                with suppress(CancelledError):
                    await task

    def wake(self, task: VirtualTask[Any]) -> None:
        """Lets a task go on, after those that were woken before."""
        if self._is_closed:
            return
        self._line.append(task)
        if self._is_running:
            return
        self._is_running = True
        try:
            for _ in range(STEPS_MAX):
                if not self._line:
                    return
                task = self._line.popleft()
                task.step()
                if task.done():
                    self._tasks.pop(task, None)
            raise AssertionError(f"tasks woke each other {STEPS_MAX} times in one moment")
        finally:
            self._is_running = False
