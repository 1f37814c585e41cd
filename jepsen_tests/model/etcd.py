"""One key of etcd: value, version, creation and modification revision.

The function `range` is about the one key that it names here; what spans keys is the revision
checker's (`check/revision.py`), which falls back to this model for the key it cannot order.
"""

from typing import NamedTuple, TypeAlias

from typing_extensions import override

from jepsen_tests.history import Json, MalformedError, Operation
from jepsen_tests.model.model import ILLEGAL, Action, Illegal, PerKey, is_refusal, pair


class Stored(NamedTuple):
    """The key as it stands; a revision of 0 is not known, since its writer got no answer."""

    value: object
    version: int
    create_revision: int
    mod_revision: int


class Absent(NamedTuple):
    """The key is not there."""

    since_revision: int


KeyState: TypeAlias = Stored | Absent
_NOTHING = Absent(0)
_METADATA = {"value", "version", "create_revision", "mod_revision"}


def _without_metadata(state: KeyState) -> KeyState:
    return Stored(state.value, 0, 0, 0) if isinstance(state, Stored) else _NOTHING


class EtcdKey(PerKey):
    """`put` (or `write`), `append`, `delete`, `cas`, `range` and `read` of one key, with metadata.

    `delete` gives how many keys it deleted, or null where it was about others too; `range` a list
    of key-values.
    """

    name = "etcd"
    functions = frozenset({"put", "write", "append", "delete", "cas", "range", "read"})
    reads = frozenset({"range", "read"})

    def __init__(self, initial: KeyState = _NOTHING, *, has_metadata: bool = True) -> None:
        """Without metadata only values count, and there are fewer states."""
        self.initial = initial if has_metadata else _without_metadata(initial)
        self._has_metadata = has_metadata

    @override
    def action(self, operation: Operation) -> Action:
        """The revision counts too, of what may have written."""
        action = super().action(operation)
        if action.function == "delete" and operation.value is not None:
            raise MalformedError(f"delete with {operation.value!r} is not about a single key")
        if action.function == "range" and action.is_known:
            _verify_range(operation)
        if action.function in self.reads:
            return action
        return action._replace(revision=operation.revision if action.is_known else 0)

    @override
    def is_pure(self, action: Action) -> bool:
        """A delete that found nothing is pure as well."""
        return super().is_pure(action) or (
            action.function == "delete" and action.is_known and action.result == 0
        )

    def step(self, state: KeyState, action: Action) -> KeyState | Illegal:
        """As etcd's documentation has it."""
        after = _after(state, action)
        return after if self._has_metadata or after is ILLEGAL else _without_metadata(after)


def _after(state: KeyState, action: Action) -> KeyState | Illegal:
    match action.function:
        case "put" | "write":
            return _written(state, action.value, action.revision)
        case "append":
            before = state.value if isinstance(state, Stored) else None
            elements = before if isinstance(before, tuple) else ()
            return _written(state, (*elements, action.value), action.revision)
        case "cas":
            return _compared_and_set(state, action)
        case "delete":
            return _deleted(state, action)
        case _:
            return state if not action.is_known or _explains(state, action) else ILLEGAL


def _last_revision(state: KeyState) -> int:
    return state.mod_revision if isinstance(state, Stored) else state.since_revision


def _written(state: KeyState, value: object, revision: int) -> KeyState | Illegal:
    last = _last_revision(state)
    if revision and revision < last:
        return ILLEGAL
    if isinstance(state, Stored):
        # A transaction that writes a key twice makes one version.
        is_same = bool(revision) and revision == last
        return Stored(value, state.version + (not is_same), state.create_revision, revision)
    return Stored(value, 1, revision, revision)


def _compared_and_set(state: KeyState, action: Action) -> KeyState | Illegal:
    expected, new = pair(action)
    found = state.value if isinstance(state, Stored) else None
    if action.is_known and is_refusal(action.result) != (found != expected):
        return ILLEGAL
    return _written(state, new, action.revision) if found == expected else state


def _deleted(state: KeyState, action: Action) -> KeyState | Illegal:
    is_there = isinstance(state, Stored)
    is_counted = action.is_known and action.result is not None
    if is_counted and (action.result != 0) != is_there:
        return ILLEGAL
    if not is_there:
        return state
    if action.revision and action.revision <= _last_revision(state):
        return ILLEGAL
    return Absent(action.revision)


def _explains(state: KeyState, action: Action) -> bool:
    """Whether what was read is this state, as far as it is known."""
    if action.function == "read":
        return action.result == (state.value if isinstance(state, Stored) else None)
    assert isinstance(action.result, tuple), action.result
    if not action.result:
        return isinstance(state, Absent)
    if not isinstance(state, Stored):
        return False
    found = dict(action.result[0])
    return (
        found["value"] == state.value
        and found["version"] == state.version
        and _agree(found["create_revision"], state.create_revision)
        and _agree(found["mod_revision"], state.mod_revision)
    )


def _verify_range(operation: Operation) -> None:
    found = operation.result
    if not isinstance(found, list) or len(found) > 1 or not all(map(_is_found, found)):
        raise MalformedError(f"a range of one key gives a list of one or none, not {found!r}")


def _is_found(kv: Json) -> bool:
    return isinstance(kv, dict) and kv.keys() >= _METADATA


def _agree(seen: int, known: int) -> bool:
    return known in {0, seen}
