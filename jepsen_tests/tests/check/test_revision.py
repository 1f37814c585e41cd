"""The revision checker: against the search, against planted errors, and by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.linear import Linearizability
from jepsen_tests.check.revision import Revisions, RevisionStream
from jepsen_tests.history import (
    Event,
    History,
    Json,
    MalformedError,
    Operation,
    Status,
    WatchEvents,
)
from jepsen_tests.model.etcd import EtcdKey
from jepsen_tests.tests.check.etcd_store import Etcd
from jepsen_tests.tests.check.histories import history, op
from jepsen_tests.verdict import State, Verdict

seeds = st.integers(0, 10**6)


def check(*operations: Operation) -> Verdict:
    return Revisions().check(history(*operations))


@given(seeds, st.sampled_from([0.0, 0.1, 0.3]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_etcd_does_is_valid(seed: int, unknown: float, watched: bool) -> None:  # noqa: FBT001
    etcd = Etcd(seed, unknown=unknown)
    etcd.run(80)
    verdict = Revisions().check(etcd.history(watched=watched))
    assert verdict.state is State.VALID, verdict


@pytest.mark.slow
@given(seeds, st.sampled_from([0.0, 0.05, 0.3]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_etcd_does_at_length_is_never_called_wrong(
    seed: int,
    unknown: float,
    watched: bool,  # noqa: FBT001
) -> None:
    etcd = Etcd(seed, clients=20, unknown=unknown)
    etcd.run(300)
    verdict = Revisions().check(etcd.history(watched=watched))
    assert verdict.state is State.VALID or (unknown == 0.3 and verdict.state is State.UNKNOWN)


def swapped(operations: list[Operation], first: int, second: int) -> list[Operation]:
    """Each gets the other's answer."""
    one, other = operations[first], operations[second]
    changed = list(operations)
    changed[first] = replace(one, result=other.result, revision=other.revision)
    changed[second] = replace(other, result=one.result, revision=one.revision)
    return changed


@given(seeds, st.data())
@settings(max_examples=40, deadline=None)
def test_it_finds_what_the_search_finds(seed: int, data: st.DataObject) -> None:
    functions = ("put", "delete", "read", "range", "cas")
    operations = Etcd(seed, unknown=data.draw(st.sampled_from([0.0, 0.1])), functions=functions)
    made = [one for one in operations.run(40) if not isinstance(one.value, dict)]
    same = [
        (first, second)
        for first, one in enumerate(made)
        for second, other in enumerate(made[:first])
        if (one.function, one.key, one.status) == (other.function, other.key, other.status)
        and one.function != "cas"
    ]
    if same:
        made = swapped(made, *data.draw(st.sampled_from(same)))
    searched = Linearizability(EtcdKey()).check(history(*made))
    if searched.state is State.INVALID:
        assert check(*made).state is State.INVALID


