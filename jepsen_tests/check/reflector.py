"""Reflectors: a cache that lists once and then follows a watch ends equal to the store.

That is how Kubernetes' clients see it. The caches that a workload kept are facts named `reflector`,
each {"name", "key", "range_end", "revision", "kvs": [KeyValue...]}, which must be complete up to
that revision. Besides, each list that a watch of the same range continues at the next revision is
such a cache, and is followed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.effects import DELETE
from jepsen_tests.check.event_log import EventLog, event_log_of, finding, key_values_of
from jepsen_tests.check.findings import judged
from jepsen_tests.check.streams import Stream
from jepsen_tests.history import History, KeyValue, Operation, Status
from jepsen_tests.lines import is_key_value
from jepsen_tests.verdict import Finding, Verdict


@dataclass(slots=True)
class _Cache:
    """What a reflector holds, and up to which revision."""

    name: str
    key: str
    range_end: str
    revision: int
    kvs: dict[str, KeyValue]
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Reflectors:
    """Compares caches with what was read last."""

    name: str = "reflector"

    def check(self, history: History) -> Verdict:
        """Whether every cache ended equal to the store."""
        log = event_log_of(history)
        lists = _lists(history)
        told = [cache for cache in map(_told, _facts(history)) if cache is not None]
        followed = list(_followed(log, lists))
        note = f"{len(told)} caches told, {len(followed)} followed"
        found = (f for cache in [*told, *followed] for f in _compare(cache, lists, log))
        return judged(self.name, found, note)


def _lists(history: History) -> dict[tuple[str, str], list[Operation]]:
    """Complete reads of the newest state, by range, the oldest first."""
    lists: dict[tuple[str, str], list[Operation]] = {}
    for operation in history.by_function.get("range", []):
        is_whole = not operation.limit and not operation.at_revision
        is_answered = operation.status is Status.OK and operation.revision
        if is_whole and is_answered and isinstance(operation.result, list):
            lists.setdefault((operation.key, operation.range_end), []).append(operation)
    for found in lists.values():
        found.sort(key=lambda operation: operation.revision)
    return lists


def _followed(log: EventLog, lists: dict[tuple[str, str], list[Operation]]) -> Iterator[_Cache]:
    listed = {
        (*where, operation.revision): operation
        for where, found in lists.items()
        for operation in found
    }
    for stream in log.streams:
        request = stream.request
        begin = listed.get((request.key, request.range_end, request.start_revision - 1))
        if begin is not None and not stream.is_filtered:
            cache = _begun(stream, begin)
            _follow(cache, stream)
            yield cache


def _begun(stream: Stream, begin: Operation) -> _Cache:
    request = stream.request
    kvs = {kv["key"]: kv for kv in key_values_of(begin)}
    name = f"the list at revision {begin.revision} and watch {request.watch!r}"
    return _Cache(name, request.key, request.range_end, begin.revision, kvs, begin)


def _follow(cache: _Cache, stream: Stream) -> None:
    for event, _response, _batch in stream.deliveries:
        if event["type"] == DELETE:
            cache.kvs.pop(event["key"], None)
        else:
            cache.kvs[event["key"]] = {
                "key": event["key"],
                "value": event["value"],
                "create_revision": event["create_revision"],
                "mod_revision": event["mod_revision"],
                "version": event["version"],
                "lease": event["lease"],
            }
    cache.revision = max(cache.revision, stream.end)


def _compare(
    cache: _Cache, lists: dict[tuple[str, str], list[Operation]], log: EventLog
) -> Iterator[Finding]:
    """With the last read; what happened after either of the two isn't held against the other."""
    reads = lists.get((cache.key, cache.range_end), [])
    if not reads or reads[-1] is cache.operation:
        return
    read = reads[-1]
    store = {kv["key"]: kv for kv in key_values_of(read)}
    until = min(cache.revision, read.revision)
    for key in sorted(cache.kvs.keys() | store.keys()):
        ours, theirs = cache.kvs.get(key), store.get(key)
        if ours != theirs and not _changed_after(log, key, until, ours, theirs):
            yield finding(
                f"The cache of {cache.name} has {_shown(ours)} of {key!r} at revision "
                f"{cache.revision}, the store has {_shown(theirs)} at {read.revision}.",
                cache.operation,
                read,
            )


def _changed_after(
    log: EventLog, key: str, until: int, ours: KeyValue | None, theirs: KeyValue | None
) -> bool:
    newest = max(kv["mod_revision"] if kv is not None else 0 for kv in (ours, theirs))
    return newest > until or log.after(key, until) is not None


def _shown(kv: KeyValue | None) -> str:
    return f"{kv['value']!r} of revision {kv['mod_revision']}" if kv is not None else "nothing"


def _facts(history: History) -> Iterator[dict[str, object]]:
    for fact in history.facts:
        if fact.name == "reflector" and isinstance(fact.value, dict):
            yield dict(fact.value)


def _told(value: dict[str, object]) -> _Cache | None:
    kvs, revision = value.get("kvs"), value.get("revision")
    if not isinstance(kvs, list) or not isinstance(revision, int):
        return None
    whole: list[KeyValue] = [kv for kv in kvs if is_key_value(kv)]
    name, key = str(value.get("name", "")), str(value.get("key", ""))
    held = {kv["key"]: kv for kv in whole}
    return _Cache(name, key, str(value.get("range_end", "")), revision, held)


REFLECTORS = Reflectors()
