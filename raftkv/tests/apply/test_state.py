"""What holds of the state machine as a whole: dispatch, hashes, storing and loading."""

import pytest
from typing_extensions import override

from raftkv.apply import state as state_module
from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure
from raftkv.config import LimitsConfig
from raftkv.mvcc import loading
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.mvcc.revision import ROW_KEYS_END
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.given import (
    a_state,
    compact,
    delete,
    grant,
    put,
    refused,
    reloaded,
)


def test_every_kind_of_command_has_its_verb() -> None:
    assert set(state_module._VERBS) == set(CommandKind)


def test_the_rolling_hash_moves_with_every_change_and_with_no_failure() -> None:
    state = a_state()
    changes = [
        (CommandKind.PUT, pb.PutRequest(key=b"a")),
        (CommandKind.DELETE_RANGE, pb.DeleteRangeRequest(key=b"a")),
        (CommandKind.LEASE_GRANT, pb.LeaseGrantRequest(ID=7, TTL=9)),
        (CommandKind.LEASE_REVOKE, pb.LeaseRevokeRequest(ID=7)),
        (CommandKind.COMPACT, pb.CompactionRequest(revision=2)),
        (CommandKind.ALARM, pb.AlarmRequest(action=pb.AlarmRequest.ACTIVATE, alarm=pb.NOSPACE)),
    ]
    seen = {state.rolling_hash}
    for number, (kind, request) in enumerate(changes, 2):
        assert isinstance(state.apply(kind, request.SerializeToString()), tuple)
        seen.add(state.rolling_hash)
        assert len(seen) == number
    with refused(Failure.NO_SPACE):
        put(state, b"a")
    assert state.rolling_hash in seen


def test_the_rolling_hash_does_not_tell_how_far_removal_has_come() -> None:
    state = a_state()
    put(state, b"a")
    put(state, b"a")
    compact(state, 3)
    before = state.rolling_hash
    state.physical_compaction_step(10)
    assert state.rolling_hash == before == reloaded(state).rolling_hash


class CountingTables(MemoryTables):
    puts = 0

    @override
    def put(self, table: str, key: bytes, value: bytes) -> None:
        self.puts += 1
        super().put(table, key, value)


def test_meta_is_put_into_the_tables_only_when_it_has_changed() -> None:
    tables = CountingTables()
    state = StateMachine(MemoryRows(), tables, LimitsConfig())
    state.save_meta()
    state.save_meta()
    assert tables.puts == 1
    put(state, b"a")
    state.save_meta()
    state.save_meta()
    assert tables.puts == 2


def test_loading_pauses_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "ROWS_PER_STEP", 10)
    state = a_state()
    for number in range(95):
        put(state, b"%d" % number)
    again = StateMachine(state.store.rows, state._tables, LimitsConfig())
    assert sum(1 for _ in again.load_steps()) == 10
    assert again.store.revision == 96
    assert again.store.key_count == 95


def test_a_state_that_arrives_in_pieces_is_the_one_that_was_sent() -> None:
    state = a_state()
    grant(state, 7)
    for number in range(30):
        put(state, b"%d" % (number % 20), lease=7 * (number % 2))
    delete(state, b"1", b"2")
    compact(state, 20)
    state.save_meta()
    arrived = a_state()
    cursor = b""
    while rows := state.store.scan(cursor, ROW_KEYS_END, 7):
        arrived.load_rows(rows)
        for key, row in rows:
            arrived.store.rows.put(key, row)
        cursor = rows[-1][0] + b"\0"
    arrived.load_tables({name: list(state._tables.items(name)) for name in state_module.TABLES})
    assert arrived.store.index._histories == state.store.index._histories
    assert arrived.lessor.keys(7) == state.lessor.keys(7)
    assert arrived.rolling_hash == state.rolling_hash
    assert put(arrived, b"x") == put(state, b"x")


def test_a_new_state_is_empty_at_revision_1() -> None:
    state = a_state()
    state.load()
    assert (state.store.revision, state.store.compact_revision) == (1, -1)
    assert state.store.row_bytes == state.rolling_hash == 0


def test_changes_are_not_even_collected_while_nobody_is_told() -> None:
    state = a_state()
    assert state.begin().changes is None
    state.on_changes = lambda _revision, _changes: None
    assert state.begin().changes == []
