"""Bugs of watches: what they are told, from where on, in which order, how often."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.mvcc.record import key_of
from raftkv.mvcc.revision import first_row_key
from raftkv.watch import delivery, history
from raftkv.watch.delivery import Delivery
from raftkv.watch.history import CatchUp
from raftkv.watch.hub import Hub
from raftkv.watch.ports import History
from raftkv.watch.watcher import Audience, Watcher, WatchState


def _replay_after_snapshot(bed: Bed) -> None:
    def restored(old: Any, self: Hub, store: History) -> None:  # noqa: ANN401
        self.flush()
        watchers = self._synced.dissolve()
        old(self, store)
        for watcher in watchers:
            self._read_history(watcher, max(1, store.compact_revision))

    bed.wrap(Hub, "restored", restored)


def _future_begins_now(bed: Bed) -> None:
    def restored(old: Any, self: Hub, store: History) -> None:  # noqa: ANN401
        for watcher in self._take_future(1 << 62):
            self._read_history(watcher, store.revision + 1)
        old(self, store)

    bed.wrap(Hub, "restored", restored)


def _future_is_now(bed: Bed) -> None:
    def begin(old: Any, self: Hub, watcher: Watcher) -> None:  # noqa: ANN401
        if watcher.request.start_revision > self._store.revision:
            self._sync(watcher)
        else:
            old(self, watcher)

    bed.wrap(Hub, "_begin", begin)


def _forget_the_missed(bed: Bed) -> None:
    def deliver(old: Any, self: Delivery, audience: Audience, revision: int) -> Any:  # noqa: ANN401
        old(self, audience, revision)
        return []

    bed.wrap(Delivery, "deliver", deliver)


def _wait_for_ever(bed: Bed) -> None:
    bed.replace(Hub, "drained", lambda _, stream: setattr(stream, "is_full", False))


def _go_on_one_late(bed: Bed) -> None:
    def drained(old: Any, self: Hub, stream: Any) -> None:  # noqa: ANN401
        for watcher in stream.waiting:
            watcher.next_revision += 1
        old(self, stream)

    bed.wrap(Hub, "drained", drained)


def _told_twice(bed: Bed) -> None:
    """Who has caught up is told of the newest revision once more."""

    def sync(old: Any, self: Hub, watcher: Watcher) -> None:  # noqa: ANN401
        has_caught_up = watcher.state is WatchState.CATCHING_UP
        old(self, watcher)
        last = self._store.revision
        rows = self._store.scan(first_row_key(last), first_row_key(last + 1), 1)
        for _, row in rows if has_caught_up else ():
            audiences = self._synced.match(key_of(row))
            self._dirty += self._delivery.collect(audiences, last, key_of(row), row)

    bed.wrap(Hub, "_sync", sync)


def _compacted_in_silence(bed: Bed) -> None:
    def begin(old: Any, self: Hub, watcher: Watcher) -> None:  # noqa: ANN401
        start = watcher.request.start_revision
        if 0 < start < self._store.compact_revision:
            self._read_history(watcher, self._store.compact_revision)
        else:
            old(self, watcher)

    bed.wrap(Hub, "_begin", begin)


def _compacted_at_its_own(bed: Bed) -> None:
    def begin(old: Any, self: Hub, watcher: Watcher) -> None:  # noqa: ANN401
        start = watcher.request.start_revision
        if start and start == self._store.compact_revision <= self._store.revision:
            self._read_history(watcher, start + 1)
        else:
            old(self, watcher)

    bed.wrap(Hub, "_begin", begin)


def _read_on_though_compacted(bed: Bed) -> None:
    def step(old: Any, self: CatchUp) -> Any:  # noqa: ANN401
        for cohort in self._queue:
            cohort.position = max(cohort.position, self._delivery.history.compact_revision)
        return old(self)

    bed.wrap(CatchUp, "step", step)


def _cut_a_revision(bed: Bed) -> None:
    bed.replace(history, "bisect_left", lambda rows, _: len(rows))


def _ignore_filters(bed: Bed) -> None:
    def collect(old: Any, self: Delivery, audiences: Any, *change: Any) -> Any:  # noqa: ANN401
        for audience in audiences:
            audience.no_delete = False
        return old(self, audiences, *change)

    bed.wrap(Delivery, "collect", collect)


def _previous_is_the_present(bed: Bed) -> None:
    def field(old: Any, row: bytes, previous: bytes | None, *, is_delete: bool) -> Any:  # noqa: ANN401
        return old(row, row if previous is not None else None, is_delete=is_delete)

    bed.wrap(delivery, "event_field", field)


def _events_of_a_turn_reversed(bed: Bed) -> None:
    def deliver(old: Any, self: Delivery, audience: Audience, revision: int) -> Any:  # noqa: ANN401
        audience.events.reverse()
        return old(self, audience, revision)

    bed.wrap(Delivery, "deliver", deliver)


def _large_transactions_cut(bed: Bed) -> None:
    def notify(old: Any, self: Hub, revision: int, changes: Any) -> None:  # noqa: ANN401
        old(self, revision, changes[:1])

    bed.wrap(Hub, "notify", notify)


def _progress_too_early(bed: Bed) -> None:
    def report(self: Hub, stream: Any) -> None:  # noqa: ANN401
        header = self.header(self._store.revision)
        for watcher in stream.watchers.values():
            stream.send(header + watcher.id_field)

    bed.replace(Hub, "_report_progress", report)


def _leave_watches_behind(bed: Bed) -> None:
    """The end of a stream leaves its watches behind, for ever."""
    bed.replace(Hub, "close", lambda _, stream: setattr(stream, "is_open", False))


BUGS = (
    Bug(
        "watch-replays-after-snapshot",
        "etcd 15271",
        "a watch sees each change once, also when a snapshot comes",
        _replay_after_snapshot,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "future-watch-lowered-by-snapshot",
        "etcd 20221",
        "a watch of the future sees nothing before its start, also when a snapshot comes",
        _future_begins_now,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "future-watch-begins-now",
        "classic",
        "a watch of the future sees nothing before its start",
        _future_is_now,
    ),
    Bug(
        "slow-watch-loses-events",
        "etcd 17529",
        "a watch that is slow reads later what it missed",
        _forget_the_missed,
    ),
    Bug(
        "slow-watch-waits-for-ever",
        "classic",
        "a watch whose stream has room again goes on",
        _wait_for_ever,
    ),
    Bug(
        "slow-watch-resumes-too-late",
        "etcd 17529",
        "a slow watch goes on with the first revision that it missed",
        _go_on_one_late,
    ),
    Bug(
        "watch-told-twice",
        "etcd 15271",
        "a watch that has caught up is not told again",
        _told_twice,
    ),
    Bug(
        "compacted-watch-not-told",
        "etcd 19179",
        "a watch of what is compacted is cancelled, and told from where on it can go on",
        _compacted_in_silence,
    ),
    Bug(
        "watch-at-compact-revision-skips",
        "etcd 19179",
        "a watch at the compact revision sees what happened at it",
        _compacted_at_its_own,
    ),
    Bug(
        "watch-reads-on-over-compaction",
        "etcd 18089",
        "a watch that a compaction overtakes is cancelled",
        _read_on_though_compacted,
    ),
    Bug(
        "revision-cut-in-two",
        "classic",
        "the events of one revision come together",
        _cut_a_revision,
    ),
    Bug(
        "filters-forgotten",
        "classic",
        "a watch is not told of what it filters out",
        _ignore_filters,
    ),
    Bug(
        "prev-kv-is-the-new-one",
        "classic",
        "prev_kv of an event is what was there before",
        _previous_is_the_present,
    ),
    Bug(
        "events-reversed",
        "classic",
        "events come in the order of their revisions",
        _events_of_a_turn_reversed,
    ),
    Bug(
        "transaction-told-in-part",
        "classic",
        "a watch sees every change of a transaction",
        _large_transactions_cut,
    ),
    Bug(
        "progress-before-events",
        "classic",
        "progress at a revision says that all up to it was sent",
        _progress_too_early,
    ),
    Bug(
        "watches-never-forgotten",
        "classic",
        "a watch ends with its stream",
        _leave_watches_behind,
    ),
)
