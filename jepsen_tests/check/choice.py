"""Which checkers a stored history calls for, told by what is in it."""

from jepsen_tests.check.append import Appends
from jepsen_tests.check.bank import Bank
from jepsen_tests.check.etcd_operations import UNDERSTOOD, is_of_the_past
from jepsen_tests.check.linear import STEPS_MAX, Linearizability
from jepsen_tests.check.revision import Revisions
from jepsen_tests.check.serializable import PastReads
from jepsen_tests.check.set import SetReads
from jepsen_tests.history import History, MalformedError
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.verdict import Checker

_GUESSED = ("register", "cas-register", "kv", "mutex", "etcd")
"""The models to try, from the simplest, where answers have no revisions."""


def checkers_for(history: History, steps_max: int = STEPS_MAX) -> tuple[Checker, ...]:
    """The checkers for a history, of which each finds what others do not.

    The steps are those of a search for a linearization, where there is one.

    Raises:
        MalformedError: none understands its operations.
    """
    functions = history.by_function.keys()
    if not functions:
        return ()
    chosen: list[Checker] = []
    if "add" in functions:
        chosen.append(SetReads())
    if _has_appends(history):
        chosen.append(Appends())
    if history.run.workload == "bank" or any(fact.name == "bank_total" for fact in history.facts):
        chosen.append(Bank())
    if any(one.revision and one.function in UNDERSTOOD for one in history.operations):
        chosen += [Revisions(), PastReads()]
    return tuple(chosen) or (_by_model(history, steps_max),)


def _has_appends(history: History) -> bool:
    """Whether lists are appended to, which `append` of strings, with `get`, is not."""
    functions = history.by_function
    if "append" in functions and "get" not in functions:
        return True
    return any(
        isinstance(part, list) and part[:1] == ["append"]
        for operation in functions.get("txn", ())
        if isinstance(operation.value, list)
        for part in operation.value
    )


def _by_model(history: History, steps_max: int) -> Checker:
    functions = history.by_function.keys()
    if any(map(is_of_the_past, history.operations)):
        raise MalformedError("reads of the past without revisions cannot be checked")
    for name in _GUESSED:
        if functions <= MODELS[name].functions:
            return Linearizability(MODELS[name], steps_max)
    raise MalformedError(f"no model understands {', '.join(sorted(functions))}; name one")
