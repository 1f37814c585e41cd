"""What the disk costs, for the metrics."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from raftkv.histogram import doubling

SECONDS_BOUNDS = doubling(0.001, 14)
"""Upper bounds of the histogram's buckets: those of etcd's disk histograms."""
_AVERAGE_WEIGHT = 0.2


@dataclass(slots=True)
class WriteStatistics:
    """Durable writes of one kind since the start. Counted by whoever writes, read by the loop."""

    count: int = 0
    seconds: float = 0.0
    bytes: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(SECONDS_BOUNDS) + 1))
    """How many took at most each bound and longer than the one before; at the end, the rest."""
    average_seconds: float | None = None
    """The moving average; None before the first write."""

    @property
    def bounds(self) -> Sequence[float]:
        """Upper bounds of the buckets, without the last, infinite one."""
        return SECONDS_BOUNDS

    def observe(self, seconds: float, written: int) -> None:
        """One more write."""
        self.count += 1
        self.seconds += seconds
        self.bytes += written
        self.buckets[bisect_left(SECONDS_BOUNDS, seconds)] += 1
        average = self.average_seconds
        self.average_seconds = (
            seconds if average is None else average + (seconds - average) * _AVERAGE_WEIGHT
        )


@dataclass(frozen=True, slots=True)
class Size:
    """The data file, in bytes."""

    allocated: int
    """The file."""
    used: int
    """Pages that hold something; the rest of the file is reused before it grows."""
