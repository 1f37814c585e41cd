"""Compaction as a command: which revisions it takes, and that removal outlasts a restart."""

from raftkv.apply.state import StateMachine
from raftkv.command.types import Failure
from raftkv.mvcc import compaction
from raftkv.tests.apply.given import a_state, compact, get, put, refused, reloaded, rows_of


def filled() -> StateMachine:
    state = a_state()
    for number in range(5):
        put(state, b"a", b"%d" % number)
    return state


def test_a_revision_can_be_compacted_once_and_none_before_it() -> None:
    state = filled()
    assert compact(state, 4)[0] == 6
    with refused(Failure.COMPACTED):
        compact(state, 4)
    with refused(Failure.COMPACTED):
        compact(state, 3)
    with refused(Failure.FUTURE_REVISION):
        compact(state, 7)
    assert compact(state, 6)[0] == 6


def test_a_new_store_lets_itself_be_compacted_at_0_once_as_etcd_does() -> None:
    state = a_state()
    with refused(Failure.COMPACTED):
        compact(state, -1)
    assert compact(state, 0)[0] == 1
    with refused(Failure.COMPACTED):
        compact(state, 0)


def test_the_compact_revision_itself_stays_readable() -> None:
    state = filled()
    compact(state, 4)
    assert get(state, b"a", revision=4)[1].kvs[0].value == b"2"
    with refused(Failure.COMPACTED):
        get(state, b"a", revision=3)


def test_removal_goes_on_after_a_restart_where_it_stopped() -> None:
    state = filled()
    compact(state, 6)
    assert state.physical_compaction_step(2)
    again = reloaded(state)
    assert again.store.compact_revision == 6
    assert compaction.is_pending(again.store)
    assert not again.physical_compaction_step(100)
    assert len(rows_of(again)) == 1
    assert again.store.row_bytes == len(again.store.row(b"a") or b"")
