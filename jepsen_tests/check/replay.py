"""etcd's keys, replayed one operation after the other in the order of their revisions.

Each answer is held against the keys as they stand. What does not agree is a `Mismatch`; the replay
then believes the answer, so that one wrong answer is told once.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jepsen_tests.check.etcd_operations import (
    Span,
    expected_and_new,
    key_values,
    plain,
    span,
)
from jepsen_tests.check.transactions import Guard, Transaction, transaction_of
from jepsen_tests.check.words import shown
from jepsen_tests.history import Json, Operation


class Held:
    """A key as it stands; version 0: it is not there."""

    __slots__ = ("create_revision", "mod_revision", "value", "version", "writer")

    def __init__(self) -> None:
        self.value: Json = None
        self.version = 0
        self.create_revision = 0
        self.mod_revision = 0
        self.writer: Operation | None = None

    def believe(self, kv: dict[str, Any] | None) -> None:
        """Becomes what was read; None is a key that is not there."""
        self.value = kv["value"] if kv else None
        self.version = kv["version"] if kv else 0
        self.create_revision = kv["create_revision"] if kv else 0
        if kv:
            self.mod_revision = kv["mod_revision"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An answer that is not what the keys say."""

    key: str
    operation: Operation
    writer: Operation | None
    """Who wrote the key last, before it."""
    what: str
    span: Span | None = None
    """Other keys that may be why."""


