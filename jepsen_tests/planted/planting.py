"""How a bug is planted: a function of the product is replaced, and put back afterwards."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Suite(StrEnum):
    """Who is expected to find a bug."""

    SIM = "sim"
    """The simulator."""
    TESTS = "tests"
    """Tests of the product that run what the simulator replaces: real files, real processes."""


class Bed:
    """Replaces attributes of modules and classes, and remembers what was there."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo

    def replace(self, owner: Any, name: str, new: Any) -> None:  # noqa: ANN401 - any attribute
        """Puts `new` in the place of an attribute that exists."""
        old = getattr(owner, name)
        setattr(owner, name, new)
        self._undo.callback(setattr, owner, name, old)

    def wrap(self, owner: Any, name: str, around: Callable[..., Any]) -> None:  # noqa: ANN401
        """The same; `around` is called with what was there before, then with the arguments."""
        old = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return around(old, *args, **kwargs)

        self.replace(owner, name, wrapped)


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug that can be planted."""

    name: str
    source: str
    """Where it, or its like, was found: a project and the number of its report."""
    breaks: str
    """The rule it breaks, as the product states it."""
    plant: Callable[[Bed], None]
    trouble: Mapping[str, Any] = field(default_factory=dict)
    """Faults, by their name in `Faults`, without which it would take long to show."""
    suite: Suite = Suite.SIM
    tests: tuple[str, ...] = ()
    """Of a bug that only tests of the product can find: which."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A known bug that can't be planted, since the product has no place for it."""

    name: str
    source: str
    why: str
    nearest: str = ""
    """The planted bug that comes closest."""


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The product has the bug meanwhile."""
    with ExitStack() as undo:
        bug.plant(Bed(undo))
        yield
