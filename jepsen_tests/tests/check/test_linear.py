"""The linearizability checker, against every permutation of small histories, and by hand."""

import re
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.linear import Linearizability
from jepsen_tests.check.search import Search
from jepsen_tests.check.timeline import timeline_of
from jepsen_tests.history import Json, MalformedError, Operation
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.model.model import ILLEGAL, Model
from jepsen_tests.tests.check.histories import FAIL, INFO, OK, Register, history, op
from jepsen_tests.verdict import State

REGISTER, CAS = MODELS["register"], MODELS["cas-register"]


def is_explained(order: tuple[Operation, ...], model: Model[Any]) -> bool:
    """Whether this order is allowed by the model and by real time."""
    state = model.initial
    for index, operation in enumerate(order):
        state = model.step(state, model.action(operation))
        if state is ILLEGAL:
            return False
        for later in order[index + 1 :]:
            if later.return_ns is not None and later.return_ns < operation.call_ns:
                return False
    return True


def has_an_order(operations: list[Operation], model: Model[Any]) -> bool:
    """The definition of linearizability, word for word."""
    returned = [operation for operation in operations if operation.status is OK]
    unknown = [
        replace(operation, return_ns=None) for operation in operations if operation.status is INFO
    ]
    return any(
        is_explained(order, model)
        for size in range(len(unknown) + 1)
        for chosen in combinations(unknown, size)
        for order in permutations([*returned, *chosen])
    )


small = st.integers(0, 2)


@st.composite
def register_operations(draw: st.DrawFn) -> Operation:
    function = draw(st.sampled_from(["read", "write", "cas"]))
    call = draw(st.integers(0, 8))
    status = draw(st.sampled_from([OK, OK, OK, INFO, FAIL]))
    end = None if status is INFO and draw(st.booleans()) else call + draw(st.integers(0, 5))
    values: dict[str, Json] = {
        "read": None,
        "write": draw(small),
        "cas": [draw(small), draw(small)],
    }
    value = values[function]
    result: Json = None
    if status is OK and function != "write":
        result = draw(st.booleans()) if function == "cas" else draw(st.none() | small)
    return op(function, value, result, at=(call, end), status=status)


@given(st.lists(register_operations(), max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_verdict_is_the_definitions(operations: list[Operation]) -> None:
    verdict = Linearizability(CAS).check(history(*operations))
    assert (verdict.state is State.VALID) == has_an_order(operations, CAS)
    assert verdict.state is not State.UNKNOWN


@pytest.mark.slow
@given(st.lists(register_operations(), max_size=7))
@settings(max_examples=600, deadline=None)
def test_the_verdict_is_the_definitions_at_length(operations: list[Operation]) -> None:
    verdict = Linearizability(CAS).check(history(*operations))
    assert (verdict.state is State.VALID) == has_an_order(operations, CAS)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1]))
@settings(max_examples=30, deadline=None)
def test_what_a_register_does_is_linearizable(seed: int, unknown: float) -> None:
    operations = Register(seed, clients=5, values=3, unknown=unknown).run(60)
    assert Linearizability(CAS).check(history(*operations)).state is State.VALID


def state_of(*operations: Operation, model: str = "cas-register") -> State:
    return Linearizability(MODELS[model]).check(history(*operations)).state


def test_nothing_is_linearizable() -> None:
    assert state_of() is State.VALID


def test_operations_that_touch_are_concurrent() -> None:
    assert state_of(op("write", 1, at=(0, 5)), op("read", None, None, at=(5, 6))) is State.VALID


def test_a_stale_read_is_none() -> None:
    assert state_of(op("write", 1, at=(0, 5)), op("read", None, None, at=(6, 7))) is State.INVALID


def test_what_failed_did_not_happen() -> None:
    write = op("write", 1, at=(0, 5), status=FAIL)
    assert state_of(write, op("read", None, None, at=(6, 7))) is State.VALID
    assert state_of(write, op("read", None, 1, at=(6, 7))) is State.INVALID


