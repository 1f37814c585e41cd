"""Whatever a history holds, a checker gives a verdict or says what it cannot read."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.append import Appends
from jepsen_tests.check.bank import Bank
from jepsen_tests.check.choice import checkers_for
from jepsen_tests.check.linear import Linearizability
from jepsen_tests.check.revision import Revisions
from jepsen_tests.check.serializable import PastReads
from jepsen_tests.check.set import SetReads
from jepsen_tests.check.stats import Stats
from jepsen_tests.history import History, Json, MalformedError, Operation, WatchEvents
from jepsen_tests.lines import from_line
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.stored.jepsen_etcd import read_jepsen_etcd
from jepsen_tests.stored.porcupine_kv import read_porcupine_kv
from jepsen_tests.tests.check.histories import FAIL, INFO, OK, op
from jepsen_tests.verdict import Checker

FUNCTIONS = (
    *("read", "write", "cas", "put", "range", "delete", "txn", "append", "add", "get"),
    *("acquire", "release", "compact", "grant", "yodel"),
)
CHECKERS: tuple[Checker, ...] = (
    *(Linearizability(model, steps_max=2_000) for model in MODELS.values()),
    Revisions(),
    Appends(),
    SetReads(),
    Bank(),
    PastReads(),
    Stats(),
)

keys = st.sampled_from(["", "a", "b"])
small = st.integers(0, 3)
scalars: st.SearchStrategy[Json] = (
    st.none() | st.booleans() | small | st.sampled_from(["a", "[1", "[1]"])
)
micro: st.SearchStrategy[Any] = st.tuples(
    st.sampled_from(["r", "w", "append", "d", "x"]), keys, scalars | st.lists(small, max_size=2)
).map(list)
key_value: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "key": keys,
        "value": st.sampled_from(["1", "2"]),
        "create_revision": small,
        "mod_revision": small,
        "version": small,
        "lease": small,
    }
)
asked: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {},
    optional={
        "range_end": st.sampled_from(["", "b", "\0"]),
        "limit": small,
        "serializable": st.booleans(),
        "revision": small,
        "colour": small,
    },
)
values: st.SearchStrategy[Any] = (
    scalars
    | asked
    | st.lists(scalars, max_size=3)
    | st.lists(micro, max_size=3)
    | st.lists(key_value, max_size=2)
    | st.fixed_dictionaries(
        {},
        optional={
            "compare": st.lists(
                st.tuples(
                    st.sampled_from(["value", "version", "lease"]),
                    keys,
                    st.sampled_from(["=", "<", "?"]),
                    scalars,
                ).map(list),
                max_size=2,
            ),
            "then": st.lists(micro, max_size=2),
            "succeeded": st.booleans(),
            "operations": st.lists(micro, max_size=2),
        },
    )
)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    status = draw(st.sampled_from([OK, OK, OK, INFO, FAIL]))
    call = draw(st.integers(0, 20))
    return op(
        draw(st.sampled_from(FUNCTIONS)),
        draw(values),
        draw(values),
        at=(call, None if status is INFO else call + draw(st.integers(0, 5))),
        key=draw(keys),
        status=status,
        revision=draw(st.integers(0, 5)),
        member=draw(st.sampled_from(["", "m1"])),
        error=draw(st.sampled_from(["", "has been compacted", "is a future revision"])),
    )


@st.composite
def watches(draw: st.DrawFn) -> WatchEvents:
    kvs: list[Any] = draw(st.lists(key_value, max_size=2))
    types = st.sampled_from(["PUT", "DELETE"])
    events: list[Any] = [{"type": draw(types), "prev": None, **kv} for kv in kvs]
    return WatchEvents(
        watch=draw(st.sampled_from(["v", "w"])),
        member="m1",
        received_ns=0,
        start_revision=draw(small),
        key=draw(keys),
        range_end=draw(st.sampled_from(["", "\0"])),
        filters=[],
        prev_kv=False,
        progress_notify=True,
        revision=draw(st.integers(0, 5)),
        created=draw(st.booleans()),
        canceled=draw(st.booleans()),
        fragment=draw(st.booleans()),
        events=events,
    )


def judge(history: History) -> None:
    for checker in CHECKERS:
        with suppress(MalformedError):
            checker.check(history)
    with suppress(MalformedError):
        checkers_for(history)


@given(st.lists(operations(), max_size=6), st.lists(watches(), max_size=2))
@settings(max_examples=25, deadline=None)
def test_any_history_has_a_verdict_or_an_error(
    made: list[Operation], told: list[WatchEvents]
) -> None:
    judge(History([*made, *told]))


@pytest.mark.slow
@given(st.lists(operations(), max_size=8), st.lists(watches(), max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_history_has_a_verdict_or_an_error_at_length(
    made: list[Operation], told: list[WatchEvents]
) -> None:
    judge(History([*made, *told]))


@given(st.text(max_size=40) | st.recursive(scalars, st.lists, max_leaves=4).map(str))
def test_any_line_is_a_record_or_an_error(line: str) -> None:
    for read in (
        from_line,
        lambda text: read_jepsen_etcd([text]),
        lambda text: read_porcupine_kv([text]),
    ):
        with suppress(MalformedError):
            read(line)
