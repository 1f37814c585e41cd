"""Watches that want the same: events are collected, encoded and joined once for all of them."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from raftkv.watch.watcher import Watcher


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
