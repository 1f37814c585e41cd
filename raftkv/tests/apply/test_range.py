"""Every field of a range, and reading it in steps while the store goes on."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.apply import range as range_verb
from raftkv.apply.range import RangeAnswer, execute_range, range_steps
from raftkv.apply.state import StateMachine
from raftkv.command.types import Failure
from raftkv.mvcc import liveness
from raftkv.pb.rpc_pb2 import RangeRequest, RangeResponse
from raftkv.tests.apply.given import a_state, compact, delete, get, grant, keys_of, put, refused

ALL = (b"\0", b"\0")
R = RangeRequest


def filled() -> StateMachine:
    """b: 2, a: 3 and 5 (two versions), d: 4, c: 6; values against the order of the keys."""
    state = a_state()
    for key, value in ((b"b", b"3"), (b"a", b""), (b"d", b"1"), (b"a", b"4"), (b"c", b"2")):
        put(state, key, value)
    return state


@pytest.mark.parametrize(
    ("target", "ascending"),
    [
        (R.KEY, b"abcd"),
        (R.VERSION, b"bcda"),
        (R.CREATE, b"badc"),
        (R.MOD, b"bdac"),
        (R.VALUE, b"dcba"),
    ],
    ids=["key", "version", "create", "mod", "value"],
)
def test_rows_are_sorted_by_any_field_both_ways(
    target: R.SortTarget.ValueType, ascending: bytes
) -> None:
    state = filled()
    up = get(state, *ALL, sort_target=target, sort_order=R.ASCEND)
    assert b"".join(keys_of(up)) == ascending
    down = get(state, *ALL, sort_target=target, sort_order=R.DESCEND)
    expected = b"abcd" if target == R.VERSION else ascending[::-1]
    assert b"".join(keys_of(down)) == expected
    cut = get(state, *ALL, sort_target=target, sort_order=R.ASCEND, limit=2)
    assert b"".join(keys_of(cut)) == ascending[:2]
    assert (cut[1].more, cut[1].count) == (True, 4)


def test_a_target_without_an_order_sorts_what_the_limit_let_through_and_one_more() -> None:
    state = filled()
    assert keys_of(get(state, *ALL, sort_target=R.VALUE)) == [b"d", b"c", b"b", b"a"]
    answer = get(state, *ALL, sort_target=R.VALUE, limit=2)
    assert keys_of(answer) == [b"c", b"b"]
    assert answer[1].more


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"min_mod_revision": 5}, [b"a", b"c"]),
        ({"max_mod_revision": 4}, [b"b", b"d"]),
        ({"min_create_revision": 4}, [b"c", b"d"]),
        ({"max_create_revision": 3}, [b"a", b"b"]),
        ({"min_mod_revision": 4, "max_create_revision": 4}, [b"a", b"d"]),
        ({"min_mod_revision": 99}, []),
    ],
)
def test_filters_bound_revisions_inclusively_and_do_not_change_the_count(
    filters: dict[str, Any], keys: list[bytes]
) -> None:
    answer = get(filled(), *ALL, **filters)
    assert keys_of(answer) == keys
    assert answer[1].count == 4


def test_the_limit_counts_after_filters() -> None:
    answer = get(filled(), *ALL, min_mod_revision=5, limit=1)
    assert keys_of(answer) == [b"a"]
    assert answer[1].more
    assert not get(filled(), *ALL, min_mod_revision=5, limit=2)[1].more


def test_filters_apply_to_a_single_key_too() -> None:
    answer = get(filled(), b"a", min_mod_revision=6)
    assert (keys_of(answer), answer[1].count) == ([], 1)


@pytest.mark.parametrize(
    ("limit", "more"), [(0, False), (-1, False), (3, True), (4, False), (5, False)]
)
def test_more_says_whether_the_limit_cut_anything_off(limit: int, *, more: bool) -> None:
    answer = get(filled(), *ALL, limit=limit)
    assert answer[1].more == more
    assert answer[1].count == 4


def test_keys_only_leaves_out_values_and_nothing_else() -> None:
    state = filled()
    grant(state, 7)
    put(state, b"e", b"value", lease=7)
    full = get(state, b"e")[1].kvs[0]
    for key, range_end in ((b"e", b""), (b"e", b"\0")):
        bare = get(state, key, range_end, keys_only=True)[1].kvs[0]
        assert (bare.value, bare.lease, bare.mod_revision) == (b"", 7, full.mod_revision)


def test_count_only_counts() -> None:
    for key, range_end, expected in ((b"a", b"", 1), (b"x", b"", 0), (b"b", b"\0", 3)):
        _, answer = get(filled(), key, range_end, count_only=True, limit=1)
        assert answer == RangeResponse(count=expected)


def test_the_header_tells_the_newest_revision_whatever_was_read() -> None:
    assert get(filled(), b"a", revision=3)[0] == 6
    assert get(filled(), *ALL, revision=3)[0] == 6


def test_an_old_revision_shows_what_lived_then() -> None:
    state = filled()
    delete(state, b"b", b"d")
    assert keys_of(get(state, *ALL, revision=3)) == [b"a", b"b"]
    assert get(state, *ALL, revision=3)[1].count == 2
    assert keys_of(get(state, *ALL, revision=6)) == [b"a", b"b", b"c", b"d"]
    assert get(state, b"a", revision=3)[1].kvs[0].value == b""
    assert get(state, b"a", revision=2)[1].count == 0
    assert keys_of(get(state, *ALL)) == [b"a", b"d"]


@pytest.mark.parametrize("range_end", [b"", b"\0"])
def test_a_revision_must_be_readable(range_end: bytes) -> None:
    state = filled()
    compact(state, 4)
    with refused(Failure.FUTURE_REVISION):
        get(state, b"a", range_end, revision=7)
    with refused(Failure.COMPACTED):
        get(state, b"a", range_end, revision=3)
    assert get(state, b"a", range_end, revision=4)[1].count
    assert get(state, b"a", range_end, revision=-1)[1].count


def test_an_old_count_that_the_log_can_not_tell_is_counted_key_by_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(liveness, "READ_LENGTH_MAX", 0)
    state = filled()
    delete(state, b"a", b"c")
    answer = get(state, *ALL, revision=5, limit=1)
    assert (keys_of(answer), answer[1].count, answer[1].more) == ([b"a"], 3, True)
    assert get(state, *ALL, revision=5, count_only=True)[1].count == 3


# -- in steps


def many(keys: int) -> StateMachine:
    state = a_state()
    for number in range(keys):
        put(state, b"%06d" % number, b"%d" % number)
    return state


def drain(
    steps: Generator[None, None, RangeAnswer], between: Callable[[], object] = lambda: None
) -> tuple[RangeAnswer, int]:
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, pauses
        pauses += 1
        between()


requests = st.builds(
    RangeRequest,
    key=st.just(b"\0"),
    range_end=st.sampled_from((b"\0", b"000020")),
    limit=st.sampled_from((0, 5, 17)),
    sort_order=st.sampled_from(R.SortOrder.values()),
    sort_target=st.sampled_from(R.SortTarget.values()),
    keys_only=st.booleans(),
    count_only=st.booleans(),
    max_mod_revision=st.sampled_from((0, 20)),
    min_create_revision=st.sampled_from((0, 20)),
)


@given(requests)
def test_a_range_read_in_steps_is_of_one_revision_whatever_is_written_meanwhile(
    request_: RangeRequest,
) -> None:
    state = many(30)
    expected = execute_range(state.store, request_)
    numbers = iter(range(1_000_000))

    def write() -> None:
        number = next(numbers) * 7
        put(state, b"%06d" % (number % 40), b"changed")
        delete(state, b"%06d" % (number % 30 + 1))

    range_verb.KEYS_PER_STEP, kept = 4, range_verb.KEYS_PER_STEP
    try:
        answer, pauses = drain(range_steps(state.store, request_), write)
    finally:
        range_verb.KEYS_PER_STEP = kept
    assert answer == expected
    assert pauses >= 1 or request_.count_only or request_.limit


def test_a_compaction_past_the_revision_ends_a_range_that_is_being_read() -> None:
    state = many(600)
    steps = range_steps(state.store, RangeRequest(key=b"\0", range_end=b"\0"))
    next(steps)
    put(state, b"other")
    compact(state, state.store.revision)
    assert drain(steps)[0] is Failure.COMPACTED


def test_a_compaction_before_the_revision_does_not_disturb_a_range_that_is_being_read() -> None:
    state = many(600)
    request = RangeRequest(key=b"\0", range_end=b"\0")
    expected = execute_range(state.store, request)
    steps = range_steps(state.store, request)
    next(steps)
    compact(state, state.store.revision)
    state.physical_compaction_step(1_000)
    assert drain(steps)[0] == expected
