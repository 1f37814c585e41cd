"""The sorted set against a plain sorted list."""

from bisect import insort
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc import sorted_keys
from raftkv.mvcc.sorted_keys import SortedKeys

keys = st.binary(min_size=1, max_size=2)
bounds = st.one_of(st.none(), st.binary(max_size=2))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_keys, "CHUNK_KEYS_MAX", 8)
    monkeypatch.setattr(sorted_keys, "_CHUNK_KEYS_MIN", 2)


def in_order(items: SortedKeys) -> list[bytes]:
    return [key for chunk in items._chunks for key in chunk]


def check_invariants(items: SortedKeys) -> None:
    chunks, lows = items._chunks, items._lows
    assert lows[0] == b""
    assert lows == sorted(set(lows))
    assert len(chunks) == len(lows)
    assert all(chunks) or len(chunks) == 1
    for at, chunk in enumerate(chunks):
        assert chunk == sorted(chunk)
        assert all(key >= lows[at] for key in chunk)
        assert at + 1 == len(lows) or all(key < lows[at + 1] for key in chunk)
        assert len(chunk) <= 8
    assert len(items) == sum(map(len, chunks))


def test_many_keys_added_and_removed_in_any_order_stay_sorted() -> None:
    random = Random(7)
    items = SortedKeys()
    expected: list[bytes] = []
    for _ in range(4_000):
        key = random.randbytes(random.choice((1, 2)))
        if key in expected:
            items.remove(key)
            expected.remove(key)
        elif random.random() < 0.7:
            items.add(key)
            insort(expected, key)
    check_invariants(items)
    assert in_order(items) == expected
    random.shuffle(expected)
    for key in expected:
        items.remove(key)
        check_invariants(items)
    assert in_order(items) == []


@given(st.lists(keys, unique=True, max_size=60), st.binary(max_size=2), bounds, st.integers(0, 60))
def test_counts_and_slices_are_those_of_a_sorted_list(
    added: list[bytes], start: bytes, end: bytes | None, keys_max: int
) -> None:
    items = SortedKeys(added)
    expected = [key for key in sorted(added) if key >= start and (end is None or key < end)]
    assert items.count(start, end) == len(expected)
    assert items.slice(start, end, keys_max) == expected[:keys_max]


def test_keys_in_ascending_order_leave_full_chunks() -> None:
    items = SortedKeys(number.to_bytes(2, "big") for number in range(1_000))
    assert len(items._chunks) <= 1_000 / 8 * 1.3


def test_a_key_that_is_not_there_is_not_removed() -> None:
    items = SortedKeys([b"a", b"c"])
    with pytest.raises(AssertionError):
        items.remove(b"b")
