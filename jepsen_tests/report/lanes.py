"""Which row a thing is drawn in, so that nothing hides another and there are as few as may be."""

import heapq
from collections.abc import Sequence


def pack(stretches: Sequence[tuple[int, int]]) -> list[int]:
    """The lane of each stretch (begin, end); one lane's stretches do not overlap.

    Greedy by begin, into the lowest lane that is free, which needs no more lanes than the most
    stretches at any one time.
    """
    lanes = [0] * len(stretches)
    free: list[int] = []
    taken: list[tuple[int, int]] = []
    count = 0
    for index in sorted(range(len(stretches)), key=lambda index: stretches[index]):
        begin, end = stretches[index]
        while taken and taken[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, count = count, count + 1
        lanes[index] = lane
        heapq.heappush(taken, (end, lane))
    return lanes
