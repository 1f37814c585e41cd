"""What is done to a cluster, and when: pure data, the same for every world.

A plan is a tuple of `At`s. Targets are member names or words: `leader`, `follower`, `any`, `all`,
`majority`, `minority`; who is meant is decided when the fault is made, by who leads then and by the
world's chance. The bounds of each number and the words of each choice stand at the field, for the
reader of stored plans (`plan_json.py`) and for whatever draws plans.
"""

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

TARGET_WORDS = ("leader", "follower", "any", "all", "majority", "minority")
SECONDS_MAX = 24 * 3600.0
FAULTS_MAX = 1_000
"""Of one plan."""


def _number(default: float, least: float, most: float) -> Any:  # noqa: ANN401 - a field
    """A number within bounds, both included; whole if the default is."""
    return field(default=default, metadata={"least": least, "most": most})


def _word(default: str, *others: str) -> Any:  # noqa: ANN401 - a field
    """One of several words."""
    return field(default=default, metadata={"words": (default, *others)})


def _target(default: str) -> Any:  # noqa: ANN401 - a field
    """Who is meant."""
    return field(default=default, metadata={"target": True})


@dataclass(frozen=True, slots=True)
class Kill:
    """Members end as by SIGKILL, and are started again at the end."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """Members end, and what they did not sync is lost; started again at the end."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class Pause:
    """Members do nothing for a while, and know nothing of it."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class Partition:
    """Links are cut."""

    shape: str = _word(
        "majority-minority",
        "leader-isolated",
        "ring",
        "one-way",
        "bridge",
        "peers",
        "clients",
        "groups",
    )
    """`ring`: everybody hears a majority, and no two the same one; `bridge`: two halves that one
    member joins; `one-way`: the leader hears nobody, or nobody hears it; `peers`: all links between
    members; `clients`: those between the leader and clients; `groups`: all links from one of
    `groups` to another."""
    groups: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """Messages to and from members vanish."""

    target: str = _target("any")
    chance: float = _number(0.2, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Delay:
    """Messages to and from members are late."""

    target: str = _target("any")
    milliseconds: float = _number(50.0, 0.0, 60_000.0)
    jitter_milliseconds: float = _number(50.0, 0.0, 60_000.0)


@dataclass(frozen=True, slots=True)
class Duplication:
    """Messages of consensus to and from members arrive twice."""

    target: str = _target("any")
    chance: float = _number(0.2, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Reordering:
    """Messages of consensus to and from members overtake each other."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class Reset:
    """Members' connections close, once, for no reason."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class SlowLink:
    """Members can't send much."""

    target: str = _target("any")
    kilobits_per_second: int = _number(500, 1, 10_000_000)


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """Members' clocks jump by an offset, and run faster or slower."""

    target: str = _target("any")
    offset_seconds: float = _number(0.0, -SECONDS_MAX, SECONDS_MAX)
    rate: float = _number(1.0, 0.1, 10.0)


@dataclass(frozen=True, slots=True)
class DiskError:
    """The nth operation of a kind fails from now on."""

    target: str = _target("any")
    operation: str = _word("sync", "write", "read")
    nth: int = _number(1, 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class SlowDisk:
    """Every sync takes longer."""

    target: str = _target("any")
    seconds: float = _number(0.2, 0.0, 60.0)


@dataclass(frozen=True, slots=True)
class DiskFull:
    """There is no more room."""

    target: str = _target("any")


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A member is stopped, its file damaged, and started again."""

    target: str = _target("follower")
    file: str = _word("log", "state", "snapshot")
    how: str = _word("flip", "truncate", "zero")


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A member is added, removed, replaced, added as a learner, or a learner promoted."""

    change: str = _word("replace", "add", "remove", "learner", "promote")


@dataclass(frozen=True, slots=True)
class RollingRestart:
    """Each member is stopped and started, one after the other."""


@dataclass(frozen=True, slots=True)
class SnapshotCut:
    """A member falls behind so far that it needs a snapshot, which is interrupted."""

    target: str = _target("follower")


@dataclass(frozen=True, slots=True)
class Transfer:
    """Another member is to lead."""

    target: str = _target("follower")


@dataclass(frozen=True, slots=True)
class Compact:
    """The history is compacted, but for the newest revisions."""

    keep_revisions: int = _number(10, 0, 1_000_000)


@dataclass(frozen=True, slots=True)
class ClientDeath:
    """Clients vanish with what they hold."""


Fault: TypeAlias = (
    Kill
    | PowerLoss
    | Pause
    | Partition
    | Loss
    | Delay
    | Duplication
    | Reordering
    | Reset
    | SlowLink
    | ClockSkew
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
    """One fault of a plan; seconds count from the first request."""

    seconds: float
    fault: Fault
    until_seconds: float | None = None
    """When it is undone; None: when the cluster is healed at the end of the run."""


Plan: TypeAlias = tuple[At, ...]
"""In the order of `seconds`."""


def name_of(fault: Fault | type[Fault]) -> str:
    """A fault's name in stored plans and reports: `power-loss`."""
    kind = fault if isinstance(fault, type) else type(fault)
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


FAULTS: dict[str, type[Fault]] = {name_of(kind): kind for kind in get_args(Fault)}
"""All kinds, by name."""
