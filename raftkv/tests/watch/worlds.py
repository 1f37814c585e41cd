"""A store, streams and a reader of responses, small enough to be obviously right."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from raftkv.config import WatchConfig
from raftkv.mvcc import record
from raftkv.mvcc.revision import first_row_key, row_key
from raftkv.pb.rpc_pb2 import WatchResponse
from raftkv.watch.hub import Change, Hub
from raftkv.watch.request import WatchRequest

if TYPE_CHECKING:
    from raftkv.watch.watcher import Stream


class Event(NamedTuple):
    """One event as a client sees it."""

    revision: int
    kind: str
    key: bytes
    value: bytes
    previous: bytes | None
    """The previous value."""


class World:
    """A store with its whole history, and a hub that is told of every change."""

    def __init__(self, config: WatchConfig | None = None) -> None:
        self.revision = 1
        self.compact_revision = -1
        self.rows: list[tuple[bytes, bytes]] = []
        self.events: list[Event] = []
        """All that ever happened, with previous values as if nothing were compacted."""
        self.live: dict[bytes, tuple[int, int, bytes, bytes]] = {}
        """(create revision, version, value, row key) of each key that exists."""
        self.scans: list[int] = []
        self.hub = Hub(self, config or WatchConfig())

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        first = bisect_left(self.rows, (start,))
        end = bisect_left(self.rows, (stop,))
        found = self.rows[first : min(end, first + rows_max)]
        self.scans.append(len(found))
        return found

    def previous_row(self, key: bytes, main_revision: int) -> bytes | None:
        if main_revision - 1 < self.compact_revision:
            return None
        found = None
        for here, row in self.rows:
            if here >= first_row_key(main_revision):
                break
            if record.key_of(row) == key:
                found = row
        return None if found is None or record.is_tombstone(found) else found

    def commit(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """One transaction of puts (key, value) and deletes (key, None) of distinct keys."""
        revision = self.revision + 1
        told: list[Change] = []
        for key, value in changes:
            before = self.live.get(key)
            if value is None and before is None:
                continue
            here = row_key(revision, len(told))
            if value is None:
                assert before is not None
                del self.live[key]
                row = record.encode_tombstone(key, revision)
            else:
                create, version = (before[0], before[1] + 1) if before else (revision, 1)
                self.live[key] = (create, version, value, here)
                row = record.encode(key, create, revision, version, value, 0)
            self.rows.append((here, row))
            kind = "DELETE" if value is None else "PUT"
            previous = before[2] if before else None
            self.events.append(Event(revision, kind, key, value or b"", previous))
            told.append((key, here, row, before[3] if before else None))
        if told:
            self.revision = revision
            self.hub.notify(revision, told)

    def put(self, key: bytes, value: bytes = b"v") -> int:
        self.commit([(key, value)])
        return self.revision

    def delete(self, key: bytes) -> int:
        self.commit([(key, None)])
        return self.revision

    def compact(self, revision: int) -> None:
        """Gives up history, and removes at once what only it needed."""
        self.compact_revision = revision
        newest: dict[bytes, bytes] = {}
        for here, row in self.rows:
            if here < first_row_key(revision + 1):
                newest[record.key_of(row)] = here
        bound = first_row_key(revision)
        self.rows = [
            (here, row)
            for here, row in self.rows
            if here >= first_row_key(revision + 1)
            or (
                newest[record.key_of(row)] == here
                and (not record.is_tombstone(row) or here >= bound)
            )
        ]

    def settle(self) -> None:
        """Turns the loop until nobody has anything to read or to send."""
        self.hub.flush()
        while self.hub.catch_up():
            pass
        self.hub.flush()


@dataclass
class Client:
    """One stream of watches, and what came out of it."""

    world: World
    is_reading: bool = True
    drained_below_bytes: int = 0
    output_bytes: int = 0
    responses: list[WatchResponse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream: Stream = self.world.hub.open(self)

    def send(self, message: bytes) -> None:
        self.responses.append(WatchResponse.FromString(message))
        if not self.is_reading:
            self.output_bytes += len(message)

    def stop_reading(self) -> None:
        self.is_reading = False

    def read(self) -> None:
        """Reads all that waits."""
        self.is_reading = True
        was_above = self.output_bytes > self.drained_below_bytes
        self.output_bytes = 0
        if was_above:
            self.world.hub.drained(self.stream)

    def watch(self, key: bytes, end: bytes | None = None, start: int = 0, **more: bool) -> None:
        self.world.hub.create(self.stream, WatchRequest(key, end, start, **more))

    def take(self) -> list[WatchResponse]:
        """The responses since the last call."""
        taken, self.responses = self.responses, []
        return taken

    def take_events(self) -> list[Event]:
        """The events of the responses since the last call."""
        return [event for answer in self.take() for event in events_of(answer)]


def events_of(answer: WatchResponse) -> list[Event]:
    """The events of a response."""
    return [
        Event(
            event.kv.mod_revision,
            "DELETE" if event.type else "PUT",
            event.kv.key,
            event.kv.value,
            event.prev_kv.value if event.HasField("prev_kv") else None,
        )
        for event in answer.events
    ]
