r"""What the operations of an etcd history do to keys, taken apart into steps on one key each.

The functions, with what they carry:

- `read`: the result is the value of `key`, or null.
- `range`: a list of `KeyValue`, of `key` or, with `{"range_end": ...}` as the value, of all keys
  from there to before it ("\0": to the last one). With `{"limit": n}` of the first n only.
- `write`, `put`: `key` becomes the value.
- `append`: one element is added to the list that `key` holds.
- `cas`: [expected, new]; the result is false where something else was found.
- `delete`: the result is how many keys it deleted; with a range as above.
- `txn`: micro-operations, in order, all or none, with or without comparisons (`transactions.py`).

Keys hold text. A list is held as its JSON text, and so is a number or a truth value: what an
operation says of a value and what a watch says of it are compared in a form that both have
(`plain`).

A `read` or `range` whose value says `"serializable": true` or `"revision": n` is about the past
and is left to `serializable.py`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from jepsen_tests.check.transactions import transaction_of
from jepsen_tests.history import Json, MalformedError, Operation
from jepsen_tests.lines import is_key_value

READS = frozenset({"read", "range"})
WRITES = frozenset({"write", "put", "append", "cas", "delete", "txn"})
UNDERSTOOD = READS | WRITES
WITHOUT_REVISION = frozenset(
    {"compact", "hash", "status", "defragment", "move-leader", "member-list", "member-add"}
    | {"member-remove", "member-promote"}
)
"""Functions that never make a revision, now or later. Whatever else is not understood may: a lease
that was granted ends one day, and deletes its keys."""
_ALL_KEYS_END: Final = "\0"


@dataclass(frozen=True, slots=True)
class Span:
    """The keys that a `range` or `delete` is about."""

    key: str
    range_end: str
    limit: int = 0

    def __contains__(self, key: str) -> bool:
        if not self.range_end:
            return key == self.key
        return self.key <= key and (self.range_end == _ALL_KEYS_END or key < self.range_end)


def options(operation: Operation) -> dict[str, Json]:
    """What a `read`, `range` or `delete` was asked besides the key.

    Raises:
        MalformedError: something that is not understood.
    """
    value = operation.value
    if value is None:
        return {}
    if not isinstance(value, dict) or not value.keys() <= _OPTIONS.keys():
        raise MalformedError(f"{operation.function} with {value!r} is not understood")
    for name, option in value.items():
        if type(option) is not _OPTIONS[name]:
            raise MalformedError(f"{operation.function} with {name} = {option!r}")
    return value


_OPTIONS: dict[str, type] = {
    "range_end": str,
    "limit": int,
    "serializable": bool,
    "revision": int,
}


def span(operation: Operation) -> Span:
    """The keys of a `range` or `delete`."""
    asked = options(operation)
    range_end, limit = asked.get("range_end", ""), asked.get("limit", 0)
    assert isinstance(range_end, str), range_end
    assert isinstance(limit, int), limit
    return Span(operation.key, range_end, limit)


def expected_and_new(operation: Operation) -> tuple[Json, Json]:
    """What a compare-and-set expects, and what it writes.

    Raises:
        MalformedError: it does not say.
    """
    if not isinstance(operation.value, list) or len(operation.value) != 2:
        raise MalformedError(f"cas takes [expected, new], not {operation.value!r}")
    return operation.value[0], operation.value[1]


def key_values(operation: Operation) -> list[dict[str, Any]]:
    """What a `range` found.

    Raises:
        MalformedError: that is no list of key-values, each once.
    """
    found = operation.result
    if not isinstance(found, list) or not all(map(is_key_value, found)):
        raise MalformedError(f"a range gives key-values, not {found!r}")
    kvs: list[dict[str, Any]] = [kv for kv in found if isinstance(kv, dict)]
    if len({kv["key"] for kv in kvs}) < len(kvs):
        raise MalformedError(f"a range gives a key twice: {found!r}")
    return kvs


def plain(value: Json) -> Json:
    """A value as it is compared: lists as lists, all else as text, and null as it is."""
    if isinstance(value, str):
        if value.startswith("["):
            try:
                decoded = json.loads(value)
            except (ValueError, RecursionError):
                return value
            return decoded if isinstance(decoded, list) else value
        return value
    if value is None or isinstance(value, list):
        return value
    return json.dumps(value, sort_keys=True)


def changes_of(operation: Operation) -> dict[str, Json] | None:
    """What an answered write left in the keys it names; None where its answer does not tell."""
    match operation.function:
        case "write" | "put":
            return {operation.key: plain(operation.value)}
        case "cas":
            return {operation.key: plain(expected_and_new(operation)[1])}
        case "txn":
            parts = transaction_of(operation).parts
            if any(verb == "append" for verb, _, _ in parts):
                return None
            written = ((verb, key, value) for verb, key, value in parts if verb in {"w", "d"})
            return {key: None if verb == "d" else plain(value) for verb, key, value in written}
        case _:
            return None


def is_of_the_past(operation: Operation) -> bool:
    """Whether it asked for another state than the newest."""
    if operation.value is None or operation.function not in READS:
        return False
    asked = options(operation)
    return bool(asked.get("serializable") or asked.get("revision"))


def _never(_: Operation) -> bool:
    return False


def _always(_: Operation) -> bool:
    return True


def _cas_wrote(operation: Operation) -> bool:
    return operation.result is not False


def _delete_wrote(operation: Operation) -> bool:
    if not isinstance(operation.result, int) or isinstance(operation.result, bool):
        raise MalformedError(f"a delete gives a number of keys, not {operation.result!r}")
    return operation.result > 0


def _txn_wrote(operation: Operation) -> bool:
    return transaction_of(operation).has_written


WROTE: dict[str, Callable[[Operation], bool]] = {
    "read": _never,
    "range": _never,
    "write": _always,
    "put": _always,
    "append": _always,
    "cas": _cas_wrote,
    "delete": _delete_wrote,
    "txn": _txn_wrote,
}
"""Whether an operation that was answered made a revision."""


def keys_written(operation: Operation) -> tuple[str, ...] | None:
    """The keys that an operation of unknown outcome may have written; None: it may be any."""
    match operation.function:
        case "txn":
            parts = transaction_of(operation).parts
            return tuple(dict.fromkeys(key for verb, key, _ in parts if verb != "r"))
        case "delete":
            return None if span(operation).range_end else (operation.key,)
        case "write" | "put" | "append" | "cas":
            return (operation.key,)
        case _:
            return ()
