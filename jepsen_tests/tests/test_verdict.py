"""Verdicts: which one counts when there are several."""

import pytest

from jepsen_tests.verdict import State, Verdict, worst

VALID, INVALID, UNKNOWN, HARNESS = State.VALID, State.INVALID, State.UNKNOWN, State.HARNESS


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], VALID),
        ([VALID, VALID], VALID),
        ([VALID, UNKNOWN], UNKNOWN),
        ([UNKNOWN, HARNESS, VALID], HARNESS),
        ([HARNESS, INVALID, UNKNOWN], INVALID),
    ],
)
def test_the_worst_counts(states: list[State], expected: State) -> None:
    assert worst(Verdict("some", state) for state in states) is expected


def test_a_state_is_the_exit_code() -> None:
    assert [int(state) for state in State] == [0, 1, 2, 3]
    assert [state.word for state in State] == ["valid", "invalid", "unknown", "harness"]