@given(seeds, st.sampled_from([0.0, 0.2]), st.booleans(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_planted_stale_read_is_found(
    seed: int,
    unknown: float,
    watched: bool,  # noqa: FBT001
    data: st.DataObject,
) -> None:
    etcd = Etcd(seed, unknown=unknown)
    etcd.run(80)
    operations = etcd.operations
    reads = [
        (index, older)
        for index, one in enumerate(operations)
        if one.function == "read" and one.status is Status.OK
        for older in operations[:index]
        if older.status is Status.OK
        and older.return_ns is not None
        and older.return_ns < one.call_ns
        and older.revision > 2
    ]
    if not reads:
        return
    index, older = data.draw(st.sampled_from(reads))
    stale = replace(operations[index], revision=data.draw(st.integers(1, older.revision - 1)))
    operations[index] = stale
    assert Revisions().check(etcd.history(watched=watched)).state is State.INVALID


@given(seeds, st.data())
@settings(max_examples=60, deadline=None)
def test_a_planted_lost_write_is_found(seed: int, data: st.DataObject) -> None:
    etcd = Etcd(seed, functions=("put", "read", "range"))
    operations = etcd.run(80)
    seen = {
        str(one.result): index for index, one in enumerate(operations) if one.function == "read"
    }
    lost = [one for one in operations if one.function == "put" and one.value in seen]
    if not lost:
        return
    write = data.draw(st.sampled_from(lost))
    read = operations[seen[str(write.value)]]
    operations[seen[str(write.value)]] = replace(read, result="v0")
    assert check(*operations).state is State.INVALID


@given(seeds, st.data())
@settings(max_examples=60, deadline=None)
def test_a_planted_second_owner_of_a_revision_is_found(seed: int, data: st.DataObject) -> None:
    operations = Etcd(seed, functions=("put",)).run(40)
    first, second = data.draw(
        st.lists(st.integers(0, len(operations) - 1), min_size=2, max_size=2, unique=True)
    )
    operations[first] = replace(operations[first], revision=operations[second].revision)
    verdict = check(*operations)
    assert verdict.state is State.INVALID
    assert any("Two writes have revision" in finding.what for finding in verdict.findings)


@given(seeds, st.sampled_from([0.0, 0.2]), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_a_stream_comes_to_the_same_verdict(seed: int, unknown: float, every: int) -> None:
    etcd = Etcd(seed, unknown=unknown)
    operations = etcd.run(80)
    if seed % 2:
        index = next(i for i, one in enumerate(operations) if one.status is Status.OK)
        operations[index] = replace(operations[index], revision=77)
    stream = RevisionStream()
    for number, operation in enumerate(operations):
        if number % every == 0:
            stream.settle(min(later.call_ns for later in operations[number:]))
        stream.feed(operation)
    assert stream.finish().state is Revisions().check(history(*operations)).state


def test_a_stream_keeps_only_what_is_not_settled() -> None:
    operations = Etcd(3, clients=5).run(2_000)
    stream = RevisionStream()
    kept = 0
    for number, operation in enumerate(operations):
        stream.feed(operation)
        if number % 10 == 0:
            stream.settle(min(later.call_ns for later in operations[number + 1 : number + 100]))
            kept = max(kept, len(stream._waiting))
        assert stream.so_far().state is State.VALID
    assert kept < 100
    assert stream.finish().state is State.VALID


def event(revision: int, key: str, value: str | None) -> Event:
    return Event(
        type="DELETE" if value is None else "PUT",
        key=key,
        value=value or "",
        create_revision=revision,
        mod_revision=revision,
        version=1,
        lease=0,
        prev=None,
    )


def told(*events: Event, watch: str = "w", **changed: Any) -> WatchEvents:  # noqa: ANN401
    fields: dict[str, Any] = {
        "watch": watch,
        "member": "m1",
        "received_ns": 0,
        "start_revision": 1,
        "key": "\0",
        "range_end": "\0",
        "filters": [],
        "prev_kv": False,
        "progress_notify": False,
        "revision": max((one["mod_revision"] for one in events), default=1),
        "events": list(events),
    }
    return WatchEvents(**(fields | changed))


def test_what_returned_before_may_not_come_after() -> None:
    write = op("put", "1", at=(0, 5), revision=3, process=1)
    read = op("read", None, None, at=(6, 7), revision=2, process=2)
    verdict = check(write, read)
    assert verdict.state is State.INVALID
    assert verdict.findings[0].what == (
        'put "1" (process 1, revision 3) had returned before read -> null (process 2, revision 2) '
        "was called, and yet comes after it in the order of revisions: what was called later is "
        "stale."
    )
    assert verdict.findings[0].operations == (write, read)
    assert check(write, replace(read, call_ns=5)).state is State.VALID


def test_an_answer_is_what_the_writes_before_it_left() -> None:
    write = op("put", "1", at=(0, 5), revision=2, process=1)
    read = op("read", None, "2", at=(6, 7), revision=2, process=2)
    verdict = check(write, read)
    assert verdict.findings[0].what == (
        'read -> "2" (process 2, revision 2) is not what the writes before it left: it saw "2" in '
        '\'x\', which held "1", written by put "1" (process 1, revision 2).'
    )


def test_a_revision_without_an_owner_is_told() -> None:
    writes = op("put", "1", at=(0, 5), revision=2), op("put", "2", at=(6, 7), revision=4)
    verdict = check(*writes)
    assert verdict.state is State.INVALID
    assert verdict.findings[0].what.startswith("1 revision from 3 on are not those of an answered")
    assert check(*writes, op("put", "3", at=(0, None))).state is State.VALID
    assert check(*writes, op("revoke", at=(0, 1))).state is State.VALID


def test_an_unknown_write_explains_what_is_read_or_nothing() -> None:
    unknown = op("put", "1", at=(0, None))
    absent = op("read", None, None, at=(1, 2), revision=1)
    seen = op("read", None, "1", at=(3, 4), revision=2)
    assert check(unknown, absent, seen).state is State.VALID
    assert check(unknown, absent).state is State.VALID
    gone = op("read", None, None, at=(5, 6), revision=3)
    assert check(unknown, absent, seen, gone).state is State.INVALID
    early = op("read", None, "1", at=(1, 2), revision=2)
    assert check(replace(unknown, call_ns=5), early).state is State.INVALID


def test_an_unknown_transaction_is_judged_key_by_key() -> None:
    unknown = op("txn", [["w", "a", "1"], ["w", "b", "1"]], at=(0, None), key="")
    reads: Json = [["r", "a", "1"], ["r", "b", "1"]]
    read = op("txn", [["r", "a", None], ["r", "b", None]], reads, at=(1, 2), key="", revision=2)
    assert check(unknown, read).state is State.VALID
    wrong = replace(read, result=[["r", "a", "1"], ["r", "b", "2"]])
    assert check(unknown, wrong).state is State.INVALID


def with_events(*records: Operation | WatchEvents) -> Verdict:
    return Revisions().check(History(records))


def test_watches_tell_whether_an_unknown_write_happened() -> None:
    unknown = op("put", "1", at=(0, None))
    other = op("put", "2", at=(1, 2), key="y", revision=2)
    seen = op("read", None, "1", at=(3, 4), revision=3)
    events = event(2, "y", "2"), event(3, "x", "1")
    assert with_events(unknown, other, seen, told(*events)).state is State.VALID
    # A watch on everything did not see it up to the revision at which it was read.
    progress = told(revision=3)
    verdict = with_events(unknown, other, seen, told(events[0]), progress)
    assert verdict.state is State.INVALID


def test_of_unknown_writes_that_are_alike_the_first_call_is_taken_for_the_first_revision() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    late, early = op("delete", at=(9, None)), op("delete", at=(2, None))
    again = op("put", "2", at=(6, 7), revision=4)
    log = told(event(2, "x", "1"), event(3, "x", None), event(4, "x", "2"))
    assert with_events(put, late, early, again, log).state is State.VALID


def test_watches_tell_what_nobody_wrote() -> None:
    write = op("put", "1", at=(0, 1), revision=2)
    later = op("read", None, "7", at=(2, 3), revision=3)
    verdict = with_events(write, later, told(event(2, "x", "1"), event(3, "x", "7")))
    assert verdict.state is State.INVALID
    assert "which nobody wrote" in verdict.findings[0].what


def test_watches_agree_with_the_answers_and_with_each_other() -> None:
    write = op("put", "1", at=(0, 1), revision=2)
    wrong = with_events(write, told(event(2, "x", "2")))
    assert "Watches were told of revision 2" in wrong.findings[0].what
    two = with_events(write, told(event(2, "x", "1")), told(event(2, "x", None), watch="v"))
    assert "Watches disagree on revision 2 of 'x'" in two.findings[-1].what


def test_a_list_is_what_is_appended_and_its_text() -> None:
    append = op("append", 1, at=(0, 1), revision=2)
    unknown = op("append", 2, at=(0, None))
    read = op("read", None, [1, 2], at=(2, 3), revision=3)
    assert check(append, unknown, read).state is State.VALID
    assert with_events(append, unknown, read, told(event(3, "x", "[1, 2]"))).state is State.VALID
    assert check(append, replace(read, revision=2)).state is State.INVALID


def test_a_transaction_is_all_or_nothing_and_sees_itself() -> None:
    txn = op(
        "txn",
        [["w", "a", "1"], ["r", "a", None], ["append", "b", 1], ["append", "b", 2]],
        [["w", "a", "1"], ["r", "a", "1"], ["append", "b", 1], ["append", "b", 2]],
        at=(0, 1),
        revision=2,
        key="",
    )
    read = op("read", None, [1, 2], at=(2, 3), key="b", revision=2)
    assert check(txn, read).state is State.VALID
    assert check(txn, replace(read, result=[1])).state is State.INVALID


GUARDED: Json = {
    "compare": [["version", "x", "=", 0]],
    "then": [["w", "x", "1", 77]],
    "else": [["r", "x", None]],
}


def guarded(result: Json, revision: int, at: tuple[int, int]) -> Operation:
    return op("txn", GUARDED, result, at=at, key="", revision=revision)


def test_a_transaction_with_comparisons_takes_the_branch_that_they_say() -> None:
    won: Json = {"succeeded": True, "operations": [["w", "x", "1"]]}
    lost: Json = {"succeeded": False, "operations": [["r", "x", "1"]]}
    first, second = guarded(won, 2, (0, 1)), guarded(lost, 2, (2, 3))
    assert check(first, second).state is State.VALID
    verdict = check(first, guarded(won, 3, (2, 3)))
    assert verdict.state is State.INVALID
    assert "version = 0 of 'x' held, while it was 1" in verdict.findings[0].what
    early = guarded({"succeeded": False, "operations": [["r", "x", None]]}, 1, (0, 1))
    assert check(early).state is State.INVALID
    unknown = op("txn", GUARDED, at=(0, None), key="")
    assert check(unknown, second).state is State.VALID


def test_a_transaction_can_delete() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    delete = op("txn", [["d", "x", None]], [["d", "x", 1]], at=(2, 3), key="", revision=3)
    gone = op("read", None, None, at=(4, 5), revision=3)
    assert check(put, delete, gone).state is State.VALID
    assert check(put, delete, replace(gone, result="1")).state is State.INVALID
    nothing = replace(delete, result=[["d", "x", 0]], revision=2)
    assert check(put, nothing).state is State.INVALID
    assert check(replace(nothing, revision=1)).state is State.VALID


def test_metadata_is_held_against_the_writes() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    kv: dict[str, Any] = {
        "key": "x",
        "value": "1",
        "version": 1,
        "create_revision": 2,
        "mod_revision": 2,
        "lease": 0,
    }
    found = op("range", None, [kv], at=(2, 3), revision=2)
    assert check(put, found).state is State.VALID
    for name in ("version", "create_revision", "mod_revision"):
        verdict = check(put, replace(found, result=[kv | {name: 7}]))
        assert f"it saw 'x' with {name} 7 instead of" in verdict.findings[0].what


def kv(key: str, value: str, revision: int) -> Json:
    return {
        "key": key,
        "value": value,
        "version": 1,
        "create_revision": revision,
        "mod_revision": revision,
        "lease": 0,
    }


def test_a_limited_range_is_held_against_the_keys_up_to_its_last() -> None:
    unknown = op("put", "1", at=(0, None), key="a")
    put = op("put", "2", at=(0, 1), key="b", revision=2)
    asked: Json = {"range_end": "z", "limit": 1}
    first = op("range", asked, [kv("b", "2", 2)], at=(2, 3), key="a", revision=2)
    assert check(put, first).state is State.VALID
    surprised = replace(first, result=[kv("a", "1", 3)], revision=3)
    assert check(unknown, put, surprised).state is State.VALID
    assert check(put, surprised).state is State.INVALID
    assert check(put, replace(first, result=[])).state is State.INVALID


def test_keys_come_in_order() -> None:
    puts = op("put", "1", at=(0, 1), key="a", revision=2), op("put", "2", at=(2, 3), revision=3)
    found: Json = [kv("x", "2", 3), kv("a", "1", 2)]
    verdict = check(*puts, op("range", {"range_end": "z"}, found, at=(4, 5), key="a", revision=3))
    assert "the keys come in the order ['x', 'a']" in verdict.findings[0].what


def test_how_many_keys_were_deleted_is_counted_where_all_writes_are_known() -> None:
    put = op("put", "1", at=(0, 1), key="a", revision=2)
    delete = op("delete", {"range_end": "z"}, 2, at=(2, 3), key="a", revision=3)
    assert check(put, replace(delete, result=1)).state is State.VALID
    assert check(put, delete).state is State.INVALID
    unknown = op("put", "1", at=(0, None), key="b")
    assert check(put, unknown, delete).state is State.UNKNOWN
    read = op("read", None, "1", at=(4, 5), key="a", revision=3)
    assert check(put, replace(delete, result=1), read).state is State.INVALID


def test_a_delete_of_a_range_without_an_answer_leaves_all_open() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    unknown = op("delete", {"range_end": "z"}, at=(0, None), key="a")
    gone = op("read", None, None, at=(2, 3), revision=3)
    assert check(put, unknown, gone).state is State.UNKNOWN


def test_a_lease_that_ends_deletes_keys_without_a_call() -> None:
    grant = op("grant", at=(0, 1), key="")
    put = op("put", "1", at=(2, 3), revision=2)
    gone = op("read", None, None, at=(4, 5), revision=3)
    assert check(grant, put, gone).state is State.UNKNOWN
    log = told(event(2, "x", "1"), event(3, "x", None))
    assert with_events(grant, put, gone, log).state is State.VALID
    assert with_events(grant, put, gone, told(event(2, "x", "1")), told(revision=3)).state is (
        State.INVALID
    )


def test_what_comes_before_an_unknown_write_is_not_blamed_on_it() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    wrong = op("read", None, "3", at=(2, 3), revision=2)
    assert check(put, wrong, op("put", "3", at=(4, None))).state is State.INVALID


def test_reads_of_the_past_are_left_to_others() -> None:
    put = op("put", "1", at=(0, 1), revision=2)
    old = op("read", {"serializable": True}, None, at=(2, 3), revision=1)
    assert check(put, old).state is State.VALID


def test_an_answer_without_a_revision_leaves_it_open() -> None:
    verdict = check(op("read", None, None, at=(0, 1), process=4))
    assert verdict.state is State.UNKNOWN
    assert "read -> null (process 4) has no revision" in verdict.note


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (op("delete", None, None, at=(0, 1), revision=2), "a delete gives a number of keys"),
        (op("txn", 3, at=(0, 1), revision=2), "a txn is a list of micro-operations"),
        (
            op("txn", [["x", "a", 1]], at=(0, 1), revision=2),
            "a micro-operation is r, w, append or d",
        ),
        (op("txn", {"iff": 1}, at=(0, 1), revision=2), "a txn has compare, then and else"),
        (op("txn", {"compare": [[1]]}, at=(0, 1), revision=2), "a comparison is"),
        (
            op("txn", {"compare": [["lease", "x", "=", 1]]}, at=(0, 1), revision=2),
            "a comparison that is not understood",
        ),
        (op("txn", {"compare": []}, 3, at=(0, 1), revision=2), "says whether they held"),
        (op("txn", [["d", "x", None]], at=(0, 1), revision=2), "says how many keys it deleted"),
        (op("txn", [["r", 1, 1]], at=(0, 1), revision=2), "a key is a string"),
        (op("txn", [["r"]], at=(0, 1), revision=2), r"a micro-operation is \[verb, key, value\]"),
        (op("read", {"colour": 1}, at=(0, 1), revision=2), "is not understood"),
        (op("read", {"limit": "1"}, at=(0, 1), revision=2), "read with limit = '1'"),
        (op("range", None, 3, at=(0, 1), revision=2), "a range gives key-values"),
    ],
)
def test_what_it_cannot_read_is_an_error(operation: Operation, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        check(operation)
