"""What is done to a cluster, and when: pure data, the same for every world."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Kill:
    """Members end as by SIGKILL, and are started again at the end."""

    target: str = "any"


@dataclass(frozen=True, slots=True)
class Pause:
    """Members do nothing, and know nothing of it."""

    target: str = "any"


@dataclass(frozen=True, slots=True)
class Partition:
    """Links are cut."""

    shape: str = "majority-minority"
    groups: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """Packets to and from members vanish."""

    target: str = "any"
    chance: float = 0.2


@dataclass(frozen=True, slots=True)
class Delay:
    """Packets to and from members are late."""

    target: str = "any"
    milliseconds: float = 50
    jitter_milliseconds: float = 50


@dataclass(frozen=True, slots=True)
class SlowLink:
    """Members can't send much."""

    target: str = "any"
    kilobits_per_second: int = 500


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """Members' clocks go wrong."""

    target: str = "any"
    offset_seconds: float = 0.0
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """Members end, and what they did not sync is lost."""

    target: str = "any"


@dataclass(frozen=True, slots=True)
class DiskError:
    """A write or a sync fails."""

    target: str = "any"
    operation: str = "sync"
    nth: int = 1


@dataclass(frozen=True, slots=True)
class SlowDisk:
    """Every sync takes longer."""

    target: str = "any"
    seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class DiskFull:
    """There is no more room."""

    target: str = "any"


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A member is stopped, its file damaged, and started again."""

    target: str = "follower"
    file: str = "log"
    how: str = "flip"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """add, remove, replace, learner (added), promote."""

    change: str = "replace"


@dataclass(frozen=True, slots=True)
class RollingRestart:
    """Each member is stopped and started, one after the other."""


@dataclass(frozen=True, slots=True)
class SnapshotCut:
    """A member falls behind so far that it needs a snapshot, which is interrupted."""

    target: str = "follower"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Another member is to lead."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The history is compacted."""

    keep_revisions: int = 10


@dataclass(frozen=True, slots=True)
class ClientDeath:
    """Clients vanish with what they hold."""


Fault: TypeAlias = (
    Kill
    | Pause
    | Partition
    | Loss
    | Delay
    | SlowLink
    | ClockSkew
    | PowerLoss
    | DiskError
    | SlowDisk
    | DiskFull
    | Corrupt
    | MemberChange
    | RollingRestart
    | SnapshotCut
    | Transfer
    | Compact
    | ClientDeath
)


@dataclass(frozen=True, slots=True)
class At:
    """One fault of a plan."""

    seconds: float
    fault: Fault
    until_seconds: float | None = None


Plan: TypeAlias = tuple[At, ...]
