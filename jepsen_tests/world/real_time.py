"""The world of real processes: asyncio, the machine's monotonic clock, and the run's seed."""

import asyncio
import random
import time
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RealTimeTask(Generic[T_co]):
    """A task that knows whether anybody waits for it."""

    def __init__(self, task: asyncio.Task[T_co]) -> None:
        self.task = task
        self.is_awaited = False

    def cancel(self) -> bool:
        """Ends it where it waits."""
        return self.task.cancel()

    def done(self) -> bool:
        """Whether it is over."""
        return self.task.done()

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Waits for its result, or raises what it raised."""
        self.is_awaited = True
        return self.task.__await__()


class RealTimeWorld:
    """Time and chance of one run; made inside the event loop that the run uses."""

    def __init__(self, seed: int) -> None:
        """Begins the run's clock, at nought."""
        self.random = random.Random(seed)
        self._begin_ns = time.monotonic_ns()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def now_ns(self) -> int:
        """Nanoseconds since the run began."""
        return time.monotonic_ns() - self._begin_ns

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> RealTimeTask[T]:
        """Runs a coroutine beside the caller."""
        task = RealTimeTask(asyncio.get_running_loop().create_task(coroutine))
        self._tasks.add(task.task)
        task.task.add_done_callback(lambda _: self._finished(task))
        return task

    async def within(self, seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; raises TimeoutError, and cancels it, when it takes longer."""
        async with asyncio.timeout(seconds):
            return await coroutine

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end, or to the first failure of a task that nobody awaits."""
        main = asyncio.get_running_loop().create_task(coroutine)
        both: set[asyncio.Future[Any]] = {main, self._failure}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not main.done():
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)
            raise self._failure.result()
        return main.result()

    async def close(self) -> None:
        """Ends all tasks that still run."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finished(self, task: RealTimeTask[Any]) -> None:
        self._tasks.discard(task.task)
        if task.task.cancelled() or task.is_awaited:
            return
        error = task.task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_result(error)
