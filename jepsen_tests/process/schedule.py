"""Draws the plan of a run: faults of some kinds, one by one, now and then two at a time."""

import random
from collections.abc import Callable, Sequence

from jepsen_tests.plan import (
    FAULTS,
    At,
    ClientDeath,
    ClockSkew,
    Compact,
    Corrupt,
    Delay,
    DiskError,
    DiskFull,
    Fault,
    Kill,
    Loss,
    MemberChange,
    Partition,
    Pause,
    Plan,
    PowerLoss,
    Reset,
    RollingRestart,
    SlowDisk,
    SlowLink,
    SnapshotCut,
    Transfer,
)

FIRST_SECONDS = 2.0
"""The cluster has so long to itself at first,"""
LAST_SECONDS = 2.0
"""and so long at the end."""
FAULT_SECONDS = (1.0, 5.0)
GAP_SECONDS = (0.5, 3.0)
OVERLAP_CHANCE = 0.25
"""How likely a fault begins while the one before still lasts."""
_SHAPES = ("leader-isolated", "majority-minority", "ring", "one-way", "bridge", "peers", "clients")
_FEW = ("leader", "follower", "any", "minority")
_SOME = (*_FEW, "majority", "all")


def _kill(chance: random.Random) -> Fault:
    return Kill(chance.choice(_SOME))


def _power_loss(chance: random.Random) -> Fault:
    return PowerLoss(chance.choice(_SOME))


def _pause(chance: random.Random) -> Fault:
    return Pause(chance.choice(_SOME))


def _partition(chance: random.Random) -> Fault:
    return Partition(chance.choice(_SHAPES))


def _loss(chance: random.Random) -> Fault:
    return Loss(chance.choice(_SOME), chance.choice((0.05, 0.2, 0.5)))


def _delay(chance: random.Random) -> Fault:
    return Delay(chance.choice(_SOME), *chance.choice(((10, 20), (50, 50), (100, 400))))


def _slow_link(chance: random.Random) -> Fault:
    return SlowLink(chance.choice(_SOME), chance.choice((200, 1_000, 5_000)))


def _reset(chance: random.Random) -> Fault:
    return Reset(chance.choice(_SOME))


def _clock_skew(chance: random.Random) -> Fault:
    rate = chance.choice((0.2, 0.7, 1.3, 5.0))
    return ClockSkew(chance.choice(_SOME), chance.choice((-3_600, -1, 0, 1, 3_600)), rate)


def _disk_error(chance: random.Random) -> Fault:
    return DiskError(chance.choice(_FEW), chance.choice(("sync", "write")), chance.randint(1, 20))


def _slow_disk(chance: random.Random) -> Fault:
    return SlowDisk(chance.choice(_SOME), chance.choice((0.02, 0.1, 0.5)))


def _disk_full(chance: random.Random) -> Fault:
    return DiskFull(chance.choice(_SOME))


def _corrupt(chance: random.Random) -> Fault:
    file = chance.choice(("log", "state", "snapshot"))
    return Corrupt("minority", file, chance.choice(("flip", "truncate", "zero")))


def _member_change(chance: random.Random) -> Fault:
    changes = ("replace", "add", "remove", "learner", "promote")
    return MemberChange(chance.choice(changes))


def _snapshot_cut(chance: random.Random) -> Fault:
    return SnapshotCut(chance.choice(("follower", "any")))


def _transfer(_chance: random.Random) -> Fault:
    return Transfer("follower")


def _compact(chance: random.Random) -> Fault:
    return Compact(chance.choice((0, 10, 100)))


DRAWS: dict[type[Fault], Callable[[random.Random], Fault]] = {
    Kill: _kill,
    PowerLoss: _power_loss,
    Pause: _pause,
    Partition: _partition,
    Loss: _loss,
    Delay: _delay,
    SlowLink: _slow_link,
    Reset: _reset,
    ClockSkew: _clock_skew,
    DiskError: _disk_error,
    SlowDisk: _slow_disk,
    DiskFull: _disk_full,
    Corrupt: _corrupt,
    MemberChange: _member_change,
    RollingRestart: lambda _: RollingRestart(),
    SnapshotCut: _snapshot_cut,
    Transfer: _transfer,
    Compact: _compact,
    ClientDeath: lambda _: ClientDeath(),
}
"""How a fault of each kind is drawn, for those that mean anything to real processes."""


def schedule(kinds: Sequence[str], seconds: float, chance: random.Random) -> Plan:
    """A plan of so many seconds with faults of these kinds (`plan.FAULTS`), each at least once.

    What has no time left is left out; without kinds there are no faults.
    """
    ats: list[At] = []
    at = FIRST_SECONDS
    waiting: list[str] = []
    while kinds and at < seconds - LAST_SECONDS:
        if not waiting:
            waiting = chance.sample(list(kinds), len(kinds))
        fault = _possible(DRAWS[FAULTS[waiting.pop()]](chance), ats)
        until = min(at + chance.uniform(*FAULT_SECONDS), seconds - LAST_SECONDS)
        ats.append(At(round(at, 3), fault, round(until, 3)))
        if chance.random() < OVERLAP_CHANCE:
            at += (until - at) * chance.random()
        else:
            at = until
        at += chance.uniform(*GAP_SECONDS)
    return tuple(ats)


def _possible(fault: Fault, before: Sequence[At]) -> Fault:
    """The fault, or what has to come before it: nobody is promoted or removed who was not added."""
    if not isinstance(fault, MemberChange):
        return fault
    made = [at.fault.change for at in before if isinstance(at.fault, MemberChange)]
    learners = made.count("learner") - made.count("promote")
    voters_added = made.count("add") + made.count("promote") - made.count("remove")
    match fault.change:
        case "promote" if not learners:
            return MemberChange("learner")
        case "learner" if learners:
            return MemberChange("promote")
        case "remove" if not voters_added:
            return MemberChange("add")
        case _:
            return fault