def test_what_is_unknown_may_happen_at_any_time_or_never() -> None:
    write = op("write", 1, at=(0, 5), status=INFO)
    reads = op("read", None, None, at=(6, 7)), op("read", None, 1, at=(8, 9))
    assert state_of(write, *reads) is State.VALID
    assert state_of(write, reads[0]) is State.VALID
    back = op("read", None, None, at=(10, 11))
    assert state_of(write, *reads, back) is State.INVALID


def test_what_is_unknown_happens_once() -> None:
    operations = (
        op("write", 1, at=(0, None)),
        op("read", None, 1, at=(1, 2)),
        op("write", 2, at=(3, 4)),
        op("read", None, 1, at=(5, 6)),
    )
    assert state_of(*operations) is State.INVALID
    twin = op("write", 1, at=(0, None))
    assert state_of(twin, *operations) is State.VALID


def test_keys_are_judged_apart_and_the_wrong_one_is_named() -> None:
    operations = (
        op("write", 1, at=(0, 5), key="right"),
        op("write", 1, at=(0, 5), key="wrong"),
        op("read", None, 2, at=(6, 7), key="wrong", process=7),
    )
    verdict = Linearizability(CAS).check(history(*operations))
    assert verdict.state is State.INVALID
    (finding,) = verdict.findings
    assert finding.what == (
        "key 'wrong': no order of the 2 operations explains all answers; after write 1 "
        f"(process {operations[1].process}) the state is 1, in which read -> 2 (process 7) "
        "cannot be answered so."
    )
    assert finding.operations == operations[1:]


def test_a_plainly_wrong_key_is_found_beside_one_that_takes_for_ever() -> None:
    hard = Register(2, clients=40, values=50, functions=("read", "write")).run(2_000)
    last = max(range(len(hard)), key=lambda index: hard[index].call_ns)
    hard[last] = op("read", None, 77, at=(hard[last].call_ns, hard[last].return_ns))
    wrong = op("read", None, 1, at=(0, 1), key="y")
    checker = Linearizability(CAS, steps_max=100_000)
    assert checker.check(history(*hard)).state is State.UNKNOWN
    verdict = checker.check(history(*hard, wrong))
    assert verdict.state is State.INVALID
    assert verdict.findings[0].operations == (wrong,)


def test_a_spent_budget_is_unknown_and_says_so() -> None:
    hard = Register(2, clients=30, values=5).run(200)
    verdict = Linearizability(CAS, steps_max=1_000).check(history(*hard))
    assert verdict.state is State.UNKNOWN
    assert re.fullmatch(r"1 part undecided after 1\d{3} steps: 'x'", verdict.note)
    few = Linearizability(CAS, configurations_max=10).check(history(*hard))
    assert few.state is State.UNKNOWN


def test_what_the_model_does_not_know_is_left_out_and_said() -> None:
    verdict = Linearizability(REGISTER).check(history(op("grant", at=(0, 1))))
    assert verdict.state is State.VALID
    assert verdict.note == "left out: grant"


def test_the_longest_prefix_is_an_order_and_ends_at_what_is_stuck() -> None:
    operations = Register(5, clients=8, values=40).run(100)
    reads = [index for index, one in enumerate(operations) if one.function == "read"]
    operations[reads[-3]] = replace(operations[reads[-3]], result=99)
    search = Search(timeline_of("x", operations, CAS), CAS)
    assert search.advance(10**6) is False
    prefix = search.longest()
    assert is_explained(prefix.linearized, CAS)
    assert prefix.stuck[0] == operations[reads[-3]]
    state = CAS.initial
    for operation in prefix.linearized:
        state = CAS.step(state, CAS.action(operation))
    assert state == prefix.state


def test_an_operation_that_the_model_cannot_read_is_an_error() -> None:
    with pytest.raises(MalformedError, match=r"cas takes \[expected, new\], not 1"):
        state_of(op("cas", 1, result=True, at=(0, 1)))
