"""Stretches in lanes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jepsen_tests.report.lanes import pack

moments = st.integers(0, 50)
stretches = st.lists(st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair) + 1)))


@given(stretches)
def test_no_two_of_a_lane_overlap_and_no_lane_is_wasted(given: list[tuple[int, int]]) -> None:
    lanes = pack(given)
    for lane in set(lanes):
        inside = sorted(stretch for stretch, its in zip(given, lanes, strict=True) if its == lane)
        assert all(before[1] <= after[0] for before, after in pairwise(inside))
    deepest = max((sum(b <= at < e for b, e in given) for at in range(52)), default=0)
    assert len(set(lanes)) == deepest
