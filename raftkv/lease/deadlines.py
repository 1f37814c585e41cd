"""When each lease runs out, as the primary keeps it; in ticks of the member that it runs on.

A lease is looked at when the deadline that was known for it has come. If it was renewed meanwhile,
it is put back to its new deadline, so a renewal costs no more than writing down a number.
"""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush, heapreplace

SCHEDULED_PER_CALL = 1_000
"""Leases of the time before the promotion that one call of `expired` takes up."""
_STALE_MAX = 1_000
"""Entries of revoked leases beyond the number of leases; then the heap is made anew."""


class Deadlines:
    """The deadlines of one primacy.

    Args:
        ttl_ticks: The TTL of a lease in ticks; None if there is no such lease.
        leases: The leases there are at the promotion; each has its full TTL from `tick` on.
        tick: The tick of the promotion.
    """

    def __init__(
        self, ttl_ticks: Callable[[int], int | None], leases: Iterable[int], tick: int
    ) -> None:
        self._ttl_ticks = ttl_ticks
        self._unscheduled = list(leases)
        self._promoted_tick = tick
        self._tick = tick
        self._deadlines: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []
        """(tick to look at it, lease)"""

    def start(self, lease: int) -> None:
        """A lease was granted: its time begins."""
        ttl_ticks = self._ttl_ticks(lease)
        assert ttl_ticks is not None, f"lease {lease:x} does not exist"
        # The next tick may be about to come, and a lease must not run out early.
        deadline = self._tick + 1 + ttl_ticks
        self._deadlines[lease] = deadline
        heappush(self._heap, (deadline, lease))

    def forget(self, lease: int, leases_left: int) -> None:
        """A lease was revoked; `leases_left` others exist."""
        self._deadlines.pop(lease, None)
        if len(self._heap) > 2 * leases_left + _STALE_MAX:
            self._heap = [(deadline, known) for known, deadline in self._deadlines.items()]
            heapify(self._heap)

    def renew(self, lease: int, tick: int) -> bool:
        """Gives a lease that exists its full TTL again; False if it has run out."""
        ttl_ticks = self._ttl_ticks(lease)
        assert ttl_ticks is not None, f"lease {lease:x} does not exist"
        if self.remaining(lease, tick) <= 0:
            return False
        self._deadlines[lease] = tick + ttl_ticks
        return True

    def remaining(self, lease: int, tick: int) -> int:
        """Ticks until a lease that exists runs out; 0 or less when it has."""
        return self._deadline(lease, self._ttl_ticks(lease) or 0) - tick

    def expired(self, tick: int, leases_max: int, retry_ticks: int) -> list[int]:
        """Up to `leases_max` leases that have run out; what is left of them again later."""
        self._tick = tick
        self._schedule()
        heap = self._heap
        due: dict[int, None] = {}
        while heap and heap[0][0] <= tick and len(due) < leases_max:
            lease = heap[0][1]
            ttl_ticks = self._ttl_ticks(lease)
            if ttl_ticks is None:
                heappop(heap)
                continue
            deadline = self._deadline(lease, ttl_ticks)
            if deadline > tick:
                heapreplace(heap, (deadline, lease))
            else:
                due[lease] = None
                heapreplace(heap, (tick + retry_ticks, lease))
        return list(due)

    def _schedule(self) -> None:
        for lease in self._unscheduled[-SCHEDULED_PER_CALL:]:
            ttl_ticks = self._ttl_ticks(lease)
            if ttl_ticks is not None:
                deadline = self._deadline(lease, ttl_ticks)
                self._deadlines[lease] = deadline
                heappush(self._heap, (deadline, lease))
        del self._unscheduled[-SCHEDULED_PER_CALL:]

    def _deadline(self, lease: int, ttl_ticks: int) -> int:
        return self._deadlines.get(lease, self._promoted_tick + ttl_ticks)
