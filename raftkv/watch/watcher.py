"""One watch, the client's stream it belongs to, and the audience it shares events with."""

from enum import Enum, auto
from typing import NamedTuple, Protocol

from raftkv.watch.ports import Sink
from raftkv.watch.request import WatchRequest
from raftkv.watch.response import watch_id_field


class WatchState(Enum):
    """Where a watch gets its next event from."""

    SYNCED = auto()
    """From the next change: it has been sent everything up to now."""
    FUTURE = auto()
    """From a revision that does not exist yet; nothing is sent below it, no progress either."""
    CATCHING_UP = auto()
    """From history."""
    WAITING = auto()
    """From history, once its stream has room again."""
    COMPACTED = auto()
    """From nowhere: its history is gone, it was cancelled; only its id is still taken."""
    ENDED = auto()
    """From nowhere: the client cancelled it, or its stream is closed."""


class Home(Protocol):
    """What a watch that gets events sits in."""

    def remove(self, watcher: "Watcher") -> None:
        """Takes the watch out."""


class Watcher:
    """One watch of a stream.

    Invariant: `index` and `audience` are set exactly while it is SYNCED or CATCHING_UP; they know
    how far it has come.
    """

    __slots__ = (
        "audience",
        "fragment",
        "id",
        "id_field",
        "index",
        "next_revision",
        "progress_due",
        "request",
        "serial",
        "skip",
        "state",
        "stream",
    )

    def __init__(self, stream: "Stream", watch_id: int, request: WatchRequest, serial: int) -> None:
        self.stream = stream
        self.id = watch_id
        self.request = request
        self.serial = serial
        """Tells watches apart in an order: that of their creation."""
        self.id_field = watch_id_field(watch_id)
        self.fragment = request.fragment
        self.next_revision = 0
        """While it is WAITING: the first revision that it has to read."""
        self.state = WatchState.ENDED
        self.index: Home | None = None
        self.audience: Audience | None = None
        self.skip = 0
        """How many of its audience's collected events are from before it joined."""
        self.progress_due = request.progress_notify
        """Whether the next progress interval reports this watch: not when events went out."""


class Stream:
    """Watches that share a stream of responses.

    Invariant: `waiting` are exactly its watches in the state WAITING; there are none while it is
    not full.
    """

    __slots__ = ("is_full", "is_open", "next_id", "serial", "sink", "waiting", "watchers")

    def __init__(self, sink: Sink, serial: int) -> None:
        self.sink = sink
        self.serial = serial
        """Tells streams apart: spreads their progress reports over time."""
        self.watchers: dict[int, Watcher] = {}
        """By watch id."""
        self.next_id = 0
        self.is_open = True
        self.is_full = False
        """The client does not keep up: its watches miss events until it does."""
        self.waiting: dict[Watcher, None] = {}

    def send(self, message: bytes) -> None:
        """Sends the answer to a request; how many there are is bounded by what the client asks."""
        self.sink.send(message)

    def free_id(self) -> int:
        """The next id that no watch of this stream has."""
        while self.next_id in self.watchers:
            self.next_id += 1
        self.next_id += 1
        return self.next_id - 1


class AudienceKey(NamedTuple):
    """What the watches of one audience have in common."""

    key: bytes
    end: bytes | None
    no_put: bool
    no_delete: bool
    prev_kv: bool


class Audience:
    """Watches of the same keys, with the same filters, that have all come equally far.

    Invariants: `events` and `revisions` are parallel, in order of revision; a watcher's `skip` is
    at most their length, and never falls from one watcher to the next (they are in the order in
    which they joined).
    """

    __slots__ = (
        "bytes",
        "events",
        "key",
        "no_delete",
        "no_put",
        "prev_kv",
        "revisions",
        "watchers",
    )

    def __init__(self, key: AudienceKey) -> None:
        self.key = key
        self.no_put = key.no_put
        self.no_delete = key.no_delete
        self.prev_kv = key.prev_kv
        self.watchers: dict[Watcher, None] = {}
        self.events: list[bytes] = []
        """Collected and not sent yet: each a whole field of a WatchResponse."""
        self.revisions: list[int] = []
        """The revision of each event."""
        self.bytes = 0
        """The length of all events."""

    def clear(self) -> None:
        """Forgets the collected events: they were sent."""
        self.events = []
        self.revisions = []
        self.bytes = 0
