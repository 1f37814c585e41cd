"""Lets all checkers judge a run, and prints what they say."""

import traceback
from collections.abc import Iterator

import click

from jepsen_tests.check.compose import compose
from jepsen_tests.check.crashes import CRASHES
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Finding, State, Verdict, worst
from jepsen_tests.workload.workload import Workload

FINDINGS_SHOWN_MAX = 3
"""Of one checker; all are in the run's folder."""


def judge(history: History, workload: Workload) -> tuple[Verdict, ...]:
    """The verdicts of the checkers of every run, and of the workload's own."""
    try:
        return compose(history, (*workload.checkers, CRASHES))
    except Exception as error:  # noqa: BLE001 - a checker that stumbles says nothing of the store
        what = f"A checker failed: {type(error).__name__}: {error}"
        finding = Finding(what, details=traceback.format_exc())
        return (Verdict("checkers", State.HARNESS, (finding,)),)


def counted(history: History) -> str:
    """What happened, in numbers."""
    by_status = dict.fromkeys(Status, 0)
    for operation in history.operations:
        by_status[operation.status] += 1
    made = sum(not band.skipped for band in history.faults)
    numbers = ", ".join(f"{count} {status}" for status, count in by_status.items())
    return f"{len(history.operations)} operations ({numbers}), {made} faults"


def told(history: History, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    """The lines for a person: what was skipped, what is wrong, and the verdict."""
    yield counted(history)
    reasons = {band.name: band.skipped for band in history.faults if band.skipped}
    for name, reason in sorted(reasons.items()):
        yield f"skipped {name}: {reason}"
    for verdict in verdicts:
        if verdict.state is State.VALID:
            continue
        note = f" ({verdict.note})" if verdict.note else ""
        yield f"{verdict.checker}: {verdict.state.word}{note}"
        for finding in verdict.findings[:FINDINGS_SHOWN_MAX]:
            yield f"  {finding.what}"
    yield f"{worst(verdicts).word}"


def judged_and_told(history: History, workload: Workload) -> tuple[Verdict, ...]:
    """Judges a run and prints what there is to say."""
    verdicts = judge(history, workload)
    for line in told(history, verdicts):
        click.echo(line)
    return verdicts
