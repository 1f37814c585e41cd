"""How often the loop, which does everything, did not come round in time."""

SLOW_SECONDS = 0.1
"""etcd's --warning-apply-duration: applying that could not go on for so long was slow."""


class Lateness:
    """Counts late ticks, as etcd counts what they are the only trace of here.

    Timing each command, or each turn, would cost what is measured. But whatever holds the loop up
    for long makes a tick late by as much.
    """

    def __init__(self) -> None:
        self.slow_applies = 0
        """Times that the loop stood still for `SLOW_SECONDS`."""
        self.heartbeats_late = 0
        """Heartbeats of this leader that left an interval or more after they were due."""

    def observe(self, seconds: float, heartbeats: int) -> None:
        """A tick came late, by an interval or more; so many heartbeats were due in it."""
        self.heartbeats_late += heartbeats
        if seconds >= SLOW_SECONDS:
            self.slow_applies += 1
