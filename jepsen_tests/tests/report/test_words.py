"""Operations in words."""

import pytest

from jepsen_tests.history import Json, Operation, Status
from jepsen_tests.report.words import (
    brief,
    duration_text,
    ending,
    micro_operations_text,
    moment_text,
    sentence,
    value_text,
)


def done(function: str, key: str = "x", value: Json = None, result: Json = None) -> Operation:
    return Operation(
        process=1,
        function=function,
        key=key,
        value=value,
        result=result,
        call_ns=0,
        return_ns=2_000_000,
        status=Status.OK,
    )


def lost(function: str, value: Json, status: Status, error: str = "") -> Operation:
    return Operation(
        process=1,
        function=function,
        key="x",
        value=value,
        call_ns=0,
        return_ns=5 if status is Status.FAIL else None,
        status=status,
        error=error,
    )


TXN: Json = [["r", "x", None], ["append", "y", 3], ["w", "z", 4]]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (done("read", result="5"), "read x and got 5"),
        (done("read"), "read x and got nothing"),
        (done("read", result="nothing"), "read x and got “nothing”"),
        (done("write", value="5"), "wrote x = 5"),
        (done("cas", value=["3", "4"]), "changed x from 3 to 4"),
        (done("append", value=3), "appended 3 to x"),
        (done("range", result=[]), "listed x and got no key"),
        (done("range", result=[{"key": "x"}]), 'listed x and got 1 key: [{"key": "x"}]'),
        (done("acquire", "lock"), "acquired the lock lock"),
        (done("compact", "", 12), "compacted up to revision 12"),
        (done("frobnicate", "x", 1), "did frobnicate: x = 1"),
        (
            done("txn", "", TXN, [["r", "x", [1, 2]], ["append", "y", 3], ["w", "z", 4]]),
            "ran a transaction: read x → [1, 2]; append 3 to y; z = 4",
        ),
        (done("txn", "", TXN, [["r", "x", None]]), "ran a transaction: read x → nothing"),
        (lost("write", "5", Status.FAIL), "tried to write x = 5"),
        (lost("txn", TXN, Status.INFO), "tried to run a transaction: read x; append 3 to y; z = 4"),
        (lost("frobnicate", None, Status.INFO), "tried to do frobnicate: x"),
    ],
)
def test_what_was_done(operation: Operation, words: str) -> None:
    assert sentence(operation) == words


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (done("write", value="5"), "answered after 2\u00a0ms"),
        (lost("write", "5", Status.FAIL), "refused; it certainly did not happen"),
        (
            lost("write", "5", Status.INFO, "timed\nout"),
            "no answer: timed\\x0aout; it may have happened, at any time since",
        ),
    ],
)
def test_what_is_known_of_it(operation: Operation, words: str) -> None:
    assert ending(operation) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("v1", "v1"),
        ("", "“”"),
        ("two words", "“two words”"),
        ("</script>", "“</script>”"),
        (5, "5"),
        (None, "nothing"),
        ([1, None], "[1, null]"),
        ("x" * 500, "“" + "x" * 400 + "”… (500 characters)"),
    ],
)
def test_a_value_is_never_misleading(value: Json, words: str) -> None:
    assert value_text(value) == words


def test_a_label_is_short() -> None:
    assert brief(done("read", result="5")) == "read x → 5"
    assert brief(lost("read", None, Status.INFO)) == "read x"
    assert brief(done("write", value="5")) == "write x = 5"


def test_a_transaction_that_is_none_is_shown_as_it_is() -> None:
    assert micro_operations_text({"odd": 1}) == '{"odd": 1}'
    assert micro_operations_text([["odd"]]) == '["odd"]'


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (2_345_678, "2.35 ms"),
        (123_456_789, "123 ms"),
        (7_200 * 10**9, "7,200 s"),
    ],
)
def test_a_duration_has_the_unit_that_reads_best(nanoseconds: int, words: str) -> None:
    assert duration_text(nanoseconds).replace("\u00a0", " ") == words


def test_moments_and_exact_durations() -> None:
    assert moment_text(1_234_567_891) == "1.234568\u00a0s"
    assert duration_text(1_178_349_000, 5) == "1.1783\u00a0s"
