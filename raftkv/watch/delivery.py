"""Collects events for audiences, and turns what was collected into responses."""

from collections.abc import Callable, Iterable
from itertools import groupby, pairwise

from raftkv.config import WatchConfig
from raftkv.mvcc.record import is_tombstone
from raftkv.watch.ports import History
from raftkv.watch.response import FRAGMENT, event_field, revision_header
from raftkv.watch.watcher import Audience, Watcher

WATCH_ID_FIELD_BYTES_MAX = 11


class Delivery:
    """Encodes an event once for all that want it, and joins a batch once for all that get it."""

    def __init__(self, history: History, config: WatchConfig) -> None:
        self.history = history
        self.header: Callable[[int], bytes] = revision_header
        """Makes the header field of a response about a revision."""
        self.backlog_bytes_max = config.backlog_bytes_max
        """What may wait in one stream now."""
        self.events_sent = 0
        """Since the start, each as often as there were watches that it went to."""
        self._response_bytes_max = config.response_bytes_max

    def collect(
        self, audiences: Iterable[Audience], revision: int, key: bytes, row: bytes
    ) -> list[Audience]:
        """Gives a change to those of `audiences` who want it; returns who had none so far."""
        is_delete = is_tombstone(row)
        plain = full = None
        first = []
        for audience in audiences:
            if audience.no_delete if is_delete else audience.no_put:
                continue
            if not audience.prev_kv:
                if plain is None:
                    plain = event_field(row, None, is_delete=is_delete)
                event = plain
            else:
                if full is None:
                    previous = self.history.previous_row(key, revision)
                    full = event_field(row, previous, is_delete=is_delete)
                event = full
            if not audience.events:
                first.append(audience)
            audience.events.append(event)
            audience.revisions.append(revision)
            audience.bytes += len(event)
        return first

    def deliver(self, audience: Audience, revision: int) -> list[Watcher]:
        """Sends what was collected to each watch, as of `revision`, and clears it.

        Returns the watches that missed some because their stream is full; their `next_revision`
        says from where on.
        """
        header = self.header(revision)
        size = len(header) + WATCH_ID_FIELD_BYTES_MAX + audience.bytes
        if size >= self._response_bytes_max and len(audience.events) > 1:
            return self._deliver_large(audience, revision, header)
        events = audience.events
        body = b"".join(events)
        skip = 0
        backlog_bytes_max = self.backlog_bytes_max
        sent = len(events) * len(audience.watchers)
        missed = []
        for watcher in audience.watchers:
            if watcher.skip != skip:
                skip = watcher.skip
                body = b"".join(events[skip:])
            if skip:
                watcher.skip = 0
                sent -= skip
                if not body:
                    continue
            stream = watcher.stream
            if stream.is_full:
                watcher.next_revision = audience.revisions[skip]
                missed.append(watcher)
                sent -= len(events) - skip
                continue
            sink = stream.sink
            sink.send(header + watcher.id_field + body)
            watcher.progress_due = False
            if sink.output_bytes > backlog_bytes_max:
                stream.is_full = True
        self.events_sent += sent
        audience.clear()
        return missed

    def _deliver_large(self, audience: Audience, revision: int, header: bytes) -> list[Watcher]:
        """Like `deliver`, for more than fits into one response."""
        missed = []
        for watcher in audience.watchers:
            events, revisions = audience.events[watcher.skip :], audience.revisions[watcher.skip :]
            watcher.skip = 0
            if not events:
                continue
            if watcher.stream.is_full:
                watcher.next_revision = revisions[0]
                missed.append(watcher)
            elif watcher.fragment:
                self._send_fragments(watcher, header, events)
            elif not self._send_by_revision(watcher, revision, events, revisions):
                missed.append(watcher)
        audience.clear()
        return missed

    def _send_fragments(self, watcher: Watcher, header: bytes, events: list[bytes]) -> None:
        """Cuts a batch where a response would be too large; every part but the last says so.

        All parts go out even when the stream gets full: half a batch is of no use to anybody.
        """
        head = header + watcher.id_field
        size_max = self._response_bytes_max
        self.events_sent += len(events)
        if len(head) + sum(map(len, events)) < size_max:
            self._send(watcher, head + b"".join(events))
            return
        head_size = len(head) + len(FRAGMENT)
        part: list[bytes] = []
        size = head_size
        for event in events:
            if part and size + len(event) >= size_max:
                self._send(watcher, head + FRAGMENT + b"".join(part))
                part = []
                size = head_size
            part.append(event)
            size += len(event)
        self._send(watcher, head + b"".join(part))

    def _send_by_revision(
        self, watcher: Watcher, revision: int, events: list[bytes], revisions: list[int]
    ) -> bool:
        """Sends a batch in several responses, none of which ends inside a revision.

        Returns False when the stream got full before the last; `next_revision` then says where to
        go on.
        """
        for first, end in pairwise([*self._cuts(events, revisions), len(events)]):
            if watcher.stream.is_full:
                watcher.next_revision = revisions[first]
                return False
            header = self.header(revision if end == len(events) else revisions[end - 1])
            self._send(watcher, header + watcher.id_field + b"".join(events[first:end]))
            self.events_sent += end - first
        return True

    def _cuts(self, events: list[bytes], revisions: list[int]) -> list[int]:
        """Where responses begin, so that each is small enough or holds a single revision."""
        cuts = [0]
        size = 0
        for _, group in groupby(range(len(events)), key=revisions.__getitem__):
            places = list(group)
            added = sum(len(events[place]) for place in places)
            if size and size + added >= self._response_bytes_max:
                cuts.append(places[0])
                size = 0
            size += added
        return cuts

    def _send(self, watcher: Watcher, message: bytes) -> None:
        stream = watcher.stream
        stream.sink.send(message)
        watcher.progress_due = False
        if stream.sink.output_bytes > self.backlog_bytes_max:
            stream.is_full = True
