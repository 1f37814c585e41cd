"""History thrown away by itself, by age or by count, as etcd's --auto-compaction-* flags ask.

By age: the revision of each moment is noted ten times a period, and what was current a period ago
becomes the oldest that is kept. By count: every five minutes, all but so many revisions go.
"""

from collections import deque

NOTES_PER_PERIOD = 10
BY_COUNT_INTERVAL_SECONDS = 300


class AutoCompaction:
    """Says when to compact, and to which revision. It is asked on every member."""

    def __init__(self, period_seconds: float, revisions_kept: int, ticks_per_second: float) -> None:
        """At most one of `period_seconds` and `revisions_kept` is not 0."""
        self._period_ticks = int(period_seconds * ticks_per_second)
        self._revisions_kept = revisions_kept
        self._by_count_ticks = int(BY_COUNT_INTERVAL_SECONDS * ticks_per_second)
        self._note_ticks = max(1, self._period_ticks // NOTES_PER_PERIOD)
        self._notes: deque[tuple[int, int]] = deque()
        """(tick, revision), oldest first; no more than a period's."""

    def due(self, tick: int, revision: int, compact_revision: int) -> int:
        """The revision to compact to now; 0 when there is nothing to do."""
        target = 0
        if self._revisions_kept and tick % self._by_count_ticks == 0:
            target = revision - self._revisions_kept
        elif self._period_ticks and tick % self._note_ticks == 0:
            self._notes.append((tick, revision))
            while self._notes and self._notes[0][0] <= tick - self._period_ticks:
                target = self._notes.popleft()[1]
        return target if target > compact_revision else 0
