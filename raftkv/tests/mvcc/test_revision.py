"""Row keys sort as revisions do."""

from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc.revision import (
    ROW_KEY_BYTES,
    ROW_KEYS_END,
    first_row_key,
    main_of,
    row_key,
    sub_of,
)

Revision: TypeAlias = tuple[int, int]

numbers = st.integers(0, (1 << 63) - 1)
revisions = st.tuples(numbers, numbers)


@given(revisions, revisions)
def test_row_keys_sort_as_revisions_do(one: Revision, other: Revision) -> None:
    assert (row_key(*one) < row_key(*other)) == (one < other)


@given(revisions)
def test_a_row_key_holds_main_and_sub_and_lies_between_its_bounds(revision: Revision) -> None:
    main, sub = revision
    key = row_key(main, sub)
    assert len(key) == ROW_KEY_BYTES
    assert (main_of(key), sub_of(key)) == revision
    assert first_row_key(main) < key < first_row_key(main + 1) < ROW_KEYS_END
