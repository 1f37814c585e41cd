"""An operation in words: what a client did, and what it was told.

The three endings differ in what is known (Jepsen's ok, fail, info), and the words say so: it
happened; it certainly did not; nobody knows.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from jepsen_tests.history import Json, Operation, Status
from jepsen_tests.report.markup import TEXT_CHARACTERS_MAX, visible

READS: Final = frozenset({"read", "range", "hash"})
"""The functions that change nothing."""
NAME_CHARACTERS_MAX: Final = 40
_BARE = re.compile(r"[\w.:/+-]+\Z")
_VERBS: Final = {
    # function: what was done, what was tried
    "read": ("read", "read"),
    "range": ("listed", "list"),
    "write": ("wrote", "write"),
    "put": ("put", "put"),
    "cas": ("changed", "change"),
    "append": ("appended", "append"),
    "delete": ("deleted", "delete"),
    "txn": ("ran a transaction:", "run a transaction:"),
    "grant": ("was granted lease", "have a lease granted:"),
    "revoke": ("revoked lease", "revoke lease"),
    "keep-alive": ("renewed lease", "renew lease"),
    "acquire": ("acquired the lock", "acquire the lock"),
    "release": ("released the lock", "release the lock"),
    "campaign": ("was elected in", "be elected in"),
    "resign": ("resigned from", "resign from"),
    "compact": ("compacted up to revision", "compact up to revision"),
    "hash": ("asked for the hash", "ask for the hash"),
}


def value_text(value: Json, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """A value as the reader sees it: short where it can be, never misleading."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        bare = _BARE.match(value) and value != "nothing"
        return (
            value[:characters_max]
            if bare and len(value) <= characters_max
            else _quoted(value, characters_max)
        )
    return visible(json.dumps(value, ensure_ascii=False), characters_max)


def _quoted(value: str, characters_max: int) -> str:
    cut = value[:characters_max]
    shown = f"“{visible(cut, characters_max)}”"
    return shown if len(cut) == len(value) else f"{shown}… ({len(value):,} characters)"


def as_sentence(text: str, characters_max: int) -> str:
    """A sentence of a checker's, begun as sentences are."""
    return visible(text[:1].upper() + text[1:], characters_max)


def key_text(key: str) -> str:
    """A key, as `value_text` has it; none is nothing at all."""
    return value_text(key) if key else ""


def duration_text(nanoseconds: int, digits: int = 3) -> str:
    """A length of time in the unit that reads best; number and unit stay on one line."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= 10 ** (digits - 1) * size:
            return f"{round(nanoseconds / size):,}\u00a0{unit}"
        if nanoseconds >= size:
            return f"{nanoseconds / size:.{digits}g}\u00a0{unit}"
    return f"{nanoseconds}\u00a0ns"


def moment_text(nanoseconds: int, decimals: int = 6) -> str:
    """A point in time since the run began."""
    return f"{nanoseconds / 10**9:,.{decimals}f}\u00a0s"


def sentence(operation: Operation) -> str:
    """What the client did and was told; the client itself is left to the caller."""
    name = visible(operation.function, NAME_CHARACTERS_MAX)
    past, infinitive = _VERBS.get(operation.function, (f"did {name}:", f"do {name}:"))
    what = _objects(operation)
    if operation.status is Status.OK:
        return _joined(past, what, _outcome(operation))
    return _joined("tried to", infinitive, what)


def brief(operation: Operation) -> str:
    """What it did and was told, as short as can be: for a label."""
    is_done = operation.status is Status.OK
    name = visible(operation.function, NAME_CHARACTERS_MAX)
    if operation.function == "txn":
        return _txn(operation)
    if operation.function in READS:
        result = f" → {value_text(operation.result, 80)}" if is_done else ""
        return f"{name} {key_text(operation.key)}{result}"
    return _joined(name, _objects(operation))


def ending(operation: Operation) -> str:
    """What is known of whether it happened."""
    error = f": {visible(operation.error)}" if operation.error else ""
    match operation.status:
        case Status.OK:
            assert operation.return_ns is not None, f"an ok without an answer: {operation}"
            return f"answered after {duration_text(operation.return_ns - operation.call_ns)}"
        case Status.FAIL:
            return f"refused{error}; it certainly did not happen"
        case Status.INFO:
            return f"no answer{error}; it may have happened, at any time since"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _objects(operation: Operation) -> str:
    """What it was about."""
    describe = _OBJECTS.get(operation.function, _key_and_value)
    return describe(operation)


def _key_and_value(operation: Operation) -> str:
    if operation.value is None:
        return key_text(operation.key)
    return f"{key_text(operation.key)} = {value_text(operation.value)}".removeprefix(" = ")


def _cas(operation: Operation) -> str:
    match operation.value:
        case [expected, new]:
            return f"{key_text(operation.key)} from {value_text(expected)} to {value_text(new)}"
        case _:
            return _key_and_value(operation)


def _append(operation: Operation) -> str:
    return f"{value_text(operation.value)} to {key_text(operation.key)}"


def _txn(operation: Operation) -> str:
    if operation.status is Status.OK and isinstance(operation.result, list):
        return micro_operations_text(operation.result, was_read=True)
    return micro_operations_text(operation.value)


def micro_operations_text(
    value: Json, characters_max: int = TEXT_CHARACTERS_MAX, *, was_read: bool = False
) -> str:
    """The steps of a transaction: `read x → [1, 2]; append 3 to y; z = 4`."""
    if not isinstance(value, list):
        return value_text(value, characters_max)
    steps = (_micro_operation(step, was_read=was_read) for step in value)
    return visible("; ".join(steps), characters_max)


def _micro_operation(step: Json, *, was_read: bool) -> str:
    match step:
        case ["r", key, read]:
            return f"read {value_text(key)}" + (f" → {value_text(read)}" if was_read else "")
        case ["append", key, element]:
            return f"append {value_text(element)} to {value_text(key)}"
        case ["w", key, written]:
            return f"{value_text(key)} = {value_text(written)}"
        case _:
            return value_text(step)


_OBJECTS: Final[dict[str, Callable[[Operation], str]]] = {
    "cas": _cas,
    "append": _append,
    "txn": _txn,
}


def _outcome(operation: Operation) -> str:
    """What an operation that happened told its client."""
    if operation.function == "txn" or (operation.result is None and operation.function != "read"):
        return ""
    if operation.function == "range" and isinstance(operation.result, list):
        count = len(operation.result)
        keys = "1 key" if count == 1 else f"{count:,} keys"
        return f"and got {keys}: {value_text(operation.result)}" if count else "and got no key"
    return f"and got {value_text(operation.result)}"
