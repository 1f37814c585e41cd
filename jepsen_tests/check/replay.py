"""etcd's keys, replayed one operation after the other in the order of their revisions.

Each answer is held against the keys as they stand. What does not agree is a `Mismatch`; the replay
then believes the answer, so that one wrong answer is told once.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jepsen_tests.check.etcd_operations import Span, micro_operations, plain, span
from jepsen_tests.check.words import shown
from jepsen_tests.history import Json, MalformedError, Operation
from jepsen_tests.lines import is_key_value


class Held:
    """A key as it stands; version 0: it is not there."""

    __slots__ = ("create_revision", "mod_revision", "value", "version", "writer")

    def __init__(self) -> None:
        self.value: Json = None
        self.version = 0
        self.create_revision = 0
        self.mod_revision = 0
        self.writer: Operation | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An answer that is not what the keys say."""

    key: str
    operation: Operation
    writer: Operation | None
    """Who wrote the key last, before it."""
    what: str


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
        if not isinstance(operation.value, list) or len(operation.value) != 2:
            raise MalformedError(f"cas takes [expected, new], not {operation.value!r}")
        expected, new = operation.value
        held = self._hold(operation.key)
        if operation.result is not False:
            if held.value != expected:
                self._expect(operation, operation.key, expected)
            self._write(operation, operation.key, new)
        elif plain(held.value) == plain(expected):
            what = f"it was refused, while {operation.key!r} held {shown(expected)}"
            self._on_mismatch(Mismatch(operation.key, operation, held.writer, what))

    def _delete(self, operation: Operation) -> None:
        keys = self._there(span(operation))
        if len(keys) != operation.result:
            what = f"it deleted {operation.result}, while there were {len(keys)}"
            key = keys[0] if keys else operation.key
            self._on_mismatch(Mismatch(key, operation, self._hold(key).writer, what))
        for key in keys:
            self._remove(operation, key)

    def _txn(self, operation: Operation) -> None:
        asked, answered = operation.value, operation.result
        parts = micro_operations(answered if answered is not None else asked)
        if answered is not None and not _is_answer(micro_operations(asked), parts):
            raise MalformedError(f"{shown(answered)} is no answer to {shown(asked)}")
        for verb, key, value in parts:
            if verb == "w":
                self._write(operation, key, value)
            elif verb == "append":
                self._add(operation, key, value)
            elif answered is not None and self._hold(key).value != value:
                self._expect(operation, key, value)

    def _range(self, operation: Operation) -> None:
        if not isinstance(operation.result, list) or not all(map(is_key_value, operation.result)):
            raise MalformedError(f"a range gives key-values, not {shown(operation.result)}")
        asked = span(operation)
        found: list[Any] = operation.result
        expected = self._there(asked)
        if asked.limit:
            expected = expected[: asked.limit]
        if [kv["key"] for kv in found] != expected:
            self._expect_keys(operation, [kv["key"] for kv in found], expected)
        for kv in found:
            held = self._hold(kv["key"])
            if not _agrees(kv, held):
                self._expect(operation, kv["key"], kv["value"], _metadata(kv, held))
                held.version, held.mod_revision = kv["version"], kv["mod_revision"]
                held.create_revision = kv["create_revision"]

    def _expect_keys(self, operation: Operation, found: list[str], expected: list[str]) -> None:
        for key in sorted(set(found) ^ set(expected)):
            told = "was told" if key in found else "was not told"
            what = f"{key!r} {told}, and it was {'' if key in expected else 'not '}there"
            self._on_mismatch(Mismatch(key, operation, self._hold(key).writer, what))
        if sorted(found) == expected:
            what = f"the keys come in the order {found}"
            self._on_mismatch(Mismatch(operation.key, operation, None, what))

    def _told(self, operation: Operation) -> None:
        """A change that only watches told of: null is a deletion."""
        assert isinstance(operation.value, dict), operation.value
        for key, value in operation.value.items():
            if value is None:
                self._remove(operation, key)
            else:
                self._write(operation, key, value)

    def _expect(self, operation: Operation, key: str, seen: Json, more: str = "") -> None:
        """Something was read that is not there; now it is."""
        held = self._hold(key)
        if not more and plain(held.value) == plain(seen):
            return
        what = more or f"it saw {shown(seen)} in {key!r}, which held {shown(held.value)}"
        self._on_mismatch(Mismatch(key, operation, held.writer, what))
        held.value = seen
        held.version = held.version or 1

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


def _is_answer(asked: list[tuple[str, str, Json]], told: list[tuple[str, str, Json]]) -> bool:
    """Whether only what was read differs."""
    return [part[:2] for part in asked] == [part[:2] for part in told] and all(
        verb == "r" or value == answer
        for (verb, _, value), (_, _, answer) in zip(asked, told, strict=True)
    )


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
