"""Old counts from the log of births and deaths, against counting what lived."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc import liveness
from raftkv.mvcc.liveness import LivenessLog

keys = st.sampled_from((b"a", b"b", b"c", b"d"))


@given(st.lists(st.tuples(keys, st.integers(0, 2)), max_size=40), keys, st.none() | keys)
def test_growth_since_a_revision_is_the_difference_of_the_counts(
    toggles: list[tuple[bytes, int]], start: bytes, end: bytes | None
) -> None:
    log = LivenessLog(1)
    alive: set[bytes] = set()
    main = 2
    alive_at = {1: frozenset[bytes]()}
    for key, step in toggles:
        if key in alive:
            log.died(key, main)
            alive.remove(key)
        else:
            log.born(key, main)
            alive.add(key)
        alive_at[main] = frozenset(alive)
        main += step

    def count(state: frozenset[bytes]) -> int:
        return sum(key >= start and (end is None or key < end) for key in state)

    for revision, state in alive_at.items():
        growth = count(frozenset(alive)) - count(state)
        assert log.growth_since(revision, start, end) == growth


def test_what_is_too_old_or_too_long_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "LOG_LENGTH_MAX", 10)
    monkeypatch.setattr(liveness, "READ_LENGTH_MAX", 4)
    log = LivenessLog(1)
    for main in range(2, 50):
        log.born(b"%d" % main, main)
    answers = {revision: log.growth_since(revision, b"", None) for revision in range(1, 50)}
    assert answers.pop(49) == 0
    assert [answers.pop(revision) for revision in (48, 47, 46, 45)] == [1, 2, 3, 4]
    assert set(answers.values()) == {None}
    assert len(log._keys) == len(log._signed_mains) <= 10


def test_a_log_that_begins_late_does_not_answer_for_earlier() -> None:
    log = LivenessLog(7)
    assert log.growth_since(6, b"", None) is None
    assert log.growth_since(7, b"", None) == 0
