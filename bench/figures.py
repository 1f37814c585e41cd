"""What a run of the load generator is told, and what it found out. Both travel as one JSON line."""

import json
from dataclasses import asdict, dataclass, field
from typing import Self

VALUE_BYTES = 256
"""Of every value that is written, unless a workload says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """One measurement of one workload against one cluster."""

    workload: str
    """A name in `workloads.WORKLOADS`."""
    endpoints: list[str]
    """One connection is made to each, in this order; clients are dealt out to them in turn."""
    clients: int
    """Calls in flight: each client has exactly one."""
    deadlines: bool = False
    """Send a `grpc-timeout` with every call."""
    seconds: float = 3.0
    warm_up_seconds: float = 0.5
    """Load before the measurement starts."""
    prefix: str = "bench"
    """Keys begin with it; a run of its own has a prefix of its own."""
    keys: int = 0
    """How many keys the workload reads or fills; 0 for its own choice."""
    pids: list[int] = field(default_factory=list)
    """Members whose CPU time is read when the measurement starts and when it ends."""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """What `to_json` made."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What was measured. Latencies run from a request's send to the turn that read its answer."""

    operations: int
    """Good answers (events, for watches) within the measured time."""
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    """Answers with a status other than 0, and answers with wrong content, warm-up included."""
    first_error: str
    verified: int
    """Values read back at the end that were what had been acknowledged."""
    member_cpu_seconds: list[float]
    """In the order of `LoadSpec.pids`."""
    generator_cpu_seconds: float
    foreign_cpu_seconds: float
    """What other processes of this machine used meanwhile: noise, if it is more than a little."""

    @property
    def operations_per_second(self) -> float:
        """Throughput."""
        return self.operations / self.seconds

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """What `to_json` made."""
        return cls(**json.loads(line))


def percentile(ordered: list[int], share: float) -> float:
    """The value that `share` (0 to 1) of the ordered values do not exceed: the nearest rank.

    Returns 0 for no values.
    """
    if not ordered:
        return 0.0
    rank = max(0, -int(-share * len(ordered) // 1) - 1)
    return float(ordered[rank])
