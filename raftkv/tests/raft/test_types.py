"""Entries as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.raft.types import (
    TERM_MAX,
    CorruptEntryError,
    EntryKind,
    check_entries,
    check_entry,
    encode_entries,
    encode_entry,
    entry_index,
    entry_kind,
    entry_payload,
    entry_term,
)

number = st.integers(0, TERM_MAX)


@given(number, number, st.sampled_from(EntryKind), st.binary(max_size=50))
def test_an_entry_gives_back_what_it_was_made_of(
    term: int, index: int, kind: EntryKind, payload: bytes
) -> None:
    entry = encode_entry(term, index, kind, payload)

    check_entry(entry, index)
    assert (entry_term(entry), entry_index(entry)) == (term, index)
    assert (entry_kind(entry), entry_payload(entry)) == (kind, payload)


def test_entries_made_together_follow_each_other() -> None:
    entries = encode_entries(3, 7, EntryKind.NORMAL, [b"a", b"b"])

    assert entries == [encode_entry(3, 7, 0, b"a"), encode_entry(3, 8, 0, b"b")]
    assert check_entries(entries, 6, 3, 3) == []


@given(st.binary(min_size=1, max_size=30), st.data())
def test_any_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    entry = bytearray(encode_entry(5, 6, 0, payload))
    at = data.draw(st.integers(0, len(entry) - 1))
    entry[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(CorruptEntryError):
        check_entry(bytes(entry), 6)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(CorruptEntryError):
        check_entry(data, 1)


@pytest.mark.parametrize(
    ("index", "term", "term_max"), [(0, 3, 9), (2, 3, 9), (1, 4, 9), (1, 1, 2)]
)
def test_a_run_must_fit_its_place(index: int, term: int, term_max: int) -> None:
    entries = encode_entries(3, 2, 0, [b"a"])
    check_entries(entries, 1, 3, 9)

    with pytest.raises(CorruptEntryError):
        check_entries(entries, index, term, term_max)


def test_changes_of_membership_are_found_in_a_run() -> None:
    entries = [encode_entry(1, at, at % 2, b"") for at in range(1, 6)]

    assert check_entries(entries, 0, 1, 1) == [0, 2, 4]
