"""Reads of the past: they may be old, and have to be true."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.serializable import PastReads
from jepsen_tests.history import FaultBand, History, Json, MalformedError, Operation, Status
from jepsen_tests.tests.check.etcd_store import KEYS, Etcd
from jepsen_tests.tests.check.histories import FAIL, history, op
from jepsen_tests.verdict import State, Verdict

PUTS = (
    op("put", "1", at=(0, 1), revision=2),
    op("put", "2", at=(2, 3), revision=3),
    op("delete", None, 1, at=(4, 5), revision=4),
)


def check(*operations: Operation) -> Verdict:
    return PastReads().check(history(*operations))


def old(result: Json, revision: int, *, at: tuple[int, int] = (9, 10), member: str = "m1") -> Any:  # noqa: ANN401
    asked: Json = {"serializable": True}
    return op("read", asked, result, at=at, revision=revision, member=member, process=7)


def at_revision(revision: int, result: Json, *, header: int = 4) -> Operation:
    return op("read", {"revision": revision}, result, at=(9, 10), revision=header, process=7)


@pytest.mark.parametrize(("revision", "result"), [(1, None), (2, "1"), (3, "2"), (4, None)])
def test_a_serializable_read_is_what_was_at_its_revision(revision: int, result: Json) -> None:
    assert check(*PUTS, old(result, revision)).state is State.VALID
    verdict = check(*PUTS, old("3", revision))
    assert verdict.state is State.INVALID
    assert f"at revision {revision}, not" in verdict.findings[0].what


@pytest.mark.parametrize(("revision", "result"), [(1, None), (2, "1"), (3, "2"), (4, None)])
def test_a_read_at_a_revision_is_what_was_then(revision: int, result: Json) -> None:
    assert check(*PUTS, at_revision(revision, result)).state is State.VALID
    assert check(*PUTS, at_revision(revision, "3")).state is State.INVALID


def test_a_member_goes_forward_only_until_it_is_restarted() -> None:
    newer, older = old("2", 3, at=(6, 7)), old("1", 2, at=(8, 9))
    verdict = check(*PUTS, newer, older)
    assert verdict.state is State.INVALID
    assert verdict.findings[0].what.startswith("m1 went back: ")
    assert check(*PUTS, newer, replace(older, member="m2")).state is State.VALID
    assert check(*PUTS, newer, replace(older, call_ns=7)).state is State.VALID
    restarted = history(*PUTS, newer, older)
    restarted.append(FaultBand(name="kill", targets=["m1"], begin_ns=7, end_ns=8))
    assert PastReads().check(restarted).state is State.VALID


def test_what_is_compacted_is_refused_and_nothing_else() -> None:
    compact = op("compact", 3, at=(6, 7), key="")
    assert check(*PUTS, compact, at_revision(3, "2")).state is State.VALID
    served = check(*PUTS, compact, at_revision(2, "1"))
    assert "was answered, though compact 3" in served.findings[0].what
    error = "etcdserver: mvcc: required revision has been compacted"
    refused = replace(at_revision(2, None), status=FAIL, error=error, revision=0)
    assert check(*PUTS, compact, refused).state is State.VALID
    assert "though nobody compacted it" in check(*PUTS, refused).findings[0].what


def test_the_future_is_refused_and_nothing_else() -> None:
    assert "not there yet" in check(*PUTS, at_revision(5, None)).findings[0].what
    error = "etcdserver: mvcc: required revision is a future revision"
    refused = replace(at_revision(4, None), status=FAIL, error=error, revision=0)
    assert "in the future, though" in check(*PUTS, refused).findings[0].what
    lagging = replace(refused, value={"revision": 4, "serializable": True})
    assert check(*PUTS, lagging).state is State.VALID


def test_a_write_without_an_answer_explains_what_it_wrote_and_no_more() -> None:
    unknown = op("put", "3", at=(0, None))
    assert check(*PUTS, unknown, old("3", 5)).state is State.VALID
    assert check(*PUTS, unknown, old("1", 4)).state is State.INVALID
    assert check(*PUTS, replace(unknown, call_ns=11), old("3", 5)).state is State.INVALID
    assert check(*PUTS[:2], op("delete", at=(0, None)), old(None, 4)).state is State.VALID


def test_where_an_unknown_write_may_have_left_anything_it_is_left_open() -> None:
    verdict = check(*PUTS, op("append", 3, at=(0, None)), old([3], 5))
    assert verdict.state is State.UNKNOWN
    assert verdict.note == "1 read of keys with unknown writes"


def test_a_range_of_the_past_has_all_keys_of_then() -> None:
    kv: dict[str, Any] = {
        "key": "x",
        "value": "2",
        "create_revision": 2,
        "mod_revision": 3,
        "version": 2,
        "lease": 0,
    }
    asked: Json = {"range_end": "z", "revision": 3}
    found = op("range", asked, [kv], at=(9, 10), key="a", revision=4)
    assert check(*PUTS, found).state is State.VALID
    assert check(*PUTS, replace(found, result=[])).state is State.INVALID


def test_an_answer_without_a_revision_is_an_error() -> None:
    with pytest.raises(MalformedError, match="has no revision"):
        check(old(None, 0))


@given(st.integers(0, 10**6), st.data())
@settings(max_examples=50, deadline=None)
def test_every_read_of_the_past_is_as_it_was(seed: int, data: st.DataObject) -> None:
    etcd = Etcd(seed, unknown=0.1)
    etcd.run(60)
    made = etcd.history(watched=True)
    past: list[dict[str, str]] = [{}]
    for events in etcd.events:
        now = dict(past[-1])
        for event in events:
            now.pop(event["key"], None)
            if event["type"] == "PUT":
                now[event["key"]] = event["value"]
        past.append(now)
    revision = data.draw(st.integers(1, etcd.revision))
    key = data.draw(st.sampled_from(KEYS))
    value = past[revision - 1].get(key)
    true = op(
        "read", {"revision": revision}, value, at=(999, 1000), key=key, revision=etcd.revision
    )
    assert check_with(made, true) is State.VALID
    assert check_with(made, replace(true, result="wrong")) is State.INVALID
    assert true.status is Status.OK


def check_with(made: History, read: Operation) -> State:
    return PastReads().check(History([*made.operations, *made.watches, read])).state
