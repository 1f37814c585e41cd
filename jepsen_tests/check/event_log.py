"""The true order of events by revision, joined from all that was seen of it.

Watches tell events with all their metadata, reads the put that a key-value stems from, and the
answer of a write that it happened at the revision in its header. Each source may know only a part;
where two speak of the same key at the same revision, they must agree, and if they don't, that is a
finding by itself. No source is believed more than another.

The answer of a serializable read counts too: it may be old, but never invented.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from weakref import WeakKeyDictionary

from jepsen_tests.check.effects import DELETE, PUT, WRITERS, covers, writes_of
from jepsen_tests.check.findings import FINDINGS_MAX, judged
from jepsen_tests.check.streams import Stream, streams_of
from jepsen_tests.history import Event, History, KeyValue, Operation, Status, WatchEvents
from jepsen_tests.lines import is_key_value
from jepsen_tests.verdict import Finding, Verdict

Source: TypeAlias = WatchEvents | Operation
Told: TypeAlias = tuple[str, str | None, int | None, int | None, int | None]
"""Type, value, create revision, version and lease; None for what is not known."""
_TOLD_NAMES = ("type", "value", "create_revision", "version", "lease")


@dataclass(slots=True)
class LogEvent:
    """One change of one key."""

    revision: int
    key: str
    told: Told
    source: Source
    vouched_from: int | None = None
    """Some watch saw all of this key's changes after that revision, up to this event; 0: it did
    so from the beginning. None: no watch tells."""
    previous: "LogEvent | None" = None
    """The key's event before it in the log."""

    @property
    def kind(self) -> str:
        """`PUT` or `DELETE`."""
        return self.told[0]

    @property
    def value(self) -> str | None:
        """What was put."""
        return self.told[1]

    @property
    def create_revision(self) -> int | None:
        """When the key was created."""
        return self.told[2]

    @property
    def version(self) -> int | None:
        """How many times it has been put since."""
        return self.told[3]

    @property
    def lease(self) -> int | None:
        """What it is attached to."""
        return self.told[4]

    @property
    def follows(self) -> bool:
        """Whether it is certain that nothing happened to the key since `previous`."""
        if self.vouched_from is None:
            return False
        return self.vouched_from <= (self.previous.revision if self.previous else 0)


@dataclass(slots=True)
class EventLog:
    """All events that anybody saw."""

    streams: list[Stream]
    events: list[LogEvent] = field(default_factory=list)
    """By revision; those of one revision as they were first seen."""
    by_key: dict[str, list[LogEvent]] = field(default_factory=dict)
    contradictions: list[Finding] = field(default_factory=list)
    at: dict[tuple[int, str], LogEvent] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)

    def within(self, stream: Stream, first: int, last: int) -> list[LogEvent]:
        """What the stream should see from revision `first` to `last`, both included."""
        if last < first:
            return []
        request = stream.request
        keys = self.keys_in(request.key, request.range_end)
        low = bisect_left(self.events, first, key=_revision)
        high = bisect_right(self.events, last, low, key=_revision)
        if high - low <= len(keys):
            window = self.events[low:high]
            return [event for event in window if stream.wants(event.key, event.kind)]
        found: list[LogEvent] = []
        for key in keys:
            events = self.by_key[key]
            low = bisect_left(events, first, key=_revision)
            high = bisect_right(events, last, low, key=_revision)
            found += (event for event in events[low:high] if stream.wants(key, event.kind))
        return sorted(found, key=_revision)

    def before(self, key: str, revision: int) -> LogEvent | None:
        """The last event of a key before a revision."""
        events = self.by_key.get(key, [])
        index = bisect_left(events, revision, key=_revision)
        return events[index - 1] if index else None

    def after(self, key: str, revision: int) -> LogEvent | None:
        """The first event of a key after a revision."""
        events = self.by_key.get(key, [])
        index = bisect_right(events, revision, key=_revision)
        return events[index] if index < len(events) else None

    def keys_in(self, key: str, range_end: str) -> list[str]:
        """The keys of a range, sorted."""
        if not range_end:
            return [key] if key in self.by_key else []
        low = bisect_left(self._keys, key)
        high = len(self._keys) if range_end == "\0" else bisect_left(self._keys, range_end)
        return self._keys[low:high]

    def vouched_until(self, key: str, since: int) -> int:
        """Up to which revision watches saw all that happened to a key after another one."""
        sees_all = (s for s in self.streams if 0 < s.start <= since + 1 and _sees_all_of(s, key))
        return max((stream.end for stream in sees_all), default=since)

    def has_until(self, event: LogEvent) -> int:
        """Up to which revision it is certain that nothing followed the event on its key."""
        following = self.after(event.key, event.revision)
        if following is not None and following.follows:
            return following.revision - 1
        until = self.vouched_until(event.key, event.revision)
        return until if following is None else min(until, following.revision - 1)

    def arrange(self) -> None:
        """Sorts what was collected."""
        self.events = sorted(self.at.values(), key=_revision)
        for event in self.events:
            of_key = self.by_key.setdefault(event.key, [])
            event.previous = of_key[-1] if of_key else None
            of_key.append(event)
        self._keys = sorted(self.by_key)

    def join(self, revision: int, key: str, told: Told, source: Source) -> LogEvent:
        """One source's word on one event."""
        known = self.at.get((revision, key))
        if known is None:
            known = self.at[revision, key] = LogEvent(revision, key, told, source)
        elif known.told != told:
            self._compare(known, told, source)
        return known

    def _compare(self, known: LogEvent, told: Told, source: Source) -> None:
        pairs = list(zip(known.told, told, strict=True))
        wrong = [
            f"{name} {ours!r} and {theirs!r}"
            for name, (ours, theirs) in zip(_TOLD_NAMES, pairs, strict=True)
            if ours is not None and theirs is not None and ours != theirs
        ]
        if wrong:
            who = f"{_named(known.source)} and {_named(source)} disagree"
            what = f"On {known.key!r} at revision {known.revision}, {who}: {', '.join(wrong)}."
            if len(self.contradictions) < FINDINGS_MAX:
                self.contradictions.append(finding(what, known.source, source))
            return
        known.told = cast("Told", tuple(theirs if ours is None else ours for ours, theirs in pairs))


