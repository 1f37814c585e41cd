"""Finding ranges, against looking at each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.watch import range_index
from raftkv.watch.interval_tree import IntervalTree
from raftkv.watch.range_index import RangeIndex
from raftkv.watch.request import FROM_KEY
from raftkv.watch.watcher import Audience, AudienceKey

keys = st.binary(min_size=1, max_size=2).map(lambda key: bytes(byte % 6 for byte in key))
ranges = st.tuples(keys, keys).filter(lambda pair: pair[0] < pair[1])
endless = st.tuples(keys, st.just(FROM_KEY))


def contains(interval: tuple[bytes, bytes], key: bytes) -> bool:
    start, end = interval
    return start <= key and (end == FROM_KEY or key < end)


@given(st.lists(st.tuples(ranges, keys), max_size=60))
def test_an_interval_tree_finds_what_contains_a_key(
    steps: list[tuple[tuple[bytes, bytes], bytes]],
) -> None:
    tree: IntervalTree[tuple[bytes, bytes]] = IntervalTree()
    expected: set[tuple[bytes, bytes]] = set()
    for interval, key in steps:
        if interval in expected:
            expected.remove(interval)
            tree.remove(*interval)
        else:
            expected.add(interval)
            tree.insert(*interval, interval)
        assert tree.stab(key) == sorted(each for each in expected if contains(each, key))
        assert len(tree) == len(expected)
        for each in expected:
            assert tree.get(*each) == each


def test_an_interval_tree_stays_shallow_when_intervals_come_in_order() -> None:
    tree: IntervalTree[int] = IntervalTree()
    for number in range(10_000):
        tree.insert(b"%06d" % number, b"%06d~" % number, number)
    depth = 0
    nodes = [tree._root]
    while nodes:
        depth += 1
        nodes = [child for node in nodes if node for child in (node.left, node.right)]
    assert depth < 60
    assert tree.stab(b"004321!") == [4321]


@pytest.mark.parametrize(("remembered", "one_by_one"), [(100_000, 256), (5, 1)])
@given(steps=st.lists(st.tuples(ranges | endless, st.lists(keys, max_size=3)), max_size=40))
def test_a_range_index_finds_the_audiences_of_a_key(
    remembered: int, one_by_one: int, steps: list[tuple[tuple[bytes, bytes], list[bytes]]]
) -> None:
    index = RangeIndex()
    expected: dict[tuple[bytes, bytes], Audience] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(range_index, "REMEMBERED_MAX", remembered)
        patch.setattr(range_index, "FORGOTTEN_ONE_BY_ONE_MAX", one_by_one)
        for (start, end), asked in steps:
            audience = expected.pop((start, end), None)
            if audience is not None:
                index.remove(start, end, audience)
            else:
                key = AudienceKey(start, end, no_put=False, no_delete=False, prev_kv=False)
                audience = expected[start, end] = Audience(key)
                index.add(start, end, audience)
            for key_asked in asked:
                wanted = {each for pair, each in expected.items() if contains(pair, key_asked)}
                found = index.match(key_asked)
                assert len(found) == len(set(found))
                assert set(found) == wanted
    for (start, end), audience in expected.items():
        index.remove(start, end, audience)
    assert not index.bounds
    assert not index.match(b"\x01")
    assert not index._remembered


def test_what_is_remembered_is_bounded() -> None:
    index = RangeIndex()
    for number in range(400):
        key = AudienceKey(b"%06d" % number, FROM_KEY, False, False, False)  # noqa: FBT003
        index.add(key.key, FROM_KEY, Audience(key))
    for number in range(400):
        assert len(index.match(b"%06d" % number)) == number + 1
    assert sum(map(len, index._remembered.values())) <= range_index.REMEMBERED_MAX
