"""PINGs that ask whether anyone is there: what a client may send (gRPC A8), and what we send (A9).

Times are milliseconds of the clock that `Connection.tick` brings.
"""

from enum import Enum

from raftkv.config import WireConfig

_STRIKES_MAX = 2
"""grpc-go's number: the third ping too early is one too many."""
_CLOCK_SLACK_MS = 1_000
"""Ticks are coarse; a ping may look this much earlier than it is."""


class PingPolicy:
    """Finds clients that ping too often."""

    __slots__ = ("_idle_interval_ms", "_interval_ms", "_last_ms", "_progress", "_strikes")

    def __init__(self, config: WireConfig) -> None:
        self._interval_ms = config.keepalive_interval_min_ms - _CLOCK_SLACK_MS
        self._idle_interval_ms = config.keepalive_idle_interval_min_ms - _CLOCK_SLACK_MS
        self._last_ms: int | None = None
        self._progress = -1
        self._strikes = 0

    def is_too_often(self, now_ms: int, progress: int, *, has_calls: bool) -> bool:
        """Takes note of a ping and says whether it is one too many.

        Whenever we sent something in between (`progress` grew) all is forgiven, as in grpc-go: its
        clients measure the bandwidth with pings while they receive.
        """
        before_ms, self._last_ms = self._last_ms, now_ms
        if progress != self._progress:
            self._progress = progress
            self._strikes = 0
            return False
        interval_ms = self._interval_ms if has_calls else self._idle_interval_ms
        if before_ms is not None and now_ms - before_ms < interval_ms:
            self._strikes += 1
        return self._strikes > _STRIKES_MAX


class Verdict(Enum):
    """What keepalive asks for."""

    FINE = "fine"
    SEND_PING = "send ping"
    DEAD = "dead"


class Keepalive:
    """Asks a silent peer for a sign of life."""

    __slots__ = ("_interval_ms", "_pinged", "_received", "_since_ms", "_timeout_ms")

    def __init__(self, interval_ms: int, timeout_ms: int) -> None:
        self._interval_ms = interval_ms
        self._timeout_ms = timeout_ms
        self._received = -1
        self._since_ms = 0
        self._pinged = False

    def tick(self, now_ms: int, received: int) -> Verdict:
        """Takes the time and the bytes received so far."""
        if received != self._received:
            self._received = received
            self._since_ms = now_ms
            self._pinged = False
        elif self._pinged:
            if now_ms - self._since_ms >= self._timeout_ms:
                return Verdict.DEAD
        elif now_ms - self._since_ms >= self._interval_ms:
            self._since_ms = now_ms
            self._pinged = True
            return Verdict.SEND_PING
        return Verdict.FINE
