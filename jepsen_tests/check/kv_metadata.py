"""Metadata of keys: what etcd's documentation says of version, create and mod revision.

A key's version is 1 when it is created and grows by one with each put; its create revision stays
until it is deleted; nothing carries a revision that the store has not reached.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.effects import DELETE
from jepsen_tests.check.event_log import (
    EventLog,
    LogEvent,
    event_log_of,
    finding,
    key_values_of,
)
from jepsen_tests.check.findings import judged
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class KvMetadata:
    """Checks the metadata of every key."""

    name: str = "kv metadata"

    def check(self, history: History) -> Verdict:
        """Whether each event's metadata follows from the event before."""
        return judged(self.name, _look(history, event_log_of(history)))


def _look(history: History, log: EventLog) -> Iterator[Finding]:
    for event in log.events:
        wrong = _wrong_by_itself(event) or _wrong_after(event, event.previous)
        if wrong:
            yield finding(
                f"The {event.kind} of {event.key!r} at revision {event.revision} has version "
                f"{event.version} and create revision {event.create_revision}, but {wrong}.",
                event.source,
                event.previous.source if event.previous else None,
            )
    yield from _ahead(history)


def _wrong_by_itself(event: LogEvent) -> str:
    version, created = event.version, event.create_revision
    if event.kind == DELETE or version is None or created is None:
        return ""
    if not 1 <= created <= event.revision:
        return "a key is created at its revision or before"
    if (version == 1) != (created == event.revision):
        return "a key is created with version 1, and with no other"
    if not 1 <= version <= event.revision - created + 1:
        return "there were not so many revisions since its creation"
    return ""


def _wrong_after(event: LogEvent, previous: LogEvent | None) -> str:
    """What cannot follow from what happened to the key before."""
    was_there = previous is not None and previous.kind != DELETE
    if event.kind == DELETE:
        return "" if was_there or not event.follows else "the key did not exist"
    version, created = event.version, event.create_revision
    if version is None or created is None:
        return ""
    if previous is None or not was_there:
        is_older = previous is not None and created <= previous.revision
        is_new = version == 1
        return "the key did not exist before" if is_older or (event.follows and not is_new) else ""
    return _wrong_in_generation(event, previous, version, created)


def _wrong_in_generation(event: LogEvent, before: LogEvent, version: int, created: int) -> str:
    if before.create_revision is None or before.version is None:
        return ""
    at = f"at revision {before.revision} it had version {before.version}"
    if created != before.create_revision and (created <= before.revision or event.follows):
        return f"it was created at revision {before.create_revision}"
    if created > before.revision:
        return ""
    grown = version - before.version
    if event.follows and grown != 1:
        return f"{at}, and nothing happened in between"
    return "" if 1 <= grown <= event.revision - before.revision else at


def _ahead(history: History) -> Iterator[Finding]:
    """What carries a revision above that of the store."""
    for operation in history.by_function.get("range", []):
        if operation.status is not Status.OK or not operation.revision:
            continue
        for kv in key_values_of(operation):
            if kv["mod_revision"] > operation.revision:
                what = f"A read at revision {operation.revision} has {kv['key']!r} of revision "
                yield finding(f"{what}{kv['mod_revision']}.", operation)
    for response in history.watches:
        for event in response.events[-1:]:
            if event["mod_revision"] > response.revision > 0:
                what = f"A watch at revision {response.revision} tells of {event['key']!r} at "
                yield finding(f"{what}revision {event['mod_revision']}.", response)


KV_METADATA = KvMetadata()
