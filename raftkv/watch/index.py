"""Watches by what they watch: the audiences that a changed key concerns."""

from raftkv.watch.range_index import RangeIndex
from raftkv.watch.watcher import Audience, AudienceKey, Watcher


class WatchIndex:
    """Watches that are equally far, sorted into audiences; finds the audiences of a key."""

    def __init__(self) -> None:
        self.watcher_count = 0
        self._clear()

    def match(self, key: bytes) -> tuple[Audience, ...]:
        """The audiences that watch `key`."""
        exact = self._by_key.get(key, ())
        return exact + self._ranges.match(key) if self._bounds else exact

    def add(self, watcher: Watcher) -> None:
        """Lets a watch join its audience, from the next event on."""
        request = watcher.request
        key = AudienceKey(
            request.key, request.end, request.no_put, request.no_delete, request.prev_kv
        )
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(key)
            if key.end is None:
                self._by_key[key.key] = (*self._by_key.get(key.key, ()), audience)
            else:
                self._ranges.add(key.key, key.end, audience)
        audience.watchers[watcher] = None
        watcher.audience = audience
        watcher.index = self
        watcher.skip = len(audience.events)
        self.watcher_count += 1

    def remove(self, watcher: Watcher) -> None:
        """Takes a watch out of its audience."""
        audience = watcher.audience
        assert audience is not None, f"watch {watcher.id} is in no audience"
        watcher.audience = watcher.index = None
        watcher.skip = 0
        self.watcher_count -= 1
        del audience.watchers[watcher]
        if not audience.watchers:
            self._remove_audience(audience)

    def dissolve(self) -> list[Watcher]:
        """Lets every watch go; the index is empty then."""
        watchers = [watcher for here in self._audiences.values() for watcher in here.watchers]
        for watcher in watchers:
            watcher.audience = watcher.index = None
            watcher.skip = 0
        self._clear()
        return watchers

    def absorb(self, other: "WatchIndex") -> None:
        """Takes over every watch of another index."""
        for watcher in other.dissolve():
            self.add(watcher)

    def _clear(self) -> None:
        self._audiences: dict[AudienceKey, Audience] = {}
        self._by_key: dict[bytes, tuple[Audience, ...]] = {}
        self._ranges = RangeIndex()
        self._bounds = self._ranges.bounds
        self.watcher_count = 0

    def _remove_audience(self, audience: Audience) -> None:
        key = audience.key
        del self._audiences[key]
        if key.end is not None:
            self._ranges.remove(key.key, key.end, audience)
            return
        others = tuple(other for other in self._by_key[key.key] if other is not audience)
        if others:
            self._by_key[key.key] = others
        else:
            del self._by_key[key.key]
