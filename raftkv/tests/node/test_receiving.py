"""Snapshots as they arrive, one behind the other."""

from raftkv.apply.state import TABLES
from raftkv.mvcc.record import encode
from raftkv.mvcc.revision import row_key
from raftkv.peer.messages import SnapshotAck, SnapshotBegin, SnapshotEnd
from raftkv.raft.types import Membership
from raftkv.tests.node.given import ME, OTHER, THIRD, Row, World

MEMBERSHIP = Membership(frozenset({ME, OTHER, THIRD}))
ROWS: list[Row] = [(row_key(2, 0), encode(b"k", 2, 2, 1, b"v", 0))]


def end(sender: int, term: int, index: int) -> SnapshotEnd:
    """The only chunk of a small state."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    return SnapshotEnd(ME, sender, term, 1, 1, ROWS, tables, index, term, MEMBERSHIP)


def test_a_snapshot_that_begins_right_behind_another_does_not_empty_the_latter() -> None:
    world = World()
    world.meets(
        SnapshotBegin(ME, OTHER, 5, 1),
        end(OTHER, 5, 20),
        SnapshotBegin(ME, THIRD, 6, 1),
    )
    assert world.disk.calls == ["reset", "stage 1", "tables", "install"]
    refusal = world.last_sent(SnapshotAck)
    assert (refusal.to, refusal.accepted) == (THIRD, False)

    world.disk_is_done()
    assert world.node.status.applied_index == 20
    assert world.node.state.store.exists(b"k")


def test_after_a_snapshot_that_came_too_late_another_is_taken() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 20))
    world.disk_is_done()

    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 10))
    world.meets(SnapshotBegin(ME, OTHER, 5, 2))
    assert world.disk.calls[4:] == ["reset", "stage 1", "tables", "reset"]
    assert world.node.status.applied_index == 20
