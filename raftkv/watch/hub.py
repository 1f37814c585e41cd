"""All watches of a member: who is told of a change, who reads history, who waits.

The state machine calls `notify` for each revision, the loop `flush` once a turn, before the answers
go out: what a turn changed reaches each watch in one response. Everything is a plain call; there is
no clock.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from raftkv.config import WatchConfig
from raftkv.watch import response
from raftkv.watch.delivery import Delivery
from raftkv.watch.history import CatchUp
from raftkv.watch.index import WatchIndex
from raftkv.watch.ports import History, Sink
from raftkv.watch.request import FROM_KEY, WatchRequest
from raftkv.watch.watcher import Audience, Stream, Watcher, WatchState

EMPTY_RANGE = "mvcc: watcher range is empty"
DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream"
"""Why a watch is refused, in etcd's words (`server/storage/mvcc/watcher.go`)."""

BACKLOG_BYTES_MIN = 64 * 1024
"""What a stream may always leave waiting, however many streams share the total."""

Change = tuple[bytes, bytes, bytes, bytes | None]
"""(key, row key, row, row key of what it replaced or None): see `mvcc`."""

_NEVER = 1 << 63


class Hub:
    """The watches of one member.

    Invariants: a SYNCED watch has been sent, or will be sent by the next `flush`, everything up to
    the newest notified revision; each watch is in exactly one of: the synced index, the future
    list, the catching-up cohorts, its stream's waiting set, or none when it was cancelled.
    """

    def __init__(self, store: History, config: WatchConfig, ticks_per_second: float = 10) -> None:
        self.on_work: Callable[[], None] = _nothing
        """Called when there is history to read and the loop may be asleep."""
        self.watch_count = 0
        self.stream_count = 0
        self._store = store
        self._config = config
        self._delivery = Delivery(store, config)
        self._synced = WatchIndex()
        self._dirty: list[Audience] = []
        """Synced audiences with events to send."""
        self._future: list[tuple[int, int, Watcher]] = []
        """(minus the start revision, serial, watch), in order: the next to begin is the last."""
        self._future_first = _NEVER
        self._catch_up = CatchUp(self._delivery, config)
        self._tick = 0
        self._serial = 0
        interval = config.progress_notify_interval_ms * ticks_per_second / 1000
        self._progress_ticks = max(1, round(interval))
        self._progress_due: dict[int, list[Stream]] = {}
        """By tick: the streams whose watches report progress then."""

    @property
    def header(self) -> Callable[[int], bytes]:
        """Makes the header field of a response about a revision; set it before the first watch."""
        return self._delivery.header

    @header.setter
    def header(self, header: Callable[[int], bytes]) -> None:
        self._delivery.header = header

    @property
    def is_catching_up(self) -> bool:
        """Whether `catch_up` has anything to do."""
        return self._catch_up.is_busy

    @property
    def is_full(self) -> bool:
        """Whether there are as many watches as there may be."""
        return self.watch_count >= self._config.watches_max

    @property
    def slow_watch_count(self) -> int:
        """How many watches read history, or will once their stream has room."""
        return self.watch_count - self._synced.watcher_count - len(self._future)

    @property
    def events_sent(self) -> int:
        """Events sent since the start, each as often as there were watches that it went to."""
        return self._delivery.events_sent

    @property
    def pending_event_count(self) -> int:
        """Events that the next `flush` sends."""
        return sum(len(audience.events) * len(audience.watchers) for audience in self._dirty)

    # -- what clients ask

    def open(self, sink: Sink) -> Stream:
        """Begins a stream of watches."""
        self._serial += 1
        stream = Stream(sink, self._serial)
        sink.drained_below_bytes = min(self._config.backlog_bytes_max, BACKLOG_BYTES_MIN) // 2
        self.stream_count += 1
        self._share_backlog()
        self._schedule_progress(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """Ends a stream and all its watches; nothing is sent any more."""
        if not stream.is_open:
            return
        stream.is_open = False
        self.stream_count -= 1
        self._share_backlog()
        for watcher in list(stream.watchers.values()):
            self._withdraw(watcher)
        stream.watchers.clear()

    def drained(self, stream: Stream) -> None:
        """Tells that the stream's sink has room again."""
        stream.is_full = False
        for watcher in stream.waiting:
            self._read_history(watcher, watcher.next_revision)
        stream.waiting.clear()

    def create(self, stream: Stream, request: WatchRequest) -> None:
        """Begins a watch or refuses it; the client is told which."""
        key, end = request.key, request.end
        if end is not None and end != FROM_KEY and key >= end:
            self.refuse(stream, EMPTY_RANGE)
            return
        if request.watch_id in stream.watchers and request.watch_id:
            self.refuse(stream, DUPLICATE_ID)
            return
        watch_id = request.watch_id or stream.free_id()
        self._serial += 1
        self.watch_count += 1
        watcher = Watcher(stream, watch_id, request, self._serial)
        stream.watchers[watch_id] = watcher
        stream.send(response.created(self.header(self._store.revision), watch_id))
        self._begin(watcher)

    def refuse(self, stream: Stream, reason: str) -> None:
        """Tells a client that a watch could not begin."""
        stream.send(response.refused(self.header(self._store.revision), reason))

    def cancel(self, stream: Stream, watch_id: int) -> None:
        """Ends a watch; an id that no watch has is nobody's business."""
        watcher = stream.watchers.pop(watch_id, None)
        if watcher is not None:
            self._withdraw(watcher)
            stream.send(response.canceled(self.header(self._store.revision), watch_id))

    def request_progress(self, stream: Stream) -> None:
        """Tells how far all watches of a stream are, when none of them is behind; else nothing."""
        self.flush()
        states = {watcher.state for watcher in stream.watchers.values()}
        states.discard(WatchState.COMPACTED)
        if states == {WatchState.SYNCED} and not stream.is_full:
            header = self.header(self._store.revision)
            stream.send(header + response.watch_id_field(-1))

    # -- what the loop does

    def notify(self, revision: int, changes: Sequence[Change]) -> None:
        """Collects the changes of a revision for the watches that they concern."""
        if revision >= self._future_first:
            for watcher in self._take_future(revision):
                self._sync(watcher)
        synced = self._synced
        if not synced.watcher_count:
            return
        for key, _, row, _ in changes:
            audiences = synced.match(key)
            if audiences:
                self._dirty += self._delivery.collect(audiences, revision, key, row)

    def flush(self) -> None:
        """Sends what was collected."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, []
        for audience in dirty:
            missed = self._delivery.deliver(audience, audience.revisions[-1])
            for watcher in missed:
                self._synced.remove(watcher)
            self._wait(missed)

    def catch_up(self) -> bool:
        """Reads a bounded slice of history for watches that are behind; False: none is."""
        if not self._catch_up.is_busy:
            return False
        step = self._catch_up.step()
        self._wait(step.missed)
        for watcher in step.compacted:
            self._cancel_compacted(watcher)
        for watcher in step.caught_up:
            self._sync(watcher)
        return self._catch_up.is_busy

    def tick(self) -> None:
        """Counts time, for the progress that watches asked to be told of at intervals."""
        self._tick += 1
        due = self._progress_due.pop(self._tick, None)
        if due is None:
            return
        self.flush()
        for stream in due:
            if stream.is_open:
                self._report_progress(stream)
                self._schedule_progress(stream)

    def restored(self, store: History) -> None:
        """Goes on with a received snapshot; what a watch has not seen comes from history."""
        self.flush()
        position = self._store.revision + 1
        self._store = self._delivery.history = store
        self._catch_up.restart()
        for watcher in self._synced.dissolve():
            self._read_history(watcher, position)
        for watcher in self._take_future(store.revision):
            self._read_history(watcher, watcher.request.start_revision)

    # -- where a watch goes next

    def _begin(self, watcher: Watcher) -> None:
        start = watcher.request.start_revision
        if start == 0:
            self._sync(watcher)
        elif start > self._store.revision:
            watcher.state = WatchState.FUTURE
            insort(self._future, (-start, watcher.serial, watcher))
            self._future_first = -self._future[-1][0]
        elif start < self._store.compact_revision:
            self._cancel_compacted(watcher)
        else:
            self._read_history(watcher, start)

    def _take_future(self, revision: int) -> list[Watcher]:
        """The watches that wait for `revision` or one before it; they wait no longer."""
        future = self._future
        begun = []
        while future and -future[-1][0] <= revision:
            begun.append(future.pop()[2])
        self._future_first = -future[-1][0] if future else _NEVER
        return begun

    def _sync(self, watcher: Watcher) -> None:
        watcher.state = WatchState.SYNCED
        self._synced.add(watcher)

    def _read_history(self, watcher: Watcher, position: int) -> None:
        watcher.state = WatchState.CATCHING_UP
        was_busy = self._catch_up.is_busy
        self._catch_up.add(watcher, position)
        if not was_busy:
            self.on_work()

    def _wait(self, missed: list[Watcher]) -> None:
        for watcher in missed:
            watcher.state = WatchState.WAITING
            watcher.stream.waiting[watcher] = None

    def _cancel_compacted(self, watcher: Watcher) -> None:
        """Ends a watch whose history is gone; its id stays taken until the client cancels it."""
        watcher.state = WatchState.COMPACTED
        # etcd's response about a compaction carries no revision in its header.
        header = self.header(0)
        compact_revision = self._store.compact_revision
        watcher.stream.send(response.compacted(header, watcher.id, compact_revision))

    def _withdraw(self, watcher: Watcher) -> None:
        """Takes a watch from wherever it is."""
        self.watch_count -= 1
        if watcher.index is not None:
            watcher.index.remove(watcher)
        elif watcher.state is WatchState.WAITING:
            del watcher.stream.waiting[watcher]
        elif watcher.state is WatchState.FUTURE:
            future = self._future
            place = (-watcher.request.start_revision, watcher.serial)
            del future[bisect_left(future, place)]
            self._future_first = -future[-1][0] if future else _NEVER
        watcher.state = WatchState.ENDED

    # -- bounds and intervals

    def _share_backlog(self) -> None:
        """Gives each stream its share of what may wait in all of them."""
        share = self._config.backlog_bytes_total_max // max(1, self.stream_count)
        share = max(share, BACKLOG_BYTES_MIN)
        self._delivery.backlog_bytes_max = min(self._config.backlog_bytes_max, share)

    def _schedule_progress(self, stream: Stream) -> None:
        # Up to a tenth later, so that streams opened together do not report together.
        later = stream.serial * 7919 % (self._progress_ticks // 10 + 1)
        due = self._tick + self._progress_ticks + later
        self._progress_due.setdefault(due, []).append(stream)

    def _report_progress(self, stream: Stream) -> None:
        header = self.header(self._store.revision)
        for watcher in stream.watchers.values():
            is_due, watcher.progress_due = watcher.progress_due, watcher.request.progress_notify
            if is_due and watcher.state is WatchState.SYNCED and not stream.is_full:
                stream.send(header + watcher.id_field)


def _nothing() -> None:
    """The `on_work` of a hub that nobody has to wake."""
