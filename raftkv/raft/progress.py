"""One follower as its leader sees it: what it has, what was sent, and what may be sent next.

All changes of mode are methods here, so that this file is the whole state machine:

    PROBE      where the follower's log matches is not known: one message, then wait for its answer
    REPLICATE  it is: messages follow each other without waiting (pipelining), within the window
    SNAPSHOT   the log no longer reaches back to it: nothing is sent until a snapshot got there

    PROBE --accepted--> REPLICATE --rejected, connection lost--> PROBE
    PROBE, REPLICATE --log too short--> SNAPSHOT --sent, failed, caught up by itself--> PROBE

Invariants:
- `match < next`; `match` never decreases while this leader leads.
- PROBE and SNAPSHOT have nothing in flight.
"""

from collections import deque
from enum import Enum, auto


class Mode(Enum):
    """How a follower is being served."""

    PROBE = auto()
    REPLICATE = auto()
    SNAPSHOT = auto()


class Progress:
    """A follower's place in the leader's log (figure 2: nextIndex and matchIndex)."""

    __slots__ = (
        "_inflight",
        "_may_resume",
        "_oldest_at_tick",
        "_seems_lost",
        "commit_sent",
        "empty_append_due",
        "inflight_bytes",
        "match",
        "mode",
        "next",
        "probe_sent",
        "recently_active",
    )

    def __init__(self, next_index: int, *, recently_active: bool) -> None:
        """Starts probing at `next_index`."""
        self.mode = Mode.PROBE
        self.match = 0
        self.next = next_index
        self.probe_sent = False
        self.commit_sent = 0
        self.empty_append_due = False
        """True when a message may have been lost: an append without entries finds out."""
        self.recently_active = recently_active
        """Whether it was heard since the last check of the quorum."""
        self.inflight_bytes = 0
        self._inflight: deque[tuple[int, int]] = deque()
        self._may_resume = True
        """Whether no heartbeat of this interval was answered yet."""
        self._oldest_at_tick = 0
        """The last index of the oldest message in flight at the last tick; 0: there was none."""
        self._seems_lost = False
        """Whether that message was in flight at the tick before, too."""

    @property
    def inflight_messages(self) -> int:
        """Messages with entries that were not answered yet."""
        return len(self._inflight)

    def become_probe(self, next_index: int) -> None:
        """Goes back to one message at a time, from `next_index`."""
        assert self.match < next_index, f"next {next_index} is not beyond match {self.match}"
        self.mode = Mode.PROBE
        self.next = next_index
        self.probe_sent = False
        self._forget_inflight()

    def become_snapshot(self) -> None:
        """Waits for a snapshot to get there."""
        self.mode = Mode.SNAPSHOT
        self._forget_inflight()

    def sent(self, count: int, size: int) -> None:
        """Notes an append that left, with `count` entries of `size` bytes from `next` on."""
        assert self.mode is not Mode.SNAPSHOT, "an append left beside a snapshot"
        self.empty_append_due = False
        if self.mode is Mode.PROBE:
            self.probe_sent = True
        elif count:
            self.next += count
            self._inflight.append((self.next - 1, size))
            self.inflight_bytes += size

    def accepted(self, index: int, first_index: int) -> bool:
        """Takes note that the follower durably has everything up to `index`.

        Args:
            index: What it says.
            first_index: Where the leader's log starts. A follower that waits for a snapshot, but
                turns out to reach up to there, does without it.

        Returns:
            Whether `match` moved.
        """
        moved = index > self.match
        if moved:
            self.match = index
        if self.next <= index:
            self.next = index + 1
        if self.mode is Mode.REPLICATE:
            inflight = self._inflight
            while inflight and inflight[0][0] <= index:
                self.inflight_bytes -= inflight.popleft()[1]
        elif index == self.match and (
            self.mode is Mode.PROBE or (moved and self.match + 1 >= first_index)
        ):
            self.mode = Mode.REPLICATE
            self.next = self.match + 1
        return moved

    def rejected(self, index: int, hint: int) -> None:
        """Backs off after the follower did not have what precedes an append.

        Args:
            index: The prev_index of the rejected append. One that no longer fits what is known is
                an answer that came late, and means nothing.
            hint: The highest index at which both logs may agree.
        """
        if self.mode is Mode.REPLICATE:
            if self.match < index < self.next:
                self.become_probe(max(self.match + 1, min(index, hint + 1)))
        elif self.mode is Mode.PROBE and index == self.next - 1 and index > self.match:
            self.become_probe(max(self.match + 1, min(index, hint + 1)))

    def connection_lost(self) -> None:
        """What is in flight will not arrive: starts over from what is known to have."""
        if self.mode is Mode.REPLICATE:
            self.become_probe(self.match + 1)

    def unreachable(self) -> None:
        """Sends nothing until the follower is heard again."""
        self.become_probe(self.next)
        self.probe_sent = True

    def snapshot_ended(self, index: int) -> None:
        """Goes on after the state at `index` (0: none, it failed) was sent.

        After a failure nothing is sent until the follower is heard again.
        """
        if self.mode is Mode.SNAPSHOT:
            self.become_probe(max(self.match, index) + 1)
            self.probe_sent = index == 0

    def heard(self) -> None:
        """Notes a heartbeat's answer; the first after each tick lets what seems stuck move on.

        A probe is repeated; whether a message in flight for a whole interval is lost, is found out.
        """
        self.recently_active = True
        if self._may_resume:
            self._may_resume = self.probe_sent = False
            self.empty_append_due = self._seems_lost and bool(self._inflight)

    def tick(self) -> None:
        """Starts another heartbeat interval."""
        oldest = self._inflight[0][0] if self._inflight else 0
        self._seems_lost = oldest != 0 and oldest == self._oldest_at_tick
        self._oldest_at_tick = oldest
        self._may_resume = True

    def _forget_inflight(self) -> None:
        self._inflight.clear()
        self.inflight_bytes = 0
        self.empty_append_due = False
