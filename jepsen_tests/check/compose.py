"""Several checkers on one history, in an order in which each failure is told once.

First what all others assume, then whether there is one order of events at all, then whether it
explains the answers, then the promises of watches and all that is built upon those. A checker that
replays the event log is left out once the log is known to be wrong, since it would only say the
same again in other words; so does etcd's robustness suite. What is left out is UNKNOWN, with the
reason. Checkers that are not named here depend on nothing, and always run.
"""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from jepsen_tests.check.assumptions import ASSUMPTIONS
from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.history import History, MalformedError
from jepsen_tests.verdict import Checker, Finding, State, Verdict

_LOG = ("event log",)
_TOLD = (*_LOG, "revision numbers", "watch filter")
"""What puts events into the log that watches then seem to miss."""
ECHOES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "refusals": _LOG,
        "watch resumable": (*_TOLD, "watch start"),
        "watch reliable": _TOLD,
        "watch bookmarkable": _TOLD,
        "kv metadata": _LOG,
        "watch create flag": (*_LOG, "kv metadata"),
        "watch prev_kv": (*_LOG, "kv metadata", "watch create flag"),
        "lease": _LOG,
        "lock": _LOG,
        "election": _LOG,
        "reflector": (*_LOG, "watch resumable", "watch reliable", "watch bookmarkable"),
    }
)
"""The checkers that only echo what others found, and those others."""


def compose(history: History, others: Sequence[Checker] = ()) -> tuple[Verdict, ...]:
    """The verdicts of all checkers of etcd's API, and of a workload's own, in the order of running.

    `others` are those that judge whether one order explains the answers; one that has the name of a
    usual checker is taken instead of that.
    """
    assumed = ASSUMPTIONS.check(history)
    chosen = {checker.name: checker for checker in (*others, *API_CHECKERS)}
    chosen |= {checker.name: checker for checker in others}
    in_order = in_turn(chosen.values())
    if assumed.state is not State.VALID:
        return (assumed, *(_left_out(checker, assumed) for checker in in_order))
    verdicts = [assumed]
    broken: dict[str, Verdict] = {}
    for checker in in_order:
        causes = [broken[name] for name in ECHOES.get(checker.name, ()) if name in broken]
        verdict = _left_out(checker, causes[0]) if causes else _checked(checker, history)
        verdicts.append(verdict)
        if verdict.state is State.INVALID:
            broken[checker.name] = verdict
    return tuple(verdicts)


def in_turn(checkers: Iterable[Checker]) -> list[Checker]:
    """The checkers so that each comes after those which it could echo, else as they were given."""
    waiting = list(checkers)
    names = {checker.name for checker in waiting}
    done: list[Checker] = []
    while waiting:
        present = names - {checker.name for checker in done}
        ready = [each for each in waiting if present.isdisjoint(ECHOES.get(each.name, ()))]
        assert ready, "no two checkers wait for each other"
        done += ready
        waiting = [each for each in waiting if each not in ready]
    return done


def _checked(checker: Checker, history: History) -> Verdict:
    """A verdict also where the checker stumbles: the others may still have something to say."""
    try:
        return checker.check(history)
    except MalformedError as error:
        return Verdict(checker.name, State.HARNESS, note=f"the record is not understood: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it says nothing of the store
        details = "".join(traceback.format_exception(error))
        what = f"The checker stumbled: {type(error).__name__}: {error}."
        return Verdict(checker.name, State.HARNESS, (Finding(what, details=details),))


def _left_out(checker: Checker, cause: Verdict) -> Verdict:
    what = cause.findings[0].what if cause.findings else cause.note
    note = f"left out, since it would only echo {cause.checker!r}: {what}"
    return Verdict(checker.name, State.UNKNOWN, note=note)
