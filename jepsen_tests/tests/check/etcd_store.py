"""A tiny etcd that is right, under concurrent clients: it makes histories to check."""

import random
from dataclasses import dataclass, field
from typing import Any

from jepsen_tests.history import Event, History, Json, KeyValue, Operation, Status, WatchEvents

KEYS = ("a", "b", "c")


@dataclass
class Call:
    process: int
    function: str
    key: str
    value: Json
    call_ns: int
    is_applied: bool = False
    result: Json = None
    revision: int = 0


@dataclass
class Etcd:
    """Each call is applied at one moment between its call and its return."""

    seed: int
    clients: int = 5
    unknown: float = 0.0
    """The share of calls that get no answer, applied or not."""
    functions: tuple[str, ...] = ("put", "delete", "read", "range", "cas", "txn", "guarded")
    revision: int = 1
    keys: dict[str, KeyValue] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    events: list[list[Event]] = field(default_factory=list)
    now_ns: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.calls: list[Call] = []
        self.processes = 0
        self.values = 0

    def run(self, operations: int) -> list[Operation]:
        while len(self.operations) < operations:
            self.now_ns += 1
            if len(self.calls) < self.clients and self.chance.random() < 0.5:
                self._call()
            elif self.calls:
                self._go_on(self.chance.choice(self.calls))
        while self.calls:
            self.now_ns += 1
            self._go_on(self.calls[0])
        return self.operations

    def history(self, *, watched: bool) -> History:
        """With a watch on everything, if that is asked for."""
        history = History(self.operations)
        for events in self.events if watched else ():
            history.append(
                WatchEvents(
                    watch="w",
                    member="m1",
                    received_ns=0,
                    start_revision=1,
                    key="\0",
                    range_end="\0",
                    filters=[],
                    prev_kv=False,
                    progress_notify=False,
                    revision=events[-1]["mod_revision"],
                    events=events,
                )
            )
        return history

    def _call(self) -> None:
        function = self.chance.choice(self.functions)
        key = self.chance.choice(KEYS)
        value: Json = None
        match function:
            case "put":
                value = self._new_value()
            case "cas":
                held = self.keys.get(key)
                value = [held["value"] if held else None, self._new_value()]
            case "range" if self.chance.random() < 0.5:
                key, value = "a", {"range_end": "d"}
            case "txn":
                keys = sorted(self.chance.sample(KEYS, 2))
                value = [["r", keys[0], None], ["w", keys[1], self._new_value()]]
                key = ""
            case "guarded":
                held = self.keys.get(key)
                seen = held["mod_revision"] if held else 0
                change: Json = ["w", key, self._new_value()]
                if held and self.chance.random() < 0.3:
                    change = ["d", key, None]
                value = {
                    "compare": [["mod_revision", key, "=", seen]],
                    "then": [change],
                    "else": [["r", key, None]],
                }
                function, key = "txn", ""
            case _:
                pass
        self.processes += 1
        self.calls.append(Call(self.processes, function, key, value, self.now_ns))

    def _new_value(self) -> str:
        self.values += 1
        return f"v{self.values}"

    def _go_on(self, call: Call) -> None:
        is_lost = self.chance.random() < self.unknown
        if not call.is_applied and not is_lost:
            call.is_applied = True
            self._apply(call)
            call.revision = self.revision
            return
        self.calls.remove(call)
        self.operations.append(
            Operation(
                process=call.process,
                function=call.function,
                key=call.key,
                value=call.value,
                result=None if is_lost else call.result,
                call_ns=call.call_ns,
                return_ns=None if is_lost else self.now_ns,
                status=Status.INFO if is_lost else Status.OK,
                revision=0 if is_lost else call.revision,
            )
        )

    def _apply(self, call: Call) -> None:
        match call.function:
            case "put":
                self._commit({call.key: call.value})
            case "delete":
                call.result = int(call.key in self.keys)
                if call.result:
                    self._commit({call.key: None})
            case "read":
                call.result = self._value(call.key)
            case "range":
                keys = [call.key] if call.value is None else sorted(self.keys)
                found: list[Any] = [self.keys[key] for key in keys if key in self.keys]
                call.result = [dict(kv) for kv in found]
            case "cas":
                assert isinstance(call.value, list)
                call.result = self._value(call.key) == call.value[0]
                if call.result:
                    self._commit({call.key: call.value[1]})
            case "txn" if isinstance(call.value, dict):
                self._apply_guarded(call, call.value)
            case _:
                parts: Any = call.value
                (_, read, _), (_, written, value) = parts
                call.result = [["r", read, self._value(read)], ["w", written, value]]
                self._commit({written: value})

    def _apply_guarded(self, call: Call, value: Any) -> None:  # noqa: ANN401 - as it was made
        ((_, key, _, seen),) = value["compare"]
        held = self.keys.get(key)
        has_succeeded = seen == (held["mod_revision"] if held else 0)
        done: list[Json] = [["r", key, self._value(key)]]
        if has_succeeded:
            ((verb, _, new),) = value["then"]
            done = [[verb, key, new]]
            self._commit({key: new})
        call.result = {"succeeded": has_succeeded, "operations": done}

    def _value(self, key: str) -> Json:
        return self.keys[key]["value"] if key in self.keys else None

    def _commit(self, changes: dict[str, Json]) -> None:
        self.revision += 1
        events: list[Event] = []
        for key, value in changes.items():
            old = self.keys.pop(key, None)
            kv = KeyValue(
                key=key,
                value="" if value is None else str(value),
                create_revision=0,
                mod_revision=self.revision,
                version=0,
                lease=0,
            )
            if value is not None:
                kv["create_revision"] = old["create_revision"] if old else self.revision
                kv["version"] = old["version"] + 1 if old else 1
                self.keys[key] = kv
            event_type = "DELETE" if value is None else "PUT"
            events.append(Event(type=event_type, prev=None, **kv))
        self.events.append(events)
