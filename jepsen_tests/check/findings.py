"""From findings to a verdict: a handful shows what is wrong, ten thousand hide it."""

from collections.abc import Iterable
from itertools import islice

from jepsen_tests.verdict import Finding, State, Verdict

FINDINGS_MAX = 10
"""A checker stops after that many."""


def judged(checker: str, findings: Iterable[Finding], note: str = "") -> Verdict:
    """The verdict on what was found: nothing, or something."""
    shown = tuple(islice(findings, FINDINGS_MAX))
    state = State.INVALID if shown else State.VALID
    if len(shown) == FINDINGS_MAX:
        note = f"{note}; " * bool(note) + f"stopped after {FINDINGS_MAX} findings"
    return Verdict(checker, state, shown, note)
