"""The state machine against the slow one of `model.py`, with reloads and removals at any point."""

from typing import Any, TypeAlias

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from raftkv.apply.range import execute_range
from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure
from raftkv.config import LimitsConfig
from raftkv.mvcc.hash import hash_now
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.mvcc.record import decode
from raftkv.mvcc.revision import ROW_KEYS_END, first_row_key, main_of
from raftkv.pb import kv_pb2
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.commands import KEYS, commands, granted, ranges
from raftkv.tests.apply.model import Model

Command: TypeAlias = tuple[CommandKind, Message]

pytestmark = pytest.mark.slow

RESPONSES: dict[CommandKind, type[Message]] = {
    CommandKind.PUT: pb.PutResponse,
    CommandKind.DELETE_RANGE: pb.DeleteRangeResponse,
    CommandKind.TXN: pb.TxnResponse,
    CommandKind.COMPACT: pb.CompactionResponse,
    CommandKind.LEASE_GRANT: pb.LeaseGrantResponse,
    CommandKind.LEASE_REVOKE: pb.LeaseRevokeResponse,
}


class World:
    def __init__(self) -> None:
        self.rows = MemoryRows()
        self.tables = MemoryTables()
        self.state = StateMachine(self.rows, self.tables, LimitsConfig())
        self.state.load()
        self.model = Model()
        for kind, request in granted:
            self.apply(kind, request)

    def apply(self, kind: CommandKind, request: Message) -> None:
        result = self.state.apply(kind, request.SerializeToString())
        expected = self.model.apply(kind, request)
        if isinstance(expected, Failure):
            assert result is expected
        else:
            assert not isinstance(result, Failure), result
            revision, body = result
            assert (revision, RESPONSES[kind].FromString(body)) == expected
            assert body == expected[1].SerializeToString()

    def compact(self, back: int) -> None:
        """Compacts to `back` revisions before the newest."""
        request = pb.CompactionRequest(revision=self.model.revision - back)
        self.apply(CommandKind.COMPACT, request)

    def range(self, request: pb.RangeRequest) -> None:
        answer = execute_range(self.state.store, request)
        expected = self.model.range(request)
        if isinstance(expected, Failure):
            assert answer is expected
        else:
            assert answer == (self.model.revision, expected.SerializeToString())

    def reload(self) -> None:
        self.state.save_meta()
        self.rows = self.rows.copy()
        self.tables = self.tables.copy()
        reloaded = StateMachine(self.rows, self.tables, LimitsConfig())
        reloaded.load()
        assert observed(reloaded) == observed(self.state)
        self.state = reloaded

    def check(self) -> None:
        store = self.state.store
        model = self.model
        assert store.revision == model.revision
        assert store.compact_revision == model.compact_revision
        assert store.key_count == len(model.state_at(model.revision))
        assert store.row_bytes == sum(map(len, self.rows.by_key.values()))
        readable = max(model.compact_revision, 1)
        for revision in range(readable, model.revision + 1):
            self.range(pb.RangeRequest(key=b"\0", range_end=b"\0", revision=revision))
        self._check_history()
        assert self.state.lessor.ids() == sorted(model.leases)
        for lease in model.leases:
            assert self.state.lessor.keys(lease) == model.lease_keys(lease)

    def _check_history(self) -> None:
        """What a watch from the compact revision on sees is all there."""
        store = self.state.store
        first = max(self.model.compact_revision + 1, 0)
        found = store.scan(first_row_key(first), ROW_KEYS_END, 10_000)
        expected = [(main, row) for main, row in self.model.history if main >= first]
        rows = [(main_of(key), kv_pb2.KeyValue.FromString(row)) for key, row in found]
        assert rows == expected
        for main, row in expected:
            before = self.model.state_at(main - 1).get(row.key)
            previous = store.previous_row(row.key, main)
            assert previous == (before.SerializeToString() if before is not None else None)


def observed(state: StateMachine) -> dict[str, object]:
    """Everything that a state shows; what is already removed of it does not count."""
    store = state.store
    return {
        "revision": (store.revision, store.compact_revision, store.key_count),
        "bytes": (store.row_bytes, store.rolling_hash),
        "rows": dict(store.scan(b"", ROW_KEYS_END, 100_000)),
        "hash": hash_now(store, store.revision),
        "live": [store.index.numbers(key) for key in KEYS],
        "garbage": store.garbage.is_due(store.compact_revision),
        "leases": [(lease, state.lessor.keys(lease)) for lease in state.lessor.ids()],
        "attached": [state.lessor.lease_of(key) for key in KEYS],
    }


steps = st.lists(
    st.one_of(
        commands,
        commands,
        commands,
        st.tuples(st.just("range"), ranges),
        st.tuples(st.just("compact"), st.integers(0, 4)),
        st.tuples(st.just("reload"), st.none()),
        st.tuples(st.just("remove"), st.integers(1, 5)),
    ),
    min_size=20,
    max_size=50,
)


@given(steps)
def test_every_answer_and_every_readable_revision_is_as_in_the_slow_model(
    steps: list[tuple[Any, Any]],
) -> None:
    world = World()
    for kind, argument in steps:
        match kind:
            case "range":
                world.range(argument)
            case "compact":
                world.compact(argument)
            case "reload":
                world.reload()
            case "remove":
                world.state.physical_compaction_step(argument)
            case _:
                world.apply(kind, argument)
    world.check()
    world.reload()
    while world.state.physical_compaction_step(3):
        pass
    rows = [kv_pb2.KeyValue.FromString(row) for row in world.rows.by_key.values()]
    assert rows == world.model.kept()
    world.check()
    world.reload()


@given(st.lists(commands, min_size=5, max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_a_crash_and_replay_from_any_stored_point_lead_to_the_same_state(
    sequence: list[Command], stored_at: int, removed: int
) -> None:
    straight = World().state
    crashed = World()
    for at, (kind, request) in enumerate(sequence):
        if at == stored_at:
            crashed.state.physical_compaction_step(removed + 1)
            crashed.reload()
        body = request.SerializeToString()
        assert crashed.state.apply(kind, body) == straight.apply(kind, body)
    while crashed.state.physical_compaction_step(100) or straight.physical_compaction_step(100):
        pass
    assert observed(crashed.state) == observed(straight)


@given(st.lists(commands, min_size=5, max_size=30), st.integers(0, 20))
def test_the_hash_of_the_rows_does_not_tell_how_far_removal_has_come(
    sequence: list[Command], removed: int
) -> None:
    state = World().state
    for kind, request in sequence:
        state.apply(kind, request.SerializeToString())
    before = hash_now(state.store, state.store.revision)
    state.physical_compaction_step(removed + 1)
    assert hash_now(state.store, state.store.revision) == before


@given(st.lists(commands, min_size=5, max_size=30))
def test_changes_tell_each_row_of_each_revision_in_order(sequence: list[Command]) -> None:
    state = World().state
    told: list[tuple[int, Any]] = []
    state.on_changes = lambda revision, changes: told.append((revision, changes))
    for kind, request in sequence:
        before = state.store.revision
        told.clear()
        state.apply(kind, request.SerializeToString())
        if state.store.revision == before:
            assert not told
            continue
        [(revision, changes)] = told
        assert revision == state.store.revision == before + 1
        rows = state.store.scan(first_row_key(revision), ROW_KEYS_END, 1_000)
        assert [(row_key, row) for _, row_key, row, _ in changes] == rows
        for key, _, row, previous in changes:
            fields = decode(row)
            assert fields.key == key
            assert fields.mod_revision == revision
            assert (previous is None) == (fields.version == 1)
