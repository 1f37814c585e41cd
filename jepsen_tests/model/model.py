"""What a model is: an initial state, and a pure step that allows an action or does not."""

from collections.abc import Hashable
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol, TypeVar

from jepsen_tests.history import Json, MalformedError, Operation, Status


class Illegal(Enum):
    """The type of `ILLEGAL`."""

    ILLEGAL = auto()


ILLEGAL: Final = Illegal.ILLEGAL
"""What a step gives when no store in this state could have answered so."""


class Action(NamedTuple):
    """What an operation means to a model: hashable, so that equal ones are understood once."""

    function: str
    value: Hashable
    result: Hashable
    is_known: bool = True
    """Whether there was an answer: without one, any result will do."""
    revision: int = 0
    """Only for the models that look at it."""


S = TypeVar("S", bound=Hashable)


class Model(Protocol[S]):
    """A sequential specification. It may never change a state that it was given."""

    @property
    def name(self) -> str:
        """As the command line has it."""

    @property
    def functions(self) -> frozenset[str]:
        """The operations it understands; a checker leaves out the others, and says so."""

    @property
    def initial(self) -> S:
        """The state before anything happened."""

    def part(self, operation: Operation) -> str:
        """Which independent part of the store this is about: each is judged by itself."""

    def action(self, operation: Operation) -> Action:
        """What the operation means."""

    def is_pure(self, action: Action) -> bool:
        """Whether it never changes a state that allows it."""

    def step(self, state: S, action: Action) -> S | Illegal:
        """The state after the action, or `ILLEGAL`."""


class PerKey:
    """A model each of whose operations is about one key, and changes nothing when it only reads."""

    functions: frozenset[str]
    reads: frozenset[str] = frozenset({"read"})

    def part(self, operation: Operation) -> str:
        """Its key."""
        return operation.key

    def action(self, operation: Operation) -> Action:
        """Value and result, as they are.

        Raises:
            MalformedError: a read asks for more than the key as it is now.
        """
        if operation.function in self.reads and operation.value is not None:
            raise MalformedError(
                f"{operation.function} with {operation.value!r} is not for a model of single keys"
            )
        is_known = operation.status is Status.OK
        result = frozen(operation.result) if is_known else None
        return Action(operation.function, frozen(operation.value), result, is_known)

    def is_pure(self, action: Action) -> bool:
        """Reads are, and a compare-and-set that found something else."""
        return action.function in self.reads or (
            action.function == "cas" and action.is_known and is_refusal(action.result)
        )


class Truth(Enum):
    """JSON's true and false, which are not 1 and 0."""

    TRUE = auto()
    FALSE = auto()


def frozen(value: Json) -> Hashable:
    """A JSON value that can be hashed; true and 1 stay different."""
    if isinstance(value, bool):
        return Truth.TRUE if value else Truth.FALSE
    if isinstance(value, list):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple(sorted((name, frozen(part)) for name, part in value.items()))
    return value


def is_refusal(result: Hashable) -> bool:
    """Whether the result of a compare-and-set says that it found something else."""
    return result is Truth.FALSE


def pair(action: Action) -> tuple[Hashable, Hashable]:
    """The two parts of a compare-and-set: what it expects, what it writes.

    Raises:
        MalformedError: it has not two.
    """
    if isinstance(action.value, tuple) and len(action.value) == 2:
        return action.value
    raise MalformedError(f"cas takes [expected, new], not {action.value!r}")
