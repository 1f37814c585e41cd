"""Reliable: between its first and its last event, a watch has every event that anybody knows of.

What is missing before its first event is a matter of `resumable`, what is missing behind its last
one of `bookmarkable`: events may be late for ever, but not once a bookmark has been set.
"""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.history import WatchEvents
from jepsen_tests.verdict import Finding


def _look(stream: Stream, log: EventLog) -> Iterator[Finding]:
    if not stream.deliveries:
        return
    first = stream.deliveries[0].event["mod_revision"]
    for event in log.within(stream, max(first, stream.start), stream.highest):
        if (event.revision, event.key) not in stream.delivered:
            yield finding(
                f"The {shown(stream)} was never told of the {event.kind} of {event.key!r} at "
                f"revision {event.revision}, but of revisions {first} and {stream.highest}.",
                event.source,
                *_around(stream, event.revision),
            )


def _around(stream: Stream, revision: int) -> list[WatchEvents]:
    """The responses with the last event before a revision, and the first after it."""
    after = (d.response for d in stream.deliveries if d.event["mod_revision"] >= revision)
    later = next(after, None)
    earlier = [d.response for d in stream.deliveries if d.event["mod_revision"] < revision][-1:]
    return [*earlier, *([later] if later else [])]


RELIABLE = Guarantee("watch reliable", _look)
