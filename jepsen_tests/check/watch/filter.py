"""Filter: a watch gets events of the keys it asked for, and of the kinds it did not filter out."""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    for event, response, _batch in stream.deliveries:
        if not stream.wants(event["key"], event["type"]):
            yield finding(
                f"The {shown(stream)}, filters {stream.request.filters}, was told of a "
                f"{event['type']} of {event['key']!r} at revision {event['mod_revision']}.",
                response,
            )


FILTER = Guarantee("watch filter", _look)
