"""Unique: no event comes twice on one watch."""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Delivery, Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    if len(stream.delivered) == len(stream.deliveries):
        return
    first_of: dict[tuple[int, str], Delivery] = {}
    for delivery in stream.deliveries:
        at = (delivery.event["mod_revision"], delivery.event["key"])
        first = first_of.setdefault(at, delivery)
        if first is not delivery:
            what = f"The {shown(stream)} was told twice of {at[1]!r} at revision {at[0]}."
            yield finding(what, first.response, delivery.response)


UNIQUE = Guarantee("watch unique", _look)
