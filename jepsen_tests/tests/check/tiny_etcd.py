"""A store like etcd, small enough to be believed: one dictionary, one list of events, one clock.

It records its own run. Operations take effect at once, at a moment within their call; watches are
told later, by hand; everything is chosen by one source of chance.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from jepsen_tests.check.effects import covers
from jepsen_tests.history import Event, History, KeyValue, Operation, Status, WatchEvents

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
OBSERVER = 1_000_000
"""The process that observes all elections."""


@dataclass
class Lease:
    ttl: int
    deadline_ns: int


@dataclass
class Watch:
    name: str
    key: str
    range_end: str
    next_revision: int
    """The first revision that it has not been told of."""
    fields: dict[str, Any]
    received_ns: int = 0
    """The last response."""


@dataclass
class Waiting:
    """A contender for a lock or an election."""

    function: str
    name: str
    key: str
    lease: int
    created: int
    call_ns: int
    owns: bool = False


@dataclass
class TinyEtcd:
    chance: random.Random
    history: History = field(default_factory=History)
    now_ns: int = SECOND
    revision: int = 1
    compacted: int = 0
    kvs: dict[str, KeyValue] = field(default_factory=dict)
    log: list[list[Event]] = field(default_factory=lambda: [[], []])
    """By revision."""
    leases: dict[int, Lease] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    process: int = 0
    watch_count: int = 0

    def later(self, longest_ns: int = 100 * MILLISECOND) -> None:
        """Lets time pass, and leases end when they are due."""
        self.now_ns += self.chance.randint(1, longest_ns)
        for number, lease in sorted(self.leases.items()):
            if lease.deadline_ns <= self.now_ns:
                self.end_lease(number)

    def did(self, function: str, key: str = "", value: Any = None, **fields: Any) -> Operation:  # noqa: ANN401
        """Records an operation that took effect just now."""
        self.process += 1
        chosen: dict[str, Any] = {
            "process": self.process,
            "call_ns": self.now_ns - self.chance.randint(1, 100 * MILLISECOND),
            "return_ns": self.now_ns + self.chance.randint(1, 100 * MILLISECOND),
            "status": Status.OK,
            "revision": self.revision,
            "member": "m1",
            **fields,
        }
        operation = Operation(function=function, key=key, value=value, **chosen)
        self.history.append(operation)
        return operation

    def write(self, puts: dict[str, tuple[str, int]], deletes: list[str]) -> int:
        """One revision with all of this; none if there is nothing to do."""
        deletes = [key for key in deletes if key in self.kvs]
        if not puts and not deletes:
            return 0
        self.revision += 1
        events: list[Event] = []
        for key, (value, lease) in puts.items():
            prev = self.kvs.get(key)
            kv: KeyValue = {
                "key": key,
                "value": value,
                "create_revision": prev["create_revision"] if prev else self.revision,
                "mod_revision": self.revision,
                "version": prev["version"] + 1 if prev else 1,
                "lease": lease,
            }
            self.kvs[key] = kv
            events.append({"type": "PUT", "prev": prev, **kv})
        for key in deletes:
            prev = self.kvs.pop(key)
            gone: KeyValue = {
                "key": key,
                "value": "",
                "create_revision": 0,
                "mod_revision": self.revision,
                "version": 0,
                "lease": 0,
            }
            events.append({"type": "DELETE", "prev": prev, **gone})
        self.log.append(events)
        return len(deletes)

    def end_lease(self, number: int) -> None:
        """Takes all its keys, at one revision."""
        del self.leases[number]
        self.write({}, [key for key, kv in self.kvs.items() if kv["lease"] == number])

    def grant(self, ttl: int) -> int:
        number = 1_000 + self.process
        self.leases[number] = Lease(ttl, self.now_ns + ttl * SECOND)
        self.did("grant", value=ttl, lease=number, result=ttl)
        return number

    def keep_alive(self, number: int) -> None:
        lease = self.leases.get(number)
        if lease is not None:
            lease.deadline_ns = self.now_ns + lease.ttl * SECOND
        self.did("keep-alive", lease=number, result=lease.ttl if lease else 0)

    def time_to_live(self, number: int) -> None:
        lease = self.leases.get(number)
        keys = [key for key, kv in self.kvs.items() if kv["lease"] == number]
        left = (lease.deadline_ns - self.now_ns) // SECOND if lease else -1
        granted = lease.ttl if lease else 0
        result: Any = {"ttl": left, "granted_ttl": granted, "keys": keys}
        self.did("time-to-live", lease=number, result=result)

    def revoke(self, number: int) -> None:
        if number in self.leases:
            self.end_lease(number)
            self.did("revoke", lease=number)

    def range(self, key: str, range_end: str, limit: int = 0) -> None:
        found: list[Any] = [
            kv for _, kv in sorted(self.kvs.items()) if covers(key, range_end, kv["key"])
        ]
        count = len(found)
        found = found[:limit] if limit else found
        self.did("range", key, range_end=range_end, limit=limit, result=found, count=count)

    def watch(self, key: str, range_end: str, start_revision: int, **fields: Any) -> Watch:  # noqa: ANN401
        self.watch_count += 1
        name = f"w{self.watch_count}"
        chosen = {"filters": [], "prev_kv": True, "progress_notify": True, **fields}
        asked: dict[str, Any] = {"start_revision": start_revision, **chosen}
        watch = Watch(name, key, range_end, start_revision or self.revision + 1, asked)
        self.watches.append(watch)
        self.tell(watch, [], created=True)
        return watch

    def deliver(self, watch: Watch, revisions: int) -> None:
        """Tells the next revisions, in one response or in fragments of it."""
        if watch.next_revision < self.compacted:
            self.tell(watch, [], canceled=True, compact_revision=self.compacted)
            self.watches.remove(watch)
            return
        last = min(self.revision, watch.next_revision + revisions - 1)
        wanted = [
            self.seen(watch, event)
            for revision in range(watch.next_revision, last + 1)
            for event in self.log[revision]
            if covers(watch.key, watch.range_end, event["key"])
            and {"PUT": "NOPUT", "DELETE": "NODELETE"}[event["type"]] not in watch.fields["filters"]
        ]
        watch.next_revision = max(watch.next_revision, last + 1)
        while wanted:
            size = self.chance.choice([len(wanted), max(1, len(wanted) // 2)])
            self.tell(watch, wanted[:size], fragment=size < len(wanted))
            wanted = wanted[size:]

    def seen(self, watch: Watch, event: Event) -> Event:
        is_compacted = event["mod_revision"] <= self.compacted
        if not watch.fields["prev_kv"] or is_compacted:
            return {**event, "prev": None}
        return event

    def progress(self, watch: Watch) -> None:
        if watch.next_revision == self.revision + 1:
            self.tell(watch, [])

    def tell(self, watch: Watch, events: list[Event], **fields: Any) -> None:  # noqa: ANN401
        took_ns = self.chance.randint(0, 50 * MILLISECOND)
        watch.received_ns = max(watch.received_ns, self.now_ns + took_ns)
        self.history.append(
            WatchEvents(
                watch=watch.name,
                member="m2",
                received_ns=watch.received_ns,
                key=watch.key,
                range_end=watch.range_end,
                revision=self.revision,
                events=events,
                **{**watch.fields, **fields},
            )
        )

    def contend(self, function: str, name: str, lease: int) -> None:
        """Stands in line; `settle` sees who has come to its head."""
        key = f"{name}/{lease}"
        if lease in self.leases and key not in self.kvs:
            self.write({key: (f"{lease}", lease)}, [])
            call_ns = self.now_ns - MILLISECOND
            self.waiting.append(Waiting(function, name, key, lease, self.revision, call_ns))

    def settle(self) -> None:
        """Answers those whose key is gone or the oldest."""
        for waiting in list(self.waiting):
            key, name = waiting.key, waiting.name
            own = self.kvs.get(key)
            line = [
                kv["create_revision"]
                for kv in self.kvs.values()
                if covers(name + "/", name + "0", kv["key"])
            ]
            if own is None or own["create_revision"] != waiting.created:
                self.waiting.remove(waiting)
                if not waiting.owns:
                    self.did(waiting.function, name, status=Status.FAIL, error="session expired")
            elif not waiting.owns and min(line) == waiting.created:
                waiting.owns = True
                result: Any = {"key": key, "create_revision": waiting.created}
                lease, call_ns = waiting.lease, waiting.call_ns
                self.did(waiting.function, name, lease=lease, result=result, call_ns=call_ns)
                if waiting.function == "campaign":
                    seen_ns = {"call_ns": self.now_ns, "return_ns": self.now_ns}
                    self.did("observe", name, result={**own}, process=OBSERVER, **seen_ns)
