"""Atomic: what happened at one revision comes in one list of events.

A list that is too long for one message travels as fragments, which count as one list here. An event
that never comes is left to `reliable`, one that comes twice to `unique`.
"""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Delivery, Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    first_of: dict[int, Delivery] = {}
    for delivery, _highest in stream.fresh():
        revision = delivery.event["mod_revision"]
        first = first_of.setdefault(revision, delivery)
        if first is not delivery and first.batch != delivery.batch:
            yield finding(
                f"The {shown(stream)} was told of revision {revision} in two parts: "
                f"{first.event['key']!r}, and later {delivery.event['key']!r}.",
                first.response,
                delivery.response,
            )


ATOMIC = Guarantee("watch atomic", _look)
