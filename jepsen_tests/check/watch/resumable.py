"""Resumable: a watch that starts at a revision has the first event from there on as its first.

A client whose watch broke begins again at the revision after the last that it saw; if no watch
misses anything after its start, and none is told of anything before it (`start`), then no resumed
one misses or doubles anything.
"""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, log: EventLog) -> Iterator[Finding]:
    first = stream.first
    if first is None or not stream.start:
        return
    revision = first.event["mod_revision"]
    for event in log.within(stream, stream.start, revision - 1):
        if (event.revision, event.key) not in stream.delivered:
            yield finding(
                f"The {shown(stream)} began with revision {revision} and was never told of the "
                f"{event.kind} of {event.key!r} at revision {event.revision}.",
                event.source,
                first.response,
            )


RESUMABLE = Guarantee("watch resumable", _look)
