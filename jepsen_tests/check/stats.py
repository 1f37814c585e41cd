"""How much of each function succeeded, and how long it took: an idle run proves nothing."""

from collections import Counter
from dataclasses import dataclass

from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import State, Verdict

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class FunctionStats:
    """The operations of one function."""

    function: str
    ok: int
    fail: int
    info: int
    p50_ms: float
    """Of those that succeeded, as the next two."""
    p99_ms: float
    max_ms: float

    @property
    def words(self) -> str:
        """In a line; the times are the median, the 99th percentile and the longest."""
        counts = f"{self.function}: {self.ok} ok, {self.fail} fail, {self.info} info"
        if not self.ok:
            return counts
        return f"{counts}, {self.p50_ms:.3g} / {self.p99_ms:.3g} / {self.max_ms:.3g} ms"


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts operations; unknown when a function never succeeded."""

    name: str = "stats"

    def check(self, history: History) -> Verdict:
        """The counts are the verdict's note."""
        stats = stats_of(history)
        idle = any(not one.ok for one in stats)
        note = "; ".join(one.words for one in stats)
        return Verdict(self.name, State.UNKNOWN if idle else State.VALID, (), note)


def stats_of(history: History) -> list[FunctionStats]:
    """The statistics of each function, by name."""
    return [_stats(name, history.by_function[name]) for name in sorted(history.by_function)]


def _stats(function: str, operations: list[Operation]) -> FunctionStats:
    counts = Counter(operation.status for operation in operations)
    latencies = sorted(
        (operation.return_ns - operation.call_ns) / _MS
        for operation in operations
        if operation.status is Status.OK and operation.return_ns is not None
    )
    return FunctionStats(
        function=function,
        ok=counts[Status.OK],
        fail=counts[Status.FAIL],
        info=counts[Status.INFO],
        p50_ms=_quantile(latencies, 50),
        p99_ms=_quantile(latencies, 99),
        max_ms=latencies[-1] if latencies else 0.0,
    )


def _quantile(latencies: list[float], percent: int) -> float:
    return latencies[(len(latencies) - 1) * percent // 100] if latencies else 0.0
