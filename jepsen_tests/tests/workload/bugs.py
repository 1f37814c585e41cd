"""Bugs of the store, each with a workload that shows it to clients, and the faults it takes."""

from jepsen_tests.plan import At, ClockSkew, Kill, Partition, Plan, PowerLoss, SnapshotCut

DEPOSED: Plan = (
    At(1.0, ClockSkew("leader", 0.0, 0.2), 9.0),
    At(1.5, Partition("leader-isolated"), 8.0),
)
"""A leader with a slow clock goes on leading, as it thinks, when another was elected long ago."""
POWER_CUTS: Plan = tuple(At(1.0 + n, PowerLoss("all"), 1.4 + n) for n in range(7))
BEHIND: Plan = tuple(At(0.5 + 3 * n, SnapshotCut("follower"), 3.0 + 3 * n) for n in range(3))
KILLED: Plan = tuple(At(1.0 + n, Kill("leader"), 1.5 + n) for n in range(8))

CLIENT_BUGS: tuple[tuple[str, str, Plan | None], ...] = (
    ("register", "read-without-quorum", DEPOSED),
    ("compare-and-set", "read-before-applied", None),
    ("append", "read-before-applied", None),
    ("set", "acknowledge-before-durable", POWER_CUTS),
    ("bank", "read-before-applied", None),
    ("watch", "watch-skips-snapshot", BEHIND),
    ("kubernetes", "read-before-applied", None),
    ("compaction", "watch-skips-snapshot", BEHIND),
    ("lease", "lease-not-renewed", None),
    ("lock", "lease-not-renewed", None),
    ("election", "applied-twice", KILLED),
)
"""(workload, bug of `planted/`, plan; without one each seed draws its own)."""
