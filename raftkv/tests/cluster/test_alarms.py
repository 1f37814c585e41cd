"""The table of alarms by itself."""

from raftkv.cluster.alarms import ANY, CORRUPT, NO_SPACE, Alarms
from raftkv.mvcc.memory import MemoryTables


def test_an_alarm_is_active_until_the_last_member_takes_it_back() -> None:
    alarms = Alarms(MemoryTables())
    alarms.activate(1, NO_SPACE)
    alarms.activate(2, NO_SPACE)
    alarms.deactivate(1, NO_SPACE)
    assert alarms.no_space
    alarms.deactivate(2, NO_SPACE)
    assert not alarms.no_space
    assert not alarms.any_active


def test_alarms_are_asked_for_by_kind_and_by_member() -> None:
    alarms = Alarms(MemoryTables())
    alarms.activate(2, NO_SPACE)
    alarms.activate(1, NO_SPACE)
    alarms.activate(1, CORRUPT)
    assert alarms.active() == [(1, NO_SPACE), (1, CORRUPT), (2, NO_SPACE)]
    assert alarms.active(NO_SPACE) == [(1, NO_SPACE), (2, NO_SPACE)]
    assert alarms.active(ANY, 1) == [(1, NO_SPACE), (1, CORRUPT)]
    assert alarms.active(CORRUPT, 2) == []


def test_raising_an_alarm_twice_is_raising_it_once_and_it_is_stored() -> None:
    tables = MemoryTables()
    alarms = Alarms(tables)
    alarms.activate((1 << 64) - 1, CORRUPT)
    alarms.activate((1 << 64) - 1, CORRUPT)
    stored = Alarms(tables)
    stored.load(list(tables.items("alarm")))
    assert stored.active() == [((1 << 64) - 1, CORRUPT)]
    assert stored.corrupt
    assert stored.any_active
    assert not stored.no_space
