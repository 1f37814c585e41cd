"""What a loop has seen since its member started, beside what its state counts."""

from collections import defaultdict
from dataclasses import dataclass, field

from raftkv.command.types import Failure
from raftkv.histogram import Histogram, doubling


def _by_member() -> dict[int, int]:
    return defaultdict(int)


@dataclass(slots=True)
class TransferCounts:
    """Snapshots that went one way, by the other member."""

    succeeded: dict[int, int] = field(default_factory=_by_member)
    failed: dict[int, int] = field(default_factory=_by_member)


@dataclass(slots=True)
class NodeCounts:
    """One member's counts."""

    leases_renewed: int = 0
    """By this member as the leader."""
    leases_expired: int = 0
    """The same."""
    learners_promoted: int = 0
    """Promotions that this member took into the log as the leader."""
    promotions_refused: dict[Failure, int] = field(default_factory=lambda: defaultdict(int))
    """By this member as the leader."""
    sent: TransferCounts = field(default_factory=TransferCounts)
    received: TransferCounts = field(default_factory=TransferCounts)
    compaction_tick: int | None = None
    """When history was given up last; None: not since the start."""
    compaction_milliseconds: Histogram = field(default_factory=lambda: Histogram(doubling(100, 14)))
    """How long it took until the rows were gone, to a tick."""
