"""All bugs that can be planted, by layer, and those that can't be."""

from jepsen_tests.planted import (
    applying,
    client,
    elections,
    lease,
    membership,
    reads,
    replication,
    snapshots,
    storage,
    store,
    watch,
)
from jepsen_tests.planted.planting import Absent, Bug

LAYERS: dict[str, tuple[Bug, ...]] = {
    "elections": elections.BUGS,
    "replication": replication.BUGS,
    "reads": reads.BUGS,
    "membership": membership.BUGS,
    "snapshots": snapshots.BUGS,
    "applying": applying.BUGS,
    "storage": storage.BUGS,
    "store": store.BUGS,
    "watch": watch.BUGS,
    "lease": lease.BUGS,
    "client": client.BUGS,
}
BUGS: tuple[Bug, ...] = tuple(bug for bugs in LAYERS.values() for bug in bugs)
LAYER_OF: dict[str, str] = {bug.name: layer for layer, bugs in LAYERS.items() for bug in bugs}
ABSENT: tuple[Absent, ...] = (
    *elections.ABSENT,
    *membership.ABSENT,
    *applying.ABSENT,
    *client.ABSENT,
)


def bug_named(name: str) -> Bug:
    """The bug of that name; KeyError if there is none."""
    return _BY_NAME[name]


_BY_NAME = {bug.name: bug for bug in BUGS}
