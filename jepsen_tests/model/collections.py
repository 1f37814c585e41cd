"""Models of values that grow: strings and lists that are appended to, and sets."""

from collections.abc import Hashable

from typing_extensions import override

from jepsen_tests.history import MalformedError, Operation
from jepsen_tests.model.model import ILLEGAL, Action, Illegal, PerKey


class KeyedStrings(PerKey):
    """`get`, `put` and `append` on strings, as in porcupine's recorded histories."""

    name = "kv"
    functions = frozenset({"get", "put", "append"})
    reads = frozenset({"get"})
    initial = ""

    def step(self, state: str, action: Action) -> str | Illegal:
        """A string is what was put last, and all that was appended since."""
        if action.function == "get":
            return state if not action.is_known or _or(action.result, "") == state else ILLEGAL
        if not isinstance(action.value, str):
            raise MalformedError(f"{action.function} takes a string, not {action.value!r}")
        return action.value if action.function == "put" else state + action.value


class AppendList(PerKey):
    """`append` adds one element at the end; `read` gives the whole list."""

    name = "append"
    functions = frozenset({"append", "read"})
    initial: tuple[Hashable, ...] = ()

    def step(self, state: tuple[Hashable, ...], action: Action) -> tuple[Hashable, ...] | Illegal:
        """A list has what was appended, in that order."""
        if action.function == "append":
            return (*state, action.value)
        return state if not action.is_known or _or(action.result, ()) == state else ILLEGAL


class GrowingSet(PerKey):
    """`add` adds an element; `read` gives all, in any order."""

    name = "set"
    functions = frozenset({"add", "read"})
    initial: frozenset[Hashable] = frozenset()

    def step(self, state: frozenset[Hashable], action: Action) -> frozenset[Hashable] | Illegal:
        """A set has what was added."""
        if action.function == "add":
            return state | {action.value}
        return state if not action.is_known or action.result == state else ILLEGAL

    @override
    def action(self, operation: Operation) -> Action:
        """What was read has no order."""
        action = super().action(operation)
        if action.function != "read" or not action.is_known:
            return action
        elements = _or(action.result, ())
        if not isinstance(elements, tuple):
            raise MalformedError(f"a set is read as a list, not as {elements!r}")
        if len(set(elements)) != len(elements):
            raise MalformedError(f"an element is twice in the set {elements!r}")
        return action._replace(result=frozenset(elements))


def _or(result: Hashable, empty: Hashable) -> Hashable:
    """What was read; null is what was never written."""
    return empty if result is None else result
