"""Previous key-value: an event tells what the key was before, if the watch asked for it.

Only a compaction that took the previous revision away excuses an event without it. A watch that did
not ask gets none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.compactions import compacted_until
from jepsen_tests.check.effects import DELETE
from jepsen_tests.check.event_log import (
    EventLog,
    LogEvent,
    event_log_of,
    finding,
    told_by_key_value,
)
from jepsen_tests.check.findings import judged
from jepsen_tests.check.streams import Delivery, Stream
from jepsen_tests.check.watch.guarantee import shown
from jepsen_tests.history import Event, History, KeyValue
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class PrevKv:
    """Checks the previous key-values of all watches."""

    name: str = "watch prev_kv"

    def check(self, history: History) -> Verdict:
        """Whether each is what the key was before."""
        log = event_log_of(history)
        compacted = compacted_until(history)
        found = (
            finding
            for stream in log.streams
            for delivery in stream.deliveries
            for finding in _look(stream, delivery, log, compacted)
        )
        return judged(self.name, found, f"{len(log.streams)} watches")


def _look(stream: Stream, delivery: Delivery, log: EventLog, compacted: int) -> Iterator[Finding]:
    event, response, _ = delivery
    prev, revision = event["prev"], event["mod_revision"]
    before = log.at[revision, event["key"]].previous
    if prev is None:
        # The key-value before revision r is read at r - 1.
        excused = not response.prev_kv or revision <= compacted
        wrong = "" if excused or not _existed(event, log) else "nothing, though the key existed"
    elif not response.prev_kv:
        wrong = "something that was not asked for"
    else:
        wrong = _untrue(event, prev, before)
    if wrong:
        yield finding(
            f"The {shown(stream)} was told, as what came before revision {revision} of "
            f"{event['key']!r}: {wrong}.",
            response,
            before.source if before else None,
            details=f"prev: {prev}",
        )


def _existed(event: Event, log: EventLog) -> bool:
    """Whether it is certain that the key was there before."""
    if event["type"] == DELETE or event["version"] > 1:
        return True
    joined = log.at[event["mod_revision"], event["key"]]
    previous = joined.previous
    return joined.follows and previous is not None and previous.kind != DELETE


def _untrue(event: Event, prev: KeyValue, before: LogEvent | None) -> str:
    """What is wrong with it, if anything is."""
    revision, expected = event["mod_revision"], event["version"] - 1
    is_put = event["type"] != DELETE
    if prev["key"] != event["key"] or prev["mod_revision"] >= revision:
        return f"{prev['key']!r} at revision {prev['mod_revision']}"
    if is_put and prev["version"] != expected:
        return f"version {prev['version']}, where {expected} is due"
    if is_put and prev["create_revision"] != event["create_revision"]:
        return f"a key that was created at {prev['create_revision']}"
    return "" if before is None else _unlike(prev, before)


def _unlike(prev: KeyValue, before: LogEvent) -> str:
    """Where it differs from the last that is known of the key."""
    if before.revision > prev["mod_revision"]:
        return f"revision {prev['mod_revision']}, where {before.revision} is the last"
    told = told_by_key_value(prev)
    if before.revision < prev["mod_revision"] or before.told == told:
        return ""
    pairs = zip(before.told, told, strict=True)
    if all(ours is None or ours == theirs for ours, theirs in pairs):
        return ""
    return f"not what was written at revision {before.revision}, {before.told}"


PREV_KV = PrevKv()