def _named(source: Source) -> str:
    if isinstance(source, WatchEvents):
        return f"watch {source.watch!r} at {source.member or 'some member'}"
    return f"the {source.function} of process {source.process}"


def finding(what: str, *sources: Source | None, details: str = "") -> Finding:
    """A finding whose witnesses are operations and watch responses, each shown once."""
    shown = list({id(source): source for source in sources if source is not None}.values())[:8]
    operations = tuple(source for source in shown if isinstance(source, Operation))
    watches = tuple(source for source in shown if isinstance(source, WatchEvents))
    return Finding(what, operations, details, watches)


def told_by_event(event: Event) -> Told:
    """What an event of a watch says; of a deleted key there is nothing to say."""
    if event["type"] == DELETE:
        return (DELETE, "", 0, 0, 0)
    return (PUT, event["value"], event["create_revision"], event["version"], event["lease"])


def told_by_key_value(kv: KeyValue) -> Told:
    """What a key-value says of the put that it stems from."""
    return (PUT, kv["value"], kv["create_revision"], kv["version"], kv["lease"])


def key_values_of(operation: Operation) -> list[KeyValue]:
    """The key-values in an answer."""
    found = operation.result if isinstance(operation.result, list) else [operation.result]
    return [kv for kv in found if is_key_value(kv)]  # type: ignore[misc]


_LOGS: WeakKeyDictionary[History, tuple[int, int, EventLog]] = WeakKeyDictionary()


def event_log_of(history: History) -> EventLog:
    """The log of a history; made once for all checkers."""
    sizes = (len(history.operations), len(history.watches))
    known = _LOGS.get(history)
    if known is not None and known[:2] == sizes:
        return known[2]
    log = EventLog(streams_of(history))
    for stream in log.streams:
        _join_stream(log, stream)
    for operation in history.operations:
        if operation.status is Status.OK:
            _join_operation(log, operation)
    log.arrange()
    _LOGS[history] = (*sizes, log)
    return log


def _join_stream(log: EventLog, stream: Stream) -> None:
    last_of_key: dict[str, int] = {}
    is_known = not stream.is_filtered and stream.start > 0
    before = stream.start - 1
    for event, response, _ in stream.deliveries:
        revision, key = event["mod_revision"], event["key"]
        joined = log.join(revision, key, told_by_event(event), response)
        last = last_of_key.get(key)
        if last is None or last < revision:
            last_of_key[key] = revision
            vouched = before if last is None else last
            is_vouched = is_known or (last is not None and not stream.is_filtered)
            if is_vouched and (joined.vouched_from is None or vouched < joined.vouched_from):
                joined.vouched_from = vouched


def _join_operation(log: EventLog, operation: Operation) -> None:
    if operation.function in WRITERS and operation.revision:
        for write in writes_of(operation):
            told: Told = (PUT, write.value, None, None, write.lease)
            if write.kind == DELETE:
                told = (DELETE, "", 0, 0, 0)
            log.join(operation.revision, write.key, told, operation)
    elif operation.function in {"range", "observe"}:
        for kv in key_values_of(operation):
            log.join(kv["mod_revision"], kv["key"], told_by_key_value(kv), operation)


def _sees_all_of(stream: Stream, key: str) -> bool:
    request = stream.request
    return not stream.is_filtered and covers(request.key, request.range_end, key)


def _revision(event: LogEvent) -> int:
    return event.revision


@dataclass(frozen=True, slots=True)
class OneTruth:
    """All watches, reads and answers tell one and the same order of events."""

    name: str = "event log"

    def check(self, history: History) -> Verdict:
        """Whether no two sources contradict each other."""
        log = event_log_of(history)
        return judged(self.name, log.contradictions, f"{len(log.events)} events")


EVENT_LOG = OneTruth()
