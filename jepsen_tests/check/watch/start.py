"""Start: a watch is told of nothing before the revision that it asked for, now or in the future.

One that asks for compacted history is cancelled, and told from where on it can go on; one that does
not is not cancelled for that reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.event_log import event_log_of, finding
from jepsen_tests.check.findings import judged
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import shown
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Start:
    """Checks where all watches start."""

    name: str = "watch start"

    def check(self, history: History) -> Verdict:
        """Whether each started where it was asked to."""
        streams = event_log_of(history).streams
        compactions = [
            operation
            for operation in history.by_function.get("compact", [])
            if operation.status is Status.OK and isinstance(operation.value, int)
        ]
        found = (f for stream in streams for f in _look(stream, compactions))
        return judged(self.name, found, f"{len(streams)} watches")


def _look(stream: Stream, compactions: list[Operation]) -> Iterator[Finding]:
    yield from _too_early(stream)
    yield from _cancelled_for_nothing(stream)
    yield from _not_cancelled(stream, compactions)


def _too_early(stream: Stream) -> Iterator[Finding]:
    for event, response, _batch in stream.deliveries:
        if event["mod_revision"] < stream.start:
            yield finding(
                f"The {shown(stream)} was told of revision {event['mod_revision']} "
                f"({event['key']!r}).",
                stream.request,
                response,
            )


def _cancelled_for_nothing(stream: Stream) -> Iterator[Finding]:
    """The first revision it still needed must be a compacted one."""
    for response in stream.responses:
        compacted = response.compact_revision
        if not compacted:
            continue
        # Where the watch waits in the future, no compaction can have reached it.
        needed = max(stream.end + 1, stream.start)
        if not response.canceled:
            what = f"The {shown(stream)} was told that revision {compacted} is compacted, but not "
            yield finding(f"{what}cancelled.", response)
        elif needed >= compacted:
            yield finding(
                f"The {shown(stream)} was cancelled because of the compaction of revision "
                f"{compacted}, but needed only revision {needed} and later.",
                response,
                stream.deliveries[-1].response if stream.deliveries else None,
            )


def _not_cancelled(stream: Stream, compactions: list[Operation]) -> Iterator[Finding]:
    request = stream.request
    if not request.start_revision or not request.requested_ns:
        return
    for operation in compactions:
        returned, revision = operation.return_ns, operation.value
        assert returned is not None, "it is ok, so it returned"
        assert isinstance(revision, int), "others were left out"
        # Another member may not have heard of the compaction yet.
        is_known = operation.member == request.member and returned < request.requested_ns
        if is_known and request.start_revision < revision and stream.deliveries:
            what = f"The {shown(stream)} was served, though revision {revision} was compacted"
            yield finding(f"{what} before it was asked for.", operation, stream.responses[0])
            return


START = Start()
