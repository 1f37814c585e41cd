"""Records as JSON lines, and back; nothing that a line says is taken on trust.

A line is an object with the fields of its record and a `type`. Fields that have a default may be
missing; an unknown field, a wrong type, a number out of range and anything that is not JSON is a
`MalformedError`, since a checker that guesses is worse than none.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, NoReturn, TypeAlias

from jepsen_tests.records import (
    Fact,
    FaultBand,
    Json,
    MemberState,
    Operation,
    Record,
    RunInfo,
    Status,
    WatchEvents,
)

FORMAT = 1
_INTEGER_MAX = 2**64
_NESTING_MAX = 64
_Check: TypeAlias = Callable[[Any], bool]


class MalformedError(ValueError):
    """A stored history is not what it should be; the text says where and why."""


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _is_integer(value: object) -> bool:
    return type(value) is int and -_INTEGER_MAX < value < _INTEGER_MAX


def _is_natural(value: object) -> bool:
    return type(value) is int and 0 <= value < _INTEGER_MAX


def _is_natural_or_none(value: object) -> bool:
    return value is None or _is_natural(value)


def _is_list(value: object) -> bool:
    return type(value) is list


def _is_json(_: object) -> bool:
    return True


def _is_texts(value: object) -> bool:
    return type(value) is list and all(type(part) is str for part in value)


_KEY_VALUE: dict[str, _Check] = {
    "key": _is_text,
    "value": _is_text,
    "create_revision": _is_natural,
    "mod_revision": _is_natural,
    "version": _is_natural,
    "lease": _is_integer,
}


def is_key_value(value: object) -> bool:
    """Whether this is a `KeyValue`, no more and no less."""
    return (
        type(value) is dict
        and value.keys() == _KEY_VALUE.keys()
        and all(check(value[name]) for name, check in _KEY_VALUE.items())
    )


def _is_event(value: object) -> bool:
    if type(value) is not dict or value.get("type") not in {"PUT", "DELETE"}:
        return False
    prev = value.get("prev", MISSING)
    kv = {name: part for name, part in value.items() if name not in {"type", "prev"}}
    return is_key_value(kv) and (prev is None or is_key_value(prev))


def _is_events(value: object) -> bool:
    return type(value) is list and all(map(_is_event, value))


_BY_ANNOTATION: dict[object, _Check] = {
    str: _is_text,
    bool: _is_flag,
    int: _is_natural,
    int | None: _is_natural_or_none,
    Status: _is_text,
    Json: _is_json,
    list[str]: _is_texts,
    list[Json]: _is_list,
}
_TYPES: dict[str, type[Record]] = {
    "operation": Operation,
    "watch": WatchEvents,
    "fault": FaultBand,
    "member": MemberState,
    "fact": Fact,
    "run": RunInfo,
}
_TYPE_OF = {record_type: name for name, record_type in _TYPES.items()}
_CHECKS: dict[str, dict[str, _Check]] = {
    name: {
        field.name: _is_events if field.name == "events" else _BY_ANNOTATION[field.type]
        for field in fields(record_type)
    }
    for name, record_type in _TYPES.items()
}
_REQUIRED = {
    name: frozenset(field.name for field in fields(record_type) if field.default is MISSING)
    for name, record_type in _TYPES.items()
}
_NAMES = {name: tuple(checks) for name, checks in _CHECKS.items()}
_STATUS = {str(status): status for status in Status}


def to_line(record: Record) -> str:
    """One line of JSON, without its end."""
    name = _TYPE_OF[type(record)]
    document = {"type": name} | {field: getattr(record, field) for field in _NAMES[name]}
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def from_line(line: str) -> Record:
    """The record of a line.

    Raises:
        MalformedError: it is none; the text says why.
    """
    document = _parse(line)
    if type(document) is not dict:
        raise MalformedError("a record is a JSON object")
    name = document.pop("type", None)
    if type(name) is not str or name not in _TYPES:
        raise MalformedError(f"unknown type of record: {_shown(name)}")
    _check(name, document)
    if name == "operation":
        return _operation(document)
    if name == "run" and document.get("format", FORMAT) != FORMAT:
        raise MalformedError(f"format {document['format']} is not known, only {FORMAT}")
    return _TYPES[name](**document)


def _check(name: str, document: dict[str, Any]) -> None:
    checks = _CHECKS[name]
    for field, value in document.items():
        check = checks.get(field)
        if check is None:
            raise MalformedError(f"{name}: unknown field {_shown(field)}")
        if not check(value):
            raise MalformedError(f"{name}: {field} cannot be {_shown(value)}")
    if not document.keys() >= _REQUIRED[name]:
        missing = ", ".join(sorted(_REQUIRED[name] - document.keys()))
        raise MalformedError(f"{name}: {missing} missing")


def _operation(document: dict[str, Any]) -> Operation:
    status = _STATUS.get(document["status"])
    if status is None:
        raise MalformedError(f"operation: status cannot be {_shown(document['status'])}")
    document["status"] = status
    returned = document["return_ns"]
    if returned is None:
        if status is not Status.INFO:
            raise MalformedError(f"operation: status {status}, but it never returned")
    elif returned < document["call_ns"]:
        raise MalformedError(f"operation: returned at {returned}, before {document['call_ns']}")
    # Strings that recur by the million are kept once.
    document["function"] = sys.intern(document["function"])
    return Operation(**document)


def _parse(line: str) -> Any:  # noqa: ANN401 - whatever the line holds, it is checked next
    try:
        document = json.loads(line, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(f"not JSON: {error}") from None
    except RecursionError:
        raise MalformedError("nested too deeply") from None
    # A cheap bound first: depth costs a bracket a level.
    if line.count("[") + line.count("{") > _NESTING_MAX and _depth(document) > _NESTING_MAX:
        raise MalformedError(f"nested more than {_NESTING_MAX} levels deep")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedError("a field is given twice")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


def _depth(document: Json) -> int:
    depth = 0
    level: list[Json] = [document]
    while level:
        depth += 1
        inner: list[Json] = []
        for part in level:
            if isinstance(part, dict):
                inner.extend(part.values())
            elif isinstance(part, list):
                inner.extend(part)
        level = inner
    return depth


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
