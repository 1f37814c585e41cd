"""Cancelled is final: nothing comes on a watch after the response that says so."""

from collections.abc import Iterator

from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, _: EventLog) -> Iterator[Finding]:
    cancelled = None
    for response in stream.responses:
        if cancelled is not None:
            yield finding(f"The {shown(stream)} went on after its end.", cancelled, response)
        elif response.canceled:
            cancelled = response


CANCELED = Guarantee("watch canceled", _look)
