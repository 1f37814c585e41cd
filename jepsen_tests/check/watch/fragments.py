"""Fragments: a list of events that is cut into several responses is told to its end.

Nothing else comes between its parts, and all of them carry the same revision in their header.
"""

from collections.abc import Iterator
from itertools import pairwise

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    for part, following in pairwise(stream.responses):
        if not part.fragment:
            continue
        is_rest = bool(following.events) and following.revision == part.revision
        if not is_rest or following.canceled:
            what = f"The {shown(stream)} got a fragment at revision {part.revision}, and then "
            yield finding(f"{what}something else than the rest of it.", part, following)


FRAGMENTS = Guarantee("watch fragments", _look)
