"""Put: revisions and versions, what it can keep of a key, and its lease."""

from typing import Any

import pytest

from raftkv.apply.state import StateMachine
from raftkv.command.types import Failure
from raftkv.pb.kv_pb2 import KeyValue
from raftkv.tests.apply.given import a_state, delete, get, grant, put, refused


def row(state: StateMachine, key: bytes) -> KeyValue:
    _, answer = get(state, key)
    return answer.kvs[0]


def test_the_first_put_of_a_new_store_makes_revision_2() -> None:
    state = a_state()
    revision, answer = put(state, b"a", b"1")
    assert revision == 2
    assert answer.SerializeToString() == b""
    expected = KeyValue(key=b"a", create_revision=2, mod_revision=2, version=1, value=b"1")
    assert row(state, b"a") == expected


def test_a_key_keeps_its_create_revision_and_counts_its_versions_until_it_is_deleted() -> None:
    state = a_state()
    put(state, b"a")
    put(state, b"a")
    kept = row(state, b"a")
    assert (kept.create_revision, kept.mod_revision, kept.version) == (2, 3, 2)
    delete(state, b"a")
    put(state, b"a")
    anew = row(state, b"a")
    assert (anew.create_revision, anew.mod_revision, anew.version) == (5, 5, 1)


def test_prev_kv_is_the_row_before_or_nothing() -> None:
    state = a_state()
    assert not put(state, b"a", b"1", prev_kv=True)[1].HasField("prev_kv")
    before = row(state, b"a")
    assert put(state, b"a", b"2", prev_kv=True)[1].prev_kv == before


def test_ignore_value_and_ignore_lease_keep_what_is_there() -> None:
    state = a_state()
    grant(state, 7)
    put(state, b"a", b"1", lease=7)
    put(state, b"a", ignore_value=True, lease=7)
    assert row(state, b"a").value == b"1"
    put(state, b"a", b"2", ignore_lease=True)
    assert (row(state, b"a").value, row(state, b"a").lease) == (b"2", 7)
    put(state, b"a", ignore_value=True)
    assert (row(state, b"a").value, row(state, b"a").lease) == (b"2", 0)


@pytest.mark.parametrize("field", ["ignore_value", "ignore_lease"])
def test_there_must_be_something_to_keep(field: str) -> None:
    flag: dict[str, Any] = {field: True}
    state = a_state()
    with refused(Failure.KEY_NOT_FOUND):
        put(state, b"a", **flag)
    put(state, b"a")
    delete(state, b"a")
    with refused(Failure.KEY_NOT_FOUND):
        put(state, b"a", **flag)


def test_a_lease_that_is_not_there_fails_the_put_and_changes_nothing() -> None:
    state = a_state()
    before = state.rolling_hash
    with refused(Failure.LEASE_NOT_FOUND):
        put(state, b"a", lease=9)
    with refused(Failure.LEASE_NOT_FOUND):
        put(state, b"a", lease=9, ignore_value=True)
    assert (state.store.revision, state.store.key_count) == (1, 0)
    assert state.rolling_hash == before


def test_a_put_without_its_lease_detaches_the_key() -> None:
    state = a_state()
    grant(state, 7)
    grant(state, 8)
    put(state, b"a", lease=7)
    put(state, b"a", lease=8)
    assert (state.lessor.keys(7), state.lessor.keys(8)) == ([], [b"a"])
    put(state, b"a")
    assert state.lessor.keys(8) == []
