"""Checkers together: each failure is told once, by the checker that knows it best."""

import random

import pytest

from jepsen_tests.check.assumptions import ASSUMPTIONS
from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.check.compose import ECHOES, compose, in_turn
from jepsen_tests.check.event_log import EVENT_LOG
from jepsen_tests.check.liveness import LIVENESS
from jepsen_tests.check.revision import Revisions
from jepsen_tests.history import History, Record, Status
from jepsen_tests.tests.check.given import did, put, told, verdict
from jepsen_tests.tests.check.mutations import MUTATIONS, Mutation, mutated
from jepsen_tests.tests.check.random_run import ACTIONS, random_run
from jepsen_tests.tests.check.test_random_runs import long_run
from jepsen_tests.verdict import Checker, State, Verdict, worst

A2, B3 = put("a", "x", 2), put("b", "x", 3)


def test_a_true_run_is_valid() -> None:
    verdicts = compose(random_run(7, sorted(ACTIONS) * 3))
    assert {each.state for each in verdicts if each.checker != LIVENESS.name} == {State.VALID}
    assert len(verdicts) == len(API_CHECKERS) + 1


def test_a_checker_comes_after_those_that_it_could_echo() -> None:
    order = [checker.name for checker in in_turn(reversed(API_CHECKERS))]
    for name, causes in ECHOES.items():
        assert all(order.index(cause) < order.index(name) for cause in causes)


def test_names_are_unique_and_known() -> None:
    checkers: list[Checker] = [Revisions(), ASSUMPTIONS, *API_CHECKERS]
    names = [checker.name for checker in checkers]
    assert len(set(names)) == len(names)
    assert ECHOES.keys() <= set(names)


def test_one_missing_event_is_told_by_one_checker() -> None:
    changed = mutated(long_run(1), MUTATIONS[0][0], random.Random(1))
    assert changed is not None
    verdicts = compose(changed)
    assert [each.checker for each in verdicts if each.state is State.INVALID] == ["watch reliable"]
    left_out = [each for each in verdicts if "echo" in each.note]
    assert [each.checker for each in left_out] == ["reflector"]
    assert left_out[0].state is State.UNKNOWN


@pytest.mark.parametrize(
    ("mutation", "checker"), MUTATIONS, ids=[mutation.__name__ for mutation, _ in MUTATIONS]
)
def test_nothing_is_lost_by_leaving_out_echoes(mutation: Mutation, checker: Checker) -> None:
    for seed in range(60):
        changed = mutated(long_run(seed), mutation, random.Random(seed))
        if changed is not None:
            verdicts = compose(changed)
            assert worst(verdicts) is State.INVALID, checker.name
            found = [each.checker for each in verdicts if each.state is State.INVALID]
            assert checker.name in found or found == [EVENT_LOG.name]
            return


def test_other_checkers_take_part() -> None:
    history = History([did("put", "a", "x", revision=2), did("read", "a", result="y", revision=2)])
    found = {each.checker: each.state for each in compose(history, [Revisions()])}
    assert found["revisions"] is State.INVALID
    assert found["event log"] is State.VALID


def test_a_record_that_a_checker_does_not_understand_is_trouble_of_the_harness() -> None:
    found = compose(History([did("txn", value={"compare": []}, revision=2)]), [Revisions()])
    assert worst(found) is State.HARNESS


class Stumbling:
    name = LIVENESS.name

    def check(self, history: History) -> Verdict:
        raise IndexError(len(history.operations))


def test_one_checker_that_stumbles_is_told_of_and_the_others_are_asked() -> None:
    found = {each.checker: each for each in compose(long_run(1), [Stumbling()])}
    assert found[LIVENESS.name].state is State.HARNESS
    assert "IndexError" in found[LIVENESS.name].findings[0].details
    assert found["event log"].state is State.VALID


BROKEN: dict[str, list[Record]] = {
    "two things at once": [
        did("put", "a", "x", process=1, call_ns=1, return_ns=9),
        did("put", "a", "x", process=1, call_ns=5, return_ns=10),
    ],
    "nothing answered": [did("put", "a", "x", status=Status.FAIL)],
    "responses in disorder": [told(A2, received_ns=9), told(B3, received_ns=8)],
    "a name for two watches": [told(A2), told(B3, key="b", range_end="")],
}


@pytest.mark.parametrize("records", BROKEN.values(), ids=BROKEN)
def test_a_record_that_cannot_be_is_trouble_of_the_harness(records: list[Record]) -> None:
    assert verdict(ASSUMPTIONS, *records).state is State.HARNESS


def test_nothing_else_is_asked_then() -> None:
    history = random_run(7, sorted(ACTIONS))
    history.append(history.operations[0])
    verdicts = compose(history)
    assert worst(verdicts) is State.HARNESS
    assert [each.state for each in verdicts[1:]] == [State.UNKNOWN] * len(API_CHECKERS)
