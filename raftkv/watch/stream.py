"""One client's stream of watches: their ids, and whether the client keeps up."""

from typing import TYPE_CHECKING

from raftkv.watch.ports import Sink

if TYPE_CHECKING:
    from raftkv.watch.watcher import Watcher


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
