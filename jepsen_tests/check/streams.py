"""The watches of a history, each as the one stream of responses that its client received."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from jepsen_tests.check.effects import DELETE, PUT, covers
from jepsen_tests.history import Event, History, WatchEvents


class Delivery(NamedTuple):
    """An event and the response that brought it."""

    event: Event
    response: WatchEvents
    batch: int
    """Which list of events it was in; the fragments of one list count as one."""


@dataclass(slots=True)
class Stream:
    """One watch, from its creation until it was cancelled or given up."""

    request: WatchEvents
    """The first response, which repeats what was asked for."""
    responses: list[WatchEvents] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    delivered: set[tuple[int, str]] = field(default_factory=set)
    """(revision, key) of all events."""
    bookmarks: list[tuple[int, WatchEvents]] = field(default_factory=list)
    """Progress notifications, each with how many events had come before it."""
    batches: int = 0
    highest: int = 0
    """The highest revision of all events."""
    is_ordered: bool = True
    """Whether each event is of the revision of the one before, or of a later one."""

    def take(self, response: WatchEvents) -> None:
        """The next response."""
        self.responses.append(response)
        if not response.events and _is_bookmark(response):
            self.bookmarks.append((len(self.deliveries), response))
        for event in response.events:
            self.deliveries.append(Delivery(event, response, self.batches))
            revision = event["mod_revision"]
            self.delivered.add((revision, event["key"]))
            if revision > self.highest:
                self.highest = revision
            elif revision < self.highest:
                self.is_ordered = False
        if not response.fragment:
            self.batches += 1

    @property
    def start(self) -> int:
        """The first revision that it is about; 0 where that is not known."""
        if self.request.start_revision:
            return self.request.start_revision
        return self.request.revision + 1 if self.request.created else 0

    @property
    def end(self) -> int:
        """It vouches for all revisions up to this one."""
        marked = self.bookmarks[-1][1].revision if self.bookmarks else 0
        return max(self.highest, marked, self.start - 1)

    @property
    def first(self) -> Delivery | None:
        """The first event."""
        return self.deliveries[0] if self.deliveries else None

    @property
    def is_filtered(self) -> bool:
        """Whether it sees only puts or only deletes."""
        return bool(self.request.filters)

    @property
    def is_everything(self) -> bool:
        """Whether it sees every change of every key."""
        request = self.request
        return not self.is_filtered and request.key in {"", "\0"} and request.range_end == "\0"

    def wants(self, key: str, kind: str) -> bool:
        """Whether it asked for such an event."""
        request = self.request
        if (kind == PUT and "NOPUT" in request.filters) or (
            kind == DELETE and "NODELETE" in request.filters
        ):
            return False
        return covers(request.key, request.range_end, key)

    def fresh(self) -> Iterator[tuple[Delivery, int]]:
        """The events that it had not delivered before, each with the highest revision so far."""
        seen: set[tuple[int, str]] = set()
        is_unique = len(self.delivered) == len(self.deliveries)
        highest = 0
        for delivery in self.deliveries:
            revision = delivery.event["mod_revision"]
            if is_unique:
                yield delivery, highest
            elif (at := (revision, delivery.event["key"])) not in seen:
                seen.add(at)
                yield delivery, highest
            highest = max(highest, revision)


def streams_of(history: History) -> list[Stream]:
    """The streams, in the order of their first responses; a watch created anew is another one."""
    streams: list[Stream] = []
    current: dict[str, Stream] = {}
    for response in history.watches:
        stream = current.get(response.watch)
        if stream is None or (response.created and not response.events):
            stream = current[response.watch] = Stream(response)
            streams.append(stream)
        stream.take(response)
    return streams


def _is_bookmark(response: WatchEvents) -> bool:
    return not (response.created or response.canceled or response.fragment)
