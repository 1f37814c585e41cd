"""What an operation wrote, as far as its record tells: the words that workloads and checkers share.

`key` is the key as the store has it. Beside the operations on one key of `model/`:

- `delete` gives how many keys it deleted, `range` a list of `KeyValue`;
- `txn` takes micro-operations ["r", key, null], ["w", key, value], ["append", key, value] and
  ["d", key, null], of which the last gives how many keys it deleted; with a condition it takes
  {"compare": [[target, key, relation, value], ...], "then": [...], "else": [...]} and gives
  {"succeeded": bool, "operations": [...]}; "w" may have a lease as its fourth part;
- `grant` takes a time to live in seconds and gives the one that it got; `keep-alive` gives the new
  one, 0 where the lease is gone; `time-to-live` gives {"ttl": seconds left or -1, "granted_ttl":
  seconds, "keys": [...] or null}; `revoke` gives nothing. All name their `lease`;
- `acquire` (of a lock) and `campaign` (in an election) name a `lease`, have the lock's name as
  `key` and give {"key": own key, "create_revision": its number}, with the `revision` at which they
  saw that it was theirs; `release` and `resign` have the own key as `value`;
- `observe` gives a `KeyValue`: whom its process saw lead, each in an operation of its own;
- `compact` has the revision as its value.

An `append` reads and rewrites an encoded list, so that it writes is known, but not which text.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jepsen_tests.history import Json, Operation, Status

PUT, DELETE = "PUT", "DELETE"
RECIPES = frozenset({"acquire", "campaign", "release", "resign"})
"""Several requests each, so their revision is not that of one write."""
WRITERS = frozenset({"put", "write", "append", "cas", "delete", "txn"})
"""Operations that are one request, which may write."""
READERS = frozenset({"read", "range"})


class Write(NamedTuple):
    """One key that an operation wrote."""

    key: str
    kind: str
    value: str | None
    """None: not known."""
    lease: int | None
    """None: not known."""


class Guard(NamedTuple):
    """One comparison of a transaction."""

    target: str
    key: str
    relation: str
    value: Json


def covers(key: str, range_end: str, wanted: str) -> bool:
    """Whether a key is in an etcd range: `range_end` is empty for one key, NUL for no end."""
    if not range_end:
        return wanted == key
    return wanted >= key and (range_end == "\0" or wanted < range_end)


def is_linearizable(operation: Operation) -> bool:
    """Whether its revision was the newest at some moment of the call, if it is known at all."""
    return (
        operation.status is Status.OK
        and operation.revision > 0
        and not operation.serializable
        and (operation.function in WRITERS or operation.function in READERS)
    )


def writes_of(operation: Operation) -> list[Write]:
    """The keys that it wrote, if it was carried out; those of a range's delete are not known."""
    match operation.function:
        case "put" | "write":
            return [Write(operation.key, PUT, _text(operation.value), operation.lease)]
        case "append":
            return [Write(operation.key, PUT, None, None)]
        case "cas":
            return _compared_and_set(operation)
        case "delete":
            is_one = not operation.range_end and operation.result != 0
            return [Write(operation.key, DELETE, "", 0)] if is_one else []
        case "txn":
            return list(_written(_branch(operation)))
        case _:
            return []


def is_write(operation: Operation) -> bool:
    """Whether an operation of status ok made a revision of its own."""
    if operation.function == "delete":
        return operation.result != 0
    return bool(writes_of(operation))


def guards_of(operation: Operation) -> list[Guard]:
    """The comparisons of a transaction."""
    value = operation.value
    compares = value.get("compare") if isinstance(value, dict) else None
    return [
        Guard(str(part[0]), str(part[1]), str(part[2]), part[3])
        for part in (compares if isinstance(compares, list) else [])
        if isinstance(part, list) and len(part) == 4
    ]


def has_succeeded(operation: Operation) -> bool | None:
    """Whether the comparisons of a transaction held; None where it was not told."""
    result = operation.result
    succeeded = result.get("succeeded") if isinstance(result, dict) else None
    return succeeded if isinstance(succeeded, bool) else None


def may_delete(operation: Operation, key: str) -> bool:
    """Whether this operation, if it was carried out, can have deleted the key."""
    match operation.function:
        case "delete":
            return covers(operation.key, operation.range_end, key)
        case "txn":
            return key in keys_deleted(operation)
        case "release" | "resign":
            return operation.value in {None, key}
        case "acquire" | "campaign":
            # One that gave up takes its own key away again.
            return operation.status is not Status.OK and key.startswith(operation.key)
        case _:
            return False


def keys_deleted(operation: Operation) -> set[str]:
    """The keys that a transaction deletes on either branch, if they are there."""
    parts = [*_branch(operation), *_part(operation, "then"), *_part(operation, "else")]
    micro_operations = (part for part in parts if isinstance(part, list) and len(part) > 1)
    return {str(micro[1]) for micro in micro_operations if micro[0] == "d"}


def _compared_and_set(operation: Operation) -> list[Write]:
    value = operation.value
    if operation.result is False or not isinstance(value, list) or len(value) != 2:
        return []
    return [Write(operation.key, PUT, _text(value[1]), None)]


def _branch(operation: Operation) -> Sequence[Json]:
    """The micro-operations that were carried out, as answered where they were."""
    result, value = operation.result, operation.value
    if isinstance(value, list):
        return result if isinstance(result, list) and len(result) == len(value) else value
    succeeded = has_succeeded(operation)
    if succeeded is None or not isinstance(result, dict):
        return []
    asked, told = _part(operation, "then" if succeeded else "else"), result.get("operations")
    return told if isinstance(told, list) and len(told) == len(asked) else asked


def _part(operation: Operation, name: str) -> Sequence[Json]:
    part = operation.value.get(name) if isinstance(operation.value, dict) else None
    return part if isinstance(part, list) else []


def _written(micro_operations: Sequence[Json]) -> Iterator[Write]:
    for micro in micro_operations:
        if not isinstance(micro, list) or len(micro) < 2:
            continue
        name, key = micro[0], str(micro[1])
        if name == "w":
            lease = micro[3] if len(micro) > 3 else None
            yield Write(key, PUT, _text(micro[2]), lease if isinstance(lease, int) else None)
        elif name == "append":
            yield Write(key, PUT, None, None)
        elif name == "d" and len(micro) > 2 and micro[2]:
            yield Write(key, DELETE, "", 0)


def _text(value: Json) -> str | None:
    """A value as the store has it, where it is a text; how others are encoded isn't known here."""
    return value if isinstance(value, str) else None
