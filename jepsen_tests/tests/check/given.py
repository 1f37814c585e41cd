"""Records in few words, for histories written by hand."""

from typing import Any, TypeAlias

from jepsen_tests.history import Event, History, KeyValue, Operation, Record, Status, WatchEvents
from jepsen_tests.verdict import Checker, State, Verdict

Given: TypeAlias = Any
"""A field of a record, as a test has it."""
EVERYTHING = {"key": "\0", "range_end": "\0"}


def kv(
    key: str,
    value: str,
    revision: int,
    *,
    created: int | None = None,
    version: int = 1,
    lease: int = 0,
) -> KeyValue:
    return {
        "key": key,
        "value": value,
        "create_revision": revision if created is None else created,
        "mod_revision": revision,
        "version": version,
        "lease": lease,
    }


def put(
    key: str, value: str, revision: int, *, prev: KeyValue | None = None, **metadata: Given
) -> Event:
    return {"type": "PUT", "prev": prev, **kv(key, value, revision, **metadata)}


def gone(key: str, revision: int, *, prev: KeyValue | None = None) -> Event:
    found = kv(key, "", revision, created=0, version=0)
    return {"type": "DELETE", "prev": prev, **found}


def told(*events: Event, watch: str = "w", **fields: Given) -> WatchEvents:
    """A response; its times and header follow from its last event unless they are given."""
    last = max((event["mod_revision"] for event in events), default=0)
    chosen: dict[str, Any] = {
        "member": "m1",
        "received_ns": last * 1_000 + 500,
        "start_revision": 1,
        "filters": [],
        "prev_kv": False,
        "progress_notify": False,
        "revision": last,
        **EVERYTHING,
        **fields,
    }
    return WatchEvents(watch=watch, events=list(events), **chosen)


_PROCESSES = iter(range(1_000, 1_000_000))


def did(function: str, key: str = "", value: Given = None, **fields: Given) -> Operation:
    """An operation by a process of its own; by its revision it is told when it was, if not else."""
    at = fields.get("revision", 0) * 1_000
    chosen: dict[str, Any] = {
        "process": next(_PROCESSES),
        "call_ns": at,
        "return_ns": at + 600,
        "status": Status.OK,
        **fields,
    }
    return Operation(function=function, key=key, value=value, **chosen)


def verdict(checker: Checker, *records: Record) -> Verdict:
    return checker.check(History(records))


def is_valid(checker: Checker, *records: Record) -> bool:
    found = verdict(checker, *records)
    assert found.state in {State.VALID, State.INVALID}, found
    assert (found.state is State.INVALID) == bool(found.findings)
    for each in found.findings:
        assert each.what.endswith("."), each.what
        assert len(each.operations) + len(each.watches) <= 8
    return found.state is State.VALID
