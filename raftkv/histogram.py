"""Observations, sorted into buckets: what a metric of that type is made of."""

from bisect import bisect_left


class Histogram:
    """Counts observations by size; Prometheus' histogram, before it is written down."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """`bounds` are upper ones, ascending, without the last, infinite one."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """How many observations fell into each bucket alone."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """One more observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


def doubling(first: float, count: int) -> tuple[float, ...]:
    """Bounds, each twice the one before: etcd's are all of this kind."""
    return tuple(first * 2**step for step in range(count))
