"""Which keys hung on which lease, and what ended them, along the event log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from jepsen_tests.check.effects import DELETE, WRITERS, is_write, keys_deleted, may_delete
from jepsen_tests.check.event_log import EventLog, LogEvent
from jepsen_tests.history import History, Operation, Status


@dataclass(slots=True)
class Ending:
    """Keys of one lease that were deleted at one revision, by no request that deletes keys."""

    lease: int
    revision: int
    deleted: list[LogEvent]
    """Those that went."""
    attached: dict[str, LogEvent]
    """All that hung on the lease, with the puts that attached them."""


@dataclass(slots=True)
class Deleters:
    """The operations that may have deleted a key."""

    at: dict[int, Operation] = field(default_factory=dict)
    """Those that wrote, by their revisions."""
    of_key: dict[str, list[Operation]] = field(default_factory=dict)
    """Those of unknown revision that name one key."""
    wide: list[Operation] = field(default_factory=list)
    """Those of unknown revision that name more."""

    def explain(self, event: LogEvent) -> bool:
        """Whether some operation of a client explains that the key is gone."""
        known = self.at.get(event.revision)
        if known is not None:
            return True
        candidates = [*self.of_key.get(event.key, ()), *self.wide]
        return any(may_delete(operation, event.key) for operation in candidates)


def deleters_of(history: History) -> Deleters:
    """What may have deleted something."""
    deleters = Deleters()
    for operation in history.operations:
        is_ok = operation.status is Status.OK
        if operation.function in WRITERS and is_ok and operation.revision:
            if is_write(operation):
                deleters.at[operation.revision] = operation
            elif operation.function == "txn":
                _add_keys(deleters, operation)
        elif operation.function == "delete" and operation.status is not Status.FAIL:
            _add(deleters, operation, operation.key)
        elif operation.function in {"release", "resign"} and operation.status is not Status.FAIL:
            _add(deleters, operation, str(operation.value or ""))
        elif operation.function == "txn" and operation.status is not Status.FAIL:
            _add_keys(deleters, operation)
        elif operation.function in {"acquire", "campaign"} and not is_ok:
            deleters.wide.append(operation)
    return deleters


def _add_keys(deleters: Deleters, operation: Operation) -> None:
    for key in keys_deleted(operation):
        _add(deleters, operation, key)


def _add(deleters: Deleters, operation: Operation, key: str) -> None:
    if key and not operation.range_end:
        deleters.of_key.setdefault(key, []).append(operation)
    else:
        deleters.wide.append(operation)


def endings_of(log: EventLog, deleters: Deleters) -> Iterator[Ending]:
    """The endings of leases, by revision. A key is told of once it is attached for certain."""
    lease_of: dict[str, LogEvent] = {}
    keys_of: dict[int, dict[str, LogEvent]] = {}
    for revision, events in groupby(log.events, key=attrgetter("revision")):
        ended: dict[int, Ending] = {}
        for event in events:
            attached = lease_of.pop(event.key, None)
            lease = attached.lease if attached is not None else None
            if attached is not None and lease:
                keys = keys_of[lease]
                if event.kind == DELETE and event.follows and not deleters.explain(event):
                    if lease not in ended:
                        ended[lease] = Ending(lease, revision, [], dict(keys))
                    ended[lease].deleted.append(event)
                del keys[event.key]
            if event.kind != DELETE and event.lease:
                lease_of[event.key] = event
                keys_of.setdefault(event.lease, {})[event.key] = event
        yield from ended.values()
