"""A lock that one may hold at a time."""

from jepsen_tests.model.model import ILLEGAL, Action, Illegal, PerKey


class Mutex(PerKey):
    """`acquire` and `release`; who holds it is not asked, since a process may change its number."""

    name = "mutex"
    functions = frozenset({"acquire", "release"})
    reads: frozenset[str] = frozenset()
    initial = False

    def step(self, state: bool, action: Action) -> bool | Illegal:  # noqa: FBT001 - locked or not
        """It is acquired when it is free, and released when it is held."""
        is_acquired = action.function == "acquire"
        return is_acquired if state != is_acquired else ILLEGAL
