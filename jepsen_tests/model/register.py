"""Registers: one value a key, written, read, and compared and set."""

from collections.abc import Hashable
from typing import Final

from typing_extensions import override

from jepsen_tests.history import MalformedError, Operation
from jepsen_tests.model.model import (
    ILLEGAL,
    Action,
    Illegal,
    PerKey,
    frozen,
    is_refusal,
    pair,
)


class Register(PerKey):
    """`write` and `read`; null is what a register holds that was never written."""

    name = "register"
    functions = frozenset({"read", "write"})
    initial: Hashable = None

    def step(self, state: Hashable, action: Action) -> Hashable | Illegal:
        """A read sees what was written last."""
        if action.function == "write":
            return action.value
        return state if not action.is_known or action.result == state else ILLEGAL


class CasRegister(Register):
    """A register with `cas` besides, whose result is false where it found something else.

    One that was refused by an error has the status `fail` instead, and says nothing of the value.
    """

    name = "cas-register"
    functions = frozenset({"read", "write", "cas"})

    @override
    def step(self, state: Hashable, action: Action) -> Hashable | Illegal:
        """A compare-and-set writes just when it finds what it expects."""
        if action.function != "cas":
            return super().step(state, action)
        expected, new = pair(action)
        if action.is_known and is_refusal(action.result) != (state != expected):
            return ILLEGAL
        return new if state == expected else state


VersionedState = tuple[int, Hashable]
_ABSENT: Final = 0


class VersionedRegister(PerKey):
    """A register that counts its writes, as etcd's keys do.

    `read` gives [version, value], with version 0 and null before the first write. `write` and
    `cas` give the version they made, or null where it was not asked for; a refused `cas` false.
    """

    name = "versioned-register"
    functions = frozenset({"read", "write", "cas"})
    initial: VersionedState = (_ABSENT, None)

    def step(self, state: VersionedState, action: Action) -> VersionedState | Illegal:
        """Each write makes the next version."""
        version, value = state
        match action.function:
            case "read":
                return state if not action.is_known or action.result == state else ILLEGAL
            case "write":
                new = action.value
            case _:
                expected, new = pair(action)
                is_refused = value != expected
                if action.is_known and is_refusal(action.result) != is_refused:
                    return ILLEGAL
                if is_refused:
                    return state
        if isinstance(action.result, int) and action.result != version + 1:
            return ILLEGAL
        return version + 1, new

    @override
    def action(self, operation: Operation) -> Action:
        """Null, where something was read, is the register that was never written."""
        action = super().action(operation)
        if action.function != "read" or not action.is_known:
            return action
        result = (_ABSENT, None) if operation.result is None else frozen(operation.result)
        if not isinstance(result, tuple) or len(result) != 2:
            raise MalformedError(f"a versioned read gives [version, value], not {result!r}")
        return action._replace(result=result)
