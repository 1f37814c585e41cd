"""Ordered: events come by revision; none comes after one of a later revision.

An event that comes a second time is left to `unique`, so that one fault is told once.
"""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.history import WatchEvents
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    if stream.is_ordered:
        return
    for (event, response, _batch), highest in stream.fresh():
        if event["mod_revision"] < highest:
            yield finding(
                f"The {shown(stream)} was told of revision {event['mod_revision']} "
                f"({event['key']!r}) after revision {highest}.",
                _bringer(stream, highest),
                response,
            )


def _bringer(stream: Stream, revision: int) -> WatchEvents | None:
    return next(
        (d.response for d in stream.deliveries if d.event["mod_revision"] == revision), None
    )


ORDERED = Guarantee("watch ordered", _look)
