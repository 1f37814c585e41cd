"""Operations and numbers as an explanation says them."""

import json

from jepsen_tests.history import Json, Operation, Status

_VALUE_CHARACTERS_MAX = 60
_ANSWERS = {Status.OK: "", Status.INFO: " -> unknown", Status.FAIL: " -> refused"}


def many(count: int, thing: str) -> str:
    """`1 key`, `2 keys`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def shown(value: Json) -> str:
    """A value, cut to what one reads."""
    text = json.dumps(value)
    if len(text) <= _VALUE_CHARACTERS_MAX:
        return text
    half = _VALUE_CHARACTERS_MAX // 2
    return f"{text[:half]}...{text[-half:]}"


def in_words(operation: Operation) -> str:
    """`read -> 3 (process 4, revision 7)`."""
    argument = "" if operation.value is None else f" {shown(operation.value)}"
    answer = _ANSWERS[operation.status]
    if operation.status is Status.OK and not (argument and operation.result is None):
        answer = f" -> {shown(operation.result)}"
    revision = f", revision {operation.revision}" if operation.revision else ""
    return f"{operation.function}{argument}{answer} (process {operation.process}{revision})"
