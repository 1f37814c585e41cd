"""The log against a plain list of terms and a plain stored copy of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from raftkv.raft.log import Log
from raftkv.raft.types import CorruptEntryError, encode_entry, entry_term
from raftkv.tests.raft.given import log_of

TERM_MAX = 1_000


class LogMachine(RuleBasedStateMachine):
    """Does to a log what its users may do, and to the models alike."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log(0, 0, [], TERM_MAX)
        self.entries: list[bytes] = []
        """Model: all entries from index 1 on, compacted or not."""
        self.stored: list[bytes] = []
        """What whoever writes as told has on disk."""
        self.offset = 0

    @rule(terms=st.lists(st.integers(0, 2), min_size=1, max_size=4))
    def append(self, terms: list[int]) -> None:
        term = entry_term(self.entries[-1]) if self.entries else 1
        for step in terms:
            term += step
            entry = encode_entry(term, len(self.entries) + 1, 0, b"x" * step)
            self.entries.append(entry)
        new = self.entries[len(self.entries) - len(terms) :]
        assert self.log.append(new) == sum(map(len, new))

    @precondition(lambda self: len(self.entries) > self.offset)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(self.offset + 1, len(self.entries)))
        self.log.truncate(index)
        del self.entries[index - 1 :]

    @rule()
    def write(self) -> None:
        truncate_from, entries = self.log.take_unwritten()
        if truncate_from:
            del self.stored[truncate_from - 1 :]
        self.stored += entries
        assert self.stored == self.entries
        assert self.log.take_unwritten() == (0, [])

    @precondition(lambda self: len(self.entries) > self.offset)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        self.write()
        self.offset = data.draw(st.integers(self.offset + 1, len(self.entries)))
        self.log.compact(self.offset)

    @invariant()
    def the_same_as_the_model(self) -> None:
        log, terms = self.log, [0, *map(entry_term, self.entries)]
        assert (log.first_index, log.last_index) == (self.offset + 1, len(self.entries))
        assert log.last_term == terms[-1]
        assert log.byte_size == sum(map(len, self.entries[self.offset :]))
        assert log.slice(self.offset + 1, log.last_index) == self.entries[self.offset :]
        for index in range(-1, len(self.entries) + 3):
            known = self.offset <= index <= len(self.entries)
            assert log.term_at(index) == (terms[index] if known else None)
        assert log.offset <= log.durable_index <= log.last_index


TestLog = LogMachine.TestCase


@given(st.lists(st.integers(0, 2), max_size=12), st.data())
def test_the_last_agreeable_index_is_found_as_by_walking_back(
    steps: list[int], data: st.DataObject
) -> None:
    terms = [sum(steps[: at + 1]) + 1 for at in range(len(steps))]
    offset = data.draw(st.integers(0, len(terms)))
    before = terms[offset - 1] if offset else 0
    log = Log(offset, before, log_of(*terms[offset:], first=offset + 1), TERM_MAX)
    floor = data.draw(st.integers(offset, len(terms)))
    index = data.draw(st.integers(floor, len(terms) + 3))
    term = data.draw(st.integers(0, 30))

    expected = min(index, len(terms))
    while expected > floor and terms[expected - 1] > term:
        expected -= 1

    assert log.last_agreeable(index, term, floor) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 9), st.integers(1, 150))
def test_a_run_takes_as_many_entries_as_fit_but_at_least_one(
    sizes: list[int], first: int, bytes_max: int
) -> None:
    entries = [encode_entry(1, at, 0, b"x" * size) for at, size in enumerate(sizes, 1)]
    log = Log(0, 0, entries, TERM_MAX)
    first = min(first, len(entries))

    run, size = log.run(first, bytes_max)

    assert run == entries[first - 1 : first - 1 + len(run)]
    assert size == sum(map(len, run))
    assert len(run) == 1 or size <= bytes_max
    rest = entries[first - 1 + len(run) :]
    assert not rest or size + len(rest[0]) > bytes_max


def test_a_run_is_made_anew_after_the_log_changed() -> None:
    log = Log(0, 0, log_of(1, 1), TERM_MAX)
    assert len(log.run(1, 1_000)[0]) == 2

    log.append(log_of(1, first=3))
    assert len(log.run(1, 1_000)[0]) == 3
    log.truncate(2)
    log.append(log_of(2, 2, first=2))
    assert log.run(1, 1_000)[0] == log_of(1, 2, 2)


def test_durability_counts_only_for_what_the_log_still_holds() -> None:
    log = Log(0, 0, log_of(1), TERM_MAX)
    log.append(log_of(1, 1, first=2))

    assert log.persisted(1, 2)
    assert not log.persisted(1, 2), "no news"
    assert not log.persisted(2, 3), "another term"
    assert not log.persisted(1, 9), "beyond the end"
    log.truncate(2)
    assert log.durable_index == 1
    log.append(log_of(2, first=2))
    assert not log.persisted(1, 2)
    assert log.persisted(2, 2)


@pytest.mark.parametrize("term", [1, 2])
def test_a_log_starts_anew_after_a_snapshot_unless_it_has_its_last_entry(term: int) -> None:
    log = Log(0, 0, log_of(1, 1, 1), TERM_MAX)

    log.restart_after(2, term)

    assert (log.offset, log.offset_term, log.durable_index) == (2, term, 3 if term == 1 else 2)
    assert log.slice(3, log.last_index) == (log_of(1, first=3) if term == 1 else [])
    assert log.take_unwritten() == (0 if term == 1 else 1, [])


@pytest.mark.parametrize(
    "entries",
    [log_of(1, first=2), log_of(2, 1), [*log_of(1), *log_of(1)], [b""], log_of(TERM_MAX + 1)],
)
def test_a_stored_log_that_is_not_whole_is_refused(entries: list[bytes]) -> None:
    with pytest.raises(CorruptEntryError):
        Log(0, 0, entries, TERM_MAX)
