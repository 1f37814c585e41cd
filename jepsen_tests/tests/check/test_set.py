"""Sets: what may be in a read, and what has to be."""

import pytest

from jepsen_tests.check.set import SetReads
from jepsen_tests.history import MalformedError, Operation
from jepsen_tests.tests.check.histories import FAIL, INFO, history, op
from jepsen_tests.verdict import State, Verdict


def check(*operations: Operation) -> Verdict:
    return SetReads().check(history(*operations))


def add(value: int, at: tuple[int, int | None] = (0, 1)) -> Operation:
    return op("add", value, at=at)


def read(*elements: int, at: tuple[int, int] = (5, 6)) -> Operation:
    return op("read", None, [*elements], at=at, process=9)


def test_what_was_added_is_read() -> None:
    assert check().state is State.VALID
    assert check(add(1), add(2), read(2, 1)).state is State.VALID


def test_a_lost_element_is_found() -> None:
    verdict = check(add(1), add(2), read(2))
    assert verdict.state is State.INVALID
    assert verdict.findings[0].what == (
        "read -> [2] (process 9) of set 'x' lacks 1 element that had been added before, lost: [1]."
    )


def test_an_element_that_comes_back_was_only_not_seen() -> None:
    verdict = check(add(1), read(), read(1, at=(7, 8)))
    assert "not seen yet: [1]" in verdict.findings[0].what


def test_an_add_beside_the_read_may_be_missing() -> None:
    assert check(add(1, (0, 5)), read(), read(1, at=(7, 8))).state is State.VALID


def test_an_add_without_an_answer_may_be_there_or_not() -> None:
    unknown = op("add", 1, at=(0, 1), status=INFO)
    assert check(unknown, read()).state is State.VALID
    assert check(unknown, read(1)).state is State.VALID


def test_what_was_never_added_or_was_refused_is_found() -> None:
    assert "has 3, which was never added" in check(read(3)).findings[0].what
    refused = op("add", 3, at=(0, 1), status=FAIL)
    assert "has 3, which was refused" in check(refused, read(3)).findings[0].what


def test_an_element_is_there_once() -> None:
    assert "an element of set 'x' twice" in check(add(1), read(1, 1)).findings[0].what


def test_adds_that_no_read_follows_leave_it_open() -> None:
    verdict = check(add(1), read(1), add(2, (7, 8)))
    assert verdict.state is State.UNKNOWN
    assert verdict.note == "1 add to 'x' with no read after"


def test_a_set_is_a_list() -> None:
    with pytest.raises(MalformedError, match="a set is read as a list"):
        check(op("read", None, 3, at=(0, 1)))