class Replay:
    """The keys, and what did not agree with them."""

    def __init__(self, on_mismatch: Callable[[Mismatch], None]) -> None:
        self.held: dict[str, Held] = {}
        self._sorted_keys: list[str] = []
        self._on_mismatch = on_mismatch
        self._apply: dict[str, Callable[[Operation], None]] = {
            "read": self._read,
            "range": self._range,
            "write": self._put,
            "put": self._put,
            "append": self._append,
            "cas": self._cas,
            "delete": self._delete,
            "txn": self._txn,
            "told": self._told,
        }

    def apply(self, operation: Operation) -> None:
        """Takes the next operation."""
        self._apply[operation.function](operation)

    def _read(self, operation: Operation) -> None:
        held = self.held.get(operation.key)
        if (held.value if held is not None else None) != operation.result:
            self._expect(operation, operation.key, operation.result)

    def _put(self, operation: Operation) -> None:
        self._write(operation, operation.key, operation.value)

    def _append(self, operation: Operation) -> None:
        self._add(operation, operation.key, operation.value)

    def _cas(self, operation: Operation) -> None:
        expected, new = expected_and_new(operation)
        held = self._hold(operation.key)
        if operation.result is not False:
            if held.value != expected:
                self._expect(operation, operation.key, expected)
            self._write(operation, operation.key, new)
        elif plain(held.value) == plain(expected):
            what = f"it was refused, while {operation.key!r} held {shown(expected)}"
            self._on_mismatch(Mismatch(operation.key, operation, held.writer, what))

    def _delete(self, operation: Operation) -> None:
        asked = span(operation)
        keys = self._there(asked)
        if len(keys) != operation.result:
            what = f"it deleted {operation.result}, while there were {len(keys)}"
            key = keys[0] if keys else operation.key
            others = asked if asked.range_end else None
            self._on_mismatch(Mismatch(key, operation, self._hold(key).writer, what, others))
        for key in keys:
            self._remove(operation, key)

    def _txn(self, operation: Operation) -> None:
        transaction = transaction_of(operation)
        if transaction.has_succeeded is not None:
            self._compare(operation, transaction)
        for verb, key, value in transaction.parts:
            match verb:
                case "w":
                    self._write(operation, key, value)
                case "append":
                    self._add(operation, key, value)
                case "d":
                    self._delete_one(operation, key, value)
                case _ if transaction.is_answered and self._hold(key).value != value:
                    self._expect(operation, key, value)

    def _compare(self, operation: Operation, transaction: Transaction) -> None:
        """Whether the comparisons held is an answer as well."""
        failed = [guard for guard in transaction.guards if not _holds(guard, self._hold(guard.key))]
        if transaction.has_succeeded == (not failed):
            return
        for guard in failed or transaction.guards:
            held = self._hold(guard.key)
            what = (
                f"{guard.target} {guard.relation} {shown(guard.value)} of {guard.key!r} "
                f"{'held' if transaction.has_succeeded else 'did not hold'}, while it was "
                f"{shown(getattr(held, guard.target))}"
            )
            others = None if failed else Span("", "\0")
            self._on_mismatch(Mismatch(guard.key, operation, held.writer, what, others))

    def _delete_one(self, operation: Operation, key: str, count: Json) -> None:
        held = self._hold(key)
        if type(count) is int and count != bool(held.version):
            what = f"it deleted {count} of {key!r}, of which there were {int(held.version > 0)}"
            self._on_mismatch(Mismatch(key, operation, held.writer, what))
        if held.version:
            self._remove(operation, key)

    def _range(self, operation: Operation) -> None:
        asked = span(operation)
        found = {str(kv["key"]): kv for kv in key_values(operation)}
        expected = self._there(asked)
        if asked.limit and len(found) >= asked.limit:
            expected = [key for key in expected if key <= max(found)]
        if list(found) != expected:
            self._expect_keys(operation, found, expected)
        for key, kv in found.items():
            held = self._hold(key)
            if not _agrees(kv, held):
                what = _metadata(kv, held)
                self._on_mismatch(Mismatch(key, operation, held.writer, what))
                held.believe(kv)

    def _expect_keys(
        self, operation: Operation, found: dict[str, Any], expected: list[str]
    ) -> None:
        """Other keys were found than are there, or in another order."""
        for key in sorted(found.keys() ^ set(expected)):
            held = self._hold(key)
            told = "was told" if key in found else "was not told"
            what = f"{key!r} {told}, and it was {'' if key in expected else 'not '}there"
            self._on_mismatch(Mismatch(key, operation, held.writer, what))
            held.believe(found.get(key))
        if sorted(found) == expected:
            what = f"the keys come in the order {list(found)}"
            self._on_mismatch(Mismatch(operation.key, operation, None, what))

    def _told(self, operation: Operation) -> None:
        """A change that only watches told of: null is a deletion."""
        assert isinstance(operation.value, dict), operation.value
        for key, value in operation.value.items():
            if value is None:
                self._remove(operation, key)
            else:
                self._write(operation, key, value)

    def _expect(self, operation: Operation, key: str, seen: Json) -> None:
        """Something was read that is not there; now it is."""
        held = self._hold(key)
        if plain(held.value) == plain(seen):
            return
        what = f"it saw {shown(seen)} in {key!r}, which held {shown(held.value)}"
        self._on_mismatch(Mismatch(key, operation, held.writer, what))
        held.value = seen
        held.version = 0 if seen is None else held.version or 1

    def _hold(self, key: str) -> Held:
        held = self.held.get(key)
        if held is None:
            held = self.held[key] = Held()
            insort(self._sorted_keys, key)
        return held

    def _write(self, operation: Operation, key: str, value: Json) -> None:
        held = self.held.get(key)
        if held is None:
            held = self._hold(key)
        held.value = value
        if held.writer is not operation:
            held.version += 1
        if held.version == 1:
            held.create_revision = operation.revision
        held.mod_revision = operation.revision
        held.writer = operation

    def _add(self, operation: Operation, key: str, element: Json) -> None:
        before = self._hold(key).value
        before = plain(before)
        elements = before if isinstance(before, list) else []
        self._write(operation, key, [*elements, element])

    def _remove(self, operation: Operation, key: str) -> None:
        held = self._hold(key)
        held.value = None
        held.version = held.create_revision = 0
        held.mod_revision = operation.revision
        held.writer = operation

    def _there(self, asked: Span) -> list[str]:
        keys = self._sorted_keys
        there = []
        for index in range(bisect_left(keys, asked.key), len(keys)):
            if keys[index] not in asked:
                break
            if self.held[keys[index]].version:
                there.append(keys[index])
        return there


def _holds(guard: Guard, held: Held) -> bool:
    """Whether a comparison holds, as etcd has it: no value of a key that is not there does."""
    if guard.target == "value" and not held.version:
        return False
    found, expected = getattr(held, guard.target), guard.value
    if guard.target == "mod_revision" and not held.version:
        found = 0
    if guard.target == "value":
        found = found if isinstance(found, str) else plain(found)
    match guard.relation:
        case "=":
            return bool(found == expected)
        case "!=":
            return bool(found != expected)
        case "<":
            return bool(found < expected)
        case _:
            return bool(found > expected)


def _agrees(kv: dict[str, Any], held: Held) -> bool:
    return (
        bool(kv["value"] == held.value or plain(kv["value"]) == plain(held.value))
        and kv["version"] == held.version
        and kv["mod_revision"] == held.mod_revision
        and kv["create_revision"] == held.create_revision
    )


def _metadata(kv: dict[str, Any], held: Held) -> str:
    """What of a key-value is not as it should be."""
    names = ("value", "version", "create_revision", "mod_revision")
    differences = [
        f"{name} {shown(kv[name])} instead of {shown(getattr(held, name))}"
        for name in names
        if plain(kv[name]) != plain(getattr(held, name))
    ]
    return f"it saw {kv['key']!r} with {', '.join(differences)}"
