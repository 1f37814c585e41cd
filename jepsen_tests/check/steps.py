"""An etcd operation taken apart into what it does to each key: what one key's model understands."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import replace

from jepsen_tests.check.etcd_operations import (
    expected_and_new,
    key_values,
    plain,
    span,
)
from jepsen_tests.check.transactions import transaction_of
from jepsen_tests.history import Json, Operation
from jepsen_tests.model.model import frozen

_FUNCTIONS = {"r": "read", "w": "put", "append": "append", "d": "delete"}


def steps_of(operation: Operation, key: str) -> list[Operation]:
    """What an operation does to one key, in order, with values as they are compared."""
    return _STEPS[operation.function](operation, key)


def mark_of(step: Operation) -> Hashable:
    """What tells that a step happened: the value that it leaves, or the element that it adds."""
    match step.function:
        case "append":
            return "append", frozen(step.value)
        case "cas":
            return frozen(expected_and_new(step)[1])
        case "delete":
            return None
        case _:
            return frozen(step.value)


def keys_seen(operation: Operation, among: Collection[str]) -> list[str]:
    """Those of some keys that an operation is about."""
    match operation.function:
        case "told":
            assert isinstance(operation.value, dict), operation.value
            return [key for key in operation.value if key in among]
        case "txn":
            keys = dict.fromkeys(key for _, key, _ in transaction_of(operation).parts)
            return [key for key in keys if key in among]
        case "range" | "delete":
            asked = span(operation)
            return [key for key in sorted(among) if key in asked]
        case _:
            return [operation.key] if operation.key in among else []


def _of_told(operation: Operation, key: str) -> list[Operation]:
    """A change that only watches told of."""
    assert isinstance(operation.value, dict), operation.value
    value = operation.value[key]
    function = "delete" if value is None else "put"
    return [replace(operation, function=function, key=key, value=plain(value))]


def _of_txn(operation: Operation, key: str) -> list[Operation]:
    transaction = transaction_of(operation)
    return [
        _of_micro_operation(operation, key, verb, value)
        for verb, about, value in transaction.parts
        if about == key and (verb != "r" or transaction.is_answered)
    ]


def _of_micro_operation(operation: Operation, key: str, verb: str, value: Json) -> Operation:
    function = _FUNCTIONS[verb]
    if verb == "d":
        count = value if type(value) is int else None
        return replace(operation, function=function, key=key, value=None, result=count)
    if verb == "r":
        return replace(operation, function=function, key=key, value=None, result=plain(value))
    value = value if verb == "append" else plain(value)
    return replace(operation, function=function, key=key, value=value, result=None)


def _of_range(operation: Operation, key: str) -> list[Operation]:
    found: list[Json] = [
        kv | {"value": plain(kv["value"])} for kv in key_values(operation) if kv["key"] == key
    ]
    if not found and span(operation).limit:
        return []
    return [replace(operation, key=key, value=None, result=found)]


def _of_delete(operation: Operation, key: str) -> list[Operation]:
    if span(operation).range_end:
        # How many keys were deleted says nothing of this one.
        return [replace(operation, key=key, value=None, result=None)]
    return [operation]


def _of_read(operation: Operation, _: str) -> list[Operation]:
    return [replace(operation, value=None, result=plain(operation.result))]


def _of_cas(operation: Operation, _: str) -> list[Operation]:
    return [replace(operation, value=[*map(plain, expected_and_new(operation))])]


def _of_append(operation: Operation, _: str) -> list[Operation]:
    return [operation]


def _of_put(operation: Operation, _: str) -> list[Operation]:
    return [replace(operation, value=plain(operation.value))]


_STEPS: dict[str, Callable[[Operation, str], list[Operation]]] = {
    "told": _of_told,
    "txn": _of_txn,
    "range": _of_range,
    "delete": _of_delete,
    "read": _of_read,
    "cas": _of_cas,
    "append": _of_append,
    "put": _of_put,
    "write": _of_put,
}
