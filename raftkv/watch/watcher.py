"""One watch: what it wants to see, and how far it has come."""

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from raftkv.watch.response import watch_id_field

if TYPE_CHECKING:
    from raftkv.watch.audience import Audience
    from raftkv.watch.index import WatchIndex
    from raftkv.watch.stream import Stream


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


class WatchRequest(NamedTuple):
    """What a client asked for, checked."""

    key: bytes
    end: bytes | None
    """None: the single key; `FROM_KEY`: every key from `key` on; otherwise the keys below `end`."""
    start_revision: int = 0
    """The first revision wanted; 0: from now on."""
    watch_id: int = 0
    """0: the stream's next free id."""
    no_put: bool = False
    no_delete: bool = False
    prev_kv: bool = False
    progress_notify: bool = False
    fragment: bool = False


FROM_KEY = b"\0"
"""A range end that stands for no end, as in etcd's requests."""


class Watcher:
    """One watch of a stream.

    Invariants: `index` and `audience` are set exactly while it is SYNCED or CATCHING_UP, and then
    they know how far it is; `next_revision` is exact while it is FUTURE or WAITING.
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
        "start_revision",
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
        self.start_revision = request.start_revision
        self.next_revision = 0
        """Nothing below it is sent."""
        self.state = WatchState.ENDED
        self.index: WatchIndex | None = None
        self.audience: Audience | None = None
        self.skip = 0
        """How many of its audience's collected events are from before it joined."""
        self.progress_due = request.progress_notify
        """Whether the next progress interval reports this watch: not when events went out."""
