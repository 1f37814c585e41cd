"""One measurement of one row: runs the generator's process, and turns its result into figures."""

import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import Final, Protocol

from bench import processes
from bench.figures import LoadResult, LoadSpec
from bench.rows import MEMORY, P50, P99, PEAK_MEMORY, THROUGHPUT, Row

FOREIGN_SHARE: Final = "foreign_cpu_share"
FOREIGN_SHARE_MAX: Final = 0.1
"""Of one core, used by other processes meanwhile; above it a figure is doubtful."""
OVERHEAD_SECONDS_MAX: Final = 120.0
"""For preparing and verifying, on top of the measured time."""


class GeneratorError(Exception):
    """The load generator ended with an error: the store stopped answering, or answered wrongly."""


class Target(Protocol):
    """A cluster that can be measured."""

    @property
    def endpoints(self) -> list[str]:
        """`host:port` of each member."""

    @property
    def pids(self) -> list[int]:
        """The members' processes in the same order; none if they run elsewhere."""

    def leader_endpoint(self) -> str:
        """Where the leader listens."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one row in one round says about one store."""

    figures: dict[str, float]
    warnings: list[str]


def generate(spec: LoadSpec) -> LoadResult:
    """Runs one load generator.

    Raises:
        GeneratorError: with the last lines of what it said.
    """
    seconds_max = spec.seconds + spec.warm_up_seconds + OVERHEAD_SECONDS_MAX
    try:
        process = subprocess.run(
            [sys.executable, "-m", "bench.load"],
            input=spec.to_json() + "\n",
            capture_output=True,
            text=True,
            timeout=seconds_max,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GeneratorError(f"{spec.workload}: no result after {seconds_max:.0f} s") from error
    if process.returncode:
        raise GeneratorError("\n".join(process.stderr.strip().splitlines()[-1:]) or "no output")
    return LoadResult.from_json(process.stdout)


def measure(row: Row, target: Target, *, seconds: float, prefix: str) -> Measurement:
    """Measures one row; raises GeneratorError."""
    leader = target.leader_endpoint()
    endpoints, pids = target.endpoints, target.pids
    result = generate(row.spec(leader, endpoints, seconds=seconds, prefix=prefix, pids=pids))
    warnings = []
    if result.errors:
        warnings.append(f"{result.errors} errors, the first: {result.first_error}")
    if target.leader_endpoint() != leader:
        warnings.append("the leader changed")
    figures = figures_of(result, leader=endpoints.index(leader))
    if row.workload == "fill":
        figures |= memory_figures(pids)
    return Measurement(figures, warnings)


def figures_of(result: LoadResult, leader: int) -> dict[str, float]:
    """Throughput, latency, and CPU microseconds an operation by role.

    Args:
        result: what the generator found.
        leader: the leader's place among the members.
    """
    operations = max(1, result.operations)
    figures = {
        THROUGHPUT: result.operations_per_second,
        P50: result.p50_ms,
        P99: result.p99_ms,
        "errors": float(result.errors),
        "verified": float(result.verified),
        "generator_cpu_us": result.generator_cpu_seconds / operations * 1e6,
    }
    cpu = [seconds / operations * 1e6 for seconds in result.member_cpu_seconds]
    if cpu:
        figures["leader_cpu_us"] = cpu.pop(leader)
        figures[FOREIGN_SHARE] = result.foreign_cpu_seconds / result.seconds
        figures["members_cpu_us"] = sum(result.member_cpu_seconds) / operations * 1e6
    if cpu:
        figures["follower_cpu_us"] = statistics.mean(cpu)
    return figures


def memory_figures(pids: list[int]) -> dict[str, float]:
    """Memory of the biggest member, in MiB, now and at its peak."""
    if not pids:
        return {}
    memories = [processes.memory(pid) for pid in pids]
    mib = 1024 * 1024
    return {
        PEAK_MEMORY: max(memory.peak for memory in memories) / mib,
        MEMORY: max(memory.resident for memory in memories) / mib,
        "anonymous_memory_mib": max(memory.anonymous for memory in memories) / mib,
    }
