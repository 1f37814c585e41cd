"""Transactions as they are recorded: with comparisons or without, asked for and answered.

Without comparisons the value is a list of micro-operations, and so is the result. With them the
value is {"compare": [[target, key, relation, value], ...], "then": [...], "else": [...]}, and the
result {"succeeded": bool, "operations": [...]}, the branch that was carried out. A micro-operation
is ["r", key, value read], ["w", key, value] (a lease may follow), ["append", key, element] or
["d", key, how many were deleted, or null].
"""

from dataclasses import dataclass

from jepsen_tests.history import Json, MalformedError, Operation, Status

Part = tuple[str, str, Json]
"""Verb, key and value."""
_VERBS = frozenset({"r", "w", "append", "d"})
_WITH_LEASE = 4


@dataclass(frozen=True, slots=True)
class Guard:
    """A comparison: `target` is value, version, create_revision or mod_revision."""

    target: str
    key: str
    relation: str
    value: Json


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction, as far as its client knows it."""

    guards: tuple[Guard, ...]
    has_succeeded: bool | None
    """Whether the comparisons held; None where there are none, and where nobody knows."""
    parts: list[Part]
    """What was carried out; without an answer, of both branches what may have been."""
    is_answered: bool
    """Whether what was read is filled in."""

    @property
    def has_written(self) -> bool:
        """Whether it made a revision.

        Raises:
            MalformedError: it does not say whether it deleted anything.
        """
        return any(self._has_written(*part) for part in self.parts)

    def _has_written(self, verb: str, key: str, value: Json) -> bool:
        if verb != "d":
            return verb != "r"
        if type(value) is int:
            return value > 0
        if self.has_succeeded and any(guard.key == key for guard in self.guards):
            # The comparisons are what makes sure that the key is there.
            return True
        raise MalformedError(f"a deletion in a txn says how many keys it deleted: {key!r}")


def transaction_of(operation: Operation) -> Transaction:
    """Reads a `txn`.

    Raises:
        MalformedError: it is none, or its result is not one of it.
    """
    value, result = operation.value, operation.result
    is_answered = operation.status is Status.OK and result is not None
    if not isinstance(value, dict):
        parts = micro_operations(value)
        return Transaction(
            (), None, _answered(parts, result) if is_answered else parts, is_answered
        )
    if not value.keys() <= {"compare", "then", "else"}:
        raise MalformedError(f"a txn has compare, then and else, not {sorted(value)}")
    guards = _guards(value.get("compare", []))
    branches = {
        True: micro_operations(value.get("then", [])),
        False: micro_operations(value.get("else", [])),
    }
    if operation.status is not Status.OK:
        return Transaction(guards, None, branches[True] + branches[False], is_answered=False)
    succeeded = result.get("succeeded") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(succeeded, bool):
        raise MalformedError(f"a txn with comparisons says whether they held, not {result!r}")
    if not guards and not succeeded:
        raise MalformedError("a txn without comparisons cannot fail them")
    told = _answered(branches[succeeded], result.get("operations"))
    return Transaction(guards, succeeded, told, is_answered=True)


def micro_operations(value: Json) -> list[Part]:
    """The parts of a transaction.

    Raises:
        MalformedError: it is none.
    """
    if not isinstance(value, list):
        raise MalformedError(f"a txn is a list of micro-operations, not {value!r}")
    parts: list[Part] = []
    for part in value:
        if not isinstance(part, list) or not 3 <= len(part) <= _WITH_LEASE:
            raise MalformedError(f"a micro-operation is [verb, key, value], not {part!r}")
        verb, key, argument = part[:3]
        if not isinstance(verb, str) or verb not in _VERBS:
            raise MalformedError(f"a micro-operation is r, w, append or d, not {verb!r}")
        if len(part) == _WITH_LEASE and verb != "w":
            raise MalformedError(f"only a write has a lease: {part!r}")
        if not isinstance(key, str):
            raise MalformedError(f"a key is a string, not {key!r}")
        parts.append((verb, key, argument))
    return parts


def _answered(asked: list[Part], result: Json) -> list[Part]:
    """The parts with what was told of them; of the others the answer has to be what was asked."""
    told = micro_operations(result)
    is_answer = len(told) == len(asked) and all(
        part[:2] == answer[:2] and (part[0] in {"r", "d"} or part[2] == answer[2])
        for part, answer in zip(asked, told, strict=True)
    )
    if not is_answer:
        raise MalformedError(f"{result!r} is no answer to {asked!r}")
    return told


def _guards(value: Json) -> tuple[Guard, ...]:
    if not isinstance(value, list):
        raise MalformedError(f"comparisons are a list, not {value!r}")
    guards = []
    for part in value:
        if not isinstance(part, list) or len(part) != 4:
            raise MalformedError(f"a comparison is [target, key, relation, value], not {part!r}")
        target, key, relation, expected = part
        is_known = (
            isinstance(target, str)
            and target in {"value", "version", "create_revision", "mod_revision"}
            and isinstance(key, str)
            and isinstance(relation, str)
            and relation in {"=", "!=", "<", ">"}
            and isinstance(expected, str if target == "value" else int)
        )
        if not is_known:
            raise MalformedError(f"a comparison that is not understood: {part!r}")
        guards.append(Guard(str(target), str(key), str(relation), expected))
    return tuple(guards)
