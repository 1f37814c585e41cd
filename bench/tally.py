"""Counts answers and reads clocks while a measurement runs."""

import time
from typing import NamedTuple, Self

from bench import processes
from bench.figures import LoadResult, percentile


class Clock(NamedTuple):
    """A moment: time, and CPU used up to it."""

    seconds: float
    members: list[float]
    generator: float
    machine: float

    @classmethod
    def now(cls, pids: list[int]) -> Self:
        """Reads all counters."""
        return cls(
            time.perf_counter(),
            [processes.cpu_seconds(pid) for pid in pids],
            time.process_time(),
            processes.machine_busy_seconds(),
        )


class Tally:
    """What the answers add up to since the last `reset`; errors are never reset."""

    def __init__(self) -> None:
        self.latencies: list[int] = []
        """Nanoseconds of each good answer, in order of arrival."""
        self.errors = 0
        self.first_error = ""

    def fail(self, text: str) -> None:
        """Counts an answer that was not good."""
        self.errors += 1
        self.first_error = self.first_error or text

    def result(self, begin: Clock, end: Clock, verified: int) -> LoadResult:
        """The figures of the time between two moments."""
        ordered = sorted(self.latencies)
        members = [after - before for before, after in zip(begin.members, end.members, strict=True)]
        generator = end.generator - begin.generator
        return LoadResult(
            operations=len(ordered),
            seconds=end.seconds - begin.seconds,
            p50_ms=percentile(ordered, 0.5) / 1e6,
            p99_ms=percentile(ordered, 0.99) / 1e6,
            max_ms=percentile(ordered, 1.0) / 1e6,
            errors=self.errors,
            first_error=self.first_error,
            verified=verified,
            member_cpu_seconds=members,
            generator_cpu_seconds=generator,
            foreign_cpu_seconds=max(0.0, end.machine - begin.machine - sum(members) - generator),
        )
