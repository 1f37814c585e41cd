"""A watch as its client sees it: what it asked for, what it was told, and whether that is right.

Ordered, unique, atomic, reliable, resumable, bookmarkable, filtered, with the right values from
before: what etcd promises of a watch, held against the plain store.
"""

from dataclasses import dataclass, field

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.plain import Event, PlainStore, covers
from raftkv.pb import kv_pb2, rpc_pb2
from raftkv.watch.request import FROM_KEY, WatchRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a client wants to be told of."""

    key: bytes
    end: bytes | None = None
    no_put: bool = False
    no_delete: bool = False
    prev_kv: bool = False
    progress_notify: bool = False
    fragment: bool = False
    revisions_ahead: int = 0
    """How far in the future its first watch begins."""

    def request(self, start_revision: int) -> WatchRequest:
        """The request for a watch from a revision on."""
        return WatchRequest(
            self.key,
            self.end,
            start_revision,
            no_put=self.no_put,
            no_delete=self.no_delete,
            prev_kv=self.prev_kv,
            progress_notify=self.progress_notify,
            fragment=self.fragment,
        )

    def wants(self, event: Event) -> bool:
        """Whether an event is to be told."""
        if self.no_delete if event.value is None else self.no_put:
            return False
        return self.covers(event.key)

    def covers(self, key: bytes) -> bool:
        """Whether the watch is about this key."""
        return covers(self.key, self.end or b"", key)


WISHES = (
    Wish(key=b"\0", end=FROM_KEY),
    Wish(key=b"\0", end=FROM_KEY, prev_kv=True, fragment=True, progress_notify=True),
    Wish(key=b"k0", end=b"k4", no_delete=True, progress_notify=True),
    Wish(key=b"k3", prev_kv=True, revisions_ahead=40),
    Wish(key=b"lease", end=b"leasf", no_put=True),
    Wish(key=b"k0", end=b"k9", progress_notify=True, revisions_ahead=200),
)


@dataclass(slots=True)
class WatchClient:
    """One client's view of its watch, over all the streams that it takes."""

    wish: Wish
    plain: PlainStore
    first_revision: int
    next_revision: int = 0
    seen: list[Event] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    """(from, to) revisions, both included, that were compacted before they were seen."""
    _part: list[kv_pb2.Event] = field(default_factory=list)
    """Fragments of a batch whose end has not come yet."""

    def __post_init__(self) -> None:
        """Begins where it was asked to."""
        self.next_revision = self.first_revision

    def begin(self) -> WatchRequest:
        """The request that goes on where the client is."""
        self._part = []
        return self.wish.request(self.next_revision)

    def receive(self, response: rpc_pb2.WatchResponse) -> None:
        """Takes a response that cancels nothing.

        Raises:
            BrokenPromiseError: It tells what it should not.
        """
        self._part += response.events
        if response.fragment:
            if not self.wish.fragment:
                raise self._broken("was sent a fragment, which it did not ask for")
            return
        events, self._part = self._part, []
        if events:
            self._take(events, response.header.revision)
        elif not response.created:
            self._progress(response.header.revision)

    def is_due(self, event: Event) -> bool:
        """Whether the client should have seen an event by the end."""
        if event.revision < self.first_revision or not self.wish.wants(event):
            return False
        return not any(first <= event.revision <= last for first, last in self.lost)

    def reckon(self) -> None:
        """Long after the last change: it has seen exactly what happened.

        Raises:
            BrokenPromiseError: It has not.
        """
        due = [event for event in self.plain.events if self.is_due(event)]
        if self.seen == due:
            return
        pairs = enumerate(zip(self.seen, due, strict=False))
        at = next(
            (i for i, (seen, wanted) in pairs if seen != wanted), min(len(self.seen), len(due))
        )
        raise self._broken(
            f"saw {len(self.seen)} events, {len(due)} happened; the {at}th: "
            f"{self.seen[at : at + 1]}, happened {due[at : at + 1]}"
        )

    def _take(self, events: list[kv_pb2.Event], revision: int) -> None:
        first, last = events[0].kv.mod_revision, events[-1].kv.mod_revision
        if first < self.next_revision:
            raise self._broken(f"was told of revision {first}, it wants {self.next_revision} on")
        if revision < last:
            raise self._broken(f"was told of revision {last} as of {revision}")
        for event in events:
            self._take_one(event)
        self.next_revision = last + 1

    def _take_one(self, told: kv_pb2.Event) -> None:
        kv = told.kv
        is_delete = told.type == kv_pb2.Event.DELETE
        value = None if is_delete else kv.value
        event = Event(kv.mod_revision, kv.key, value, kv.create_revision, kv.version, kv.lease)
        if not self.wish.wants(event):
            raise self._broken(f"was told of {event}, which it does not want")
        self.seen.append(event)
        has_previous = told.HasField("prev_kv")
        if not self.wish.prev_kv:
            if has_previous:
                raise self._broken(f"was told what was before {event}")
            return
        if event != self.plain.last_change(event.key, event.revision):
            return  # it comes out at the end, against all that happened
        before = self.plain.before(event)
        if has_previous:
            if before is None or told.prev_kv != before.kv():
                raise self._broken(f"was told that before {event} was {told.prev_kv}, not {before}")
        elif before is not None and event.revision > self.plain.compact_revision:
            raise self._broken(f"was not told that before {event} was {before}")

    def _progress(self, revision: int) -> None:
        """All up to the revision was sent: the client may go on from there."""
        if not self.wish.progress_notify:
            raise self._broken(f"was told of its progress up to {revision}, without having asked")
        if revision < self.next_revision - 1:
            raise self._broken(f"was told of its progress up to {revision}, it has seen more")
        for event in self.plain.since(self.next_revision):
            if event.revision <= revision and self.wish.wants(event):
                raise self._broken(f"was told that all up to {revision} was sent, but for {event}")
        self.next_revision = revision + 1

    def _broken(self, what: str) -> BrokenPromiseError:
        return BrokenPromiseError(f"the watch of {self.wish.key!r} {what}")
