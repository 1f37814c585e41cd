"""Bookmarkable: a progress notification of a revision says that all up to there was delivered.

So nothing at or below it comes later, and nothing of it is missing for good.
"""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, log: EventLog) -> Iterator[Finding]:
    yield from _later(stream)
    yield from _missing(stream, log)


def _later(stream: Stream) -> Iterator[Finding]:
    if not stream.bookmarks:
        return
    seen: set[tuple[int, str]] = set()
    bookmarks = iter(stream.bookmarks)
    upcoming = next(bookmarks, None)
    passed = None
    for position, (event, response, _batch) in enumerate(stream.deliveries):
        while upcoming is not None and upcoming[0] <= position:
            if passed is None or upcoming[1].revision > passed.revision:
                passed = upcoming[1]
            upcoming = next(bookmarks, None)
        at = (event["mod_revision"], event["key"])
        if passed is not None and at[0] <= passed.revision and at not in seen:
            yield finding(
                f"The {shown(stream)} was told of revision {at[0]} ({at[1]!r}) after a progress "
                f"notification of revision {passed.revision}.",
                passed,
                response,
            )
        seen.add(at)


def _missing(stream: Stream, log: EventLog) -> Iterator[Finding]:
    if not stream.bookmarks or not stream.start:
        return
    bookmark = max((response for _, response in stream.bookmarks), key=lambda r: r.revision)
    last = max(stream.highest, stream.start - 1)
    for event in log.within(stream, last + 1, bookmark.revision):
        yield finding(
            f"The {shown(stream)} got a progress notification of revision {bookmark.revision}, "
            f"but was never told of the {event.kind} of {event.key!r} at {event.revision}.",
            event.source,
            bookmark,
        )


BOOKMARKABLE = Guarantee("watch bookmarkable", _look)
