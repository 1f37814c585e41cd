"""Running workloads on simulated clusters from the command line: many seeds, or one to look at."""

import json
import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from jepsen_tests.commands.seeds import leave_interrupts
from jepsen_tests.found_files import describe, reason_of
from jepsen_tests.history import Json, MalformedError
from jepsen_tests.plan import Plan
from jepsen_tests.plan_json import plan_from_json
from jepsen_tests.report.run_folder import VERDICTS
from jepsen_tests.report.verdicts import save_verdicts
from jepsen_tests.sim.scenario import Scenario, scenario_from_json
from jepsen_tests.sim.swarm import SECONDS, draw
from jepsen_tests.sim.workload_run import Judged, judge
from jepsen_tests.verdict import State
from jepsen_tests.workload.catalogue import WORKLOADS

ANY = "any"
"""The workload that each seed draws for itself."""
HISTORY_FILE = "history.jsonl"
PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What runs have in common."""

    workload: str
    seconds: float
    plan: Plan | None

    def scenario(self, seed: int) -> Scenario:
        """The scenario of a seed."""
        names = sorted(WORKLOADS) if self.workload == ANY else [self.workload]
        return draw(seed, names, seconds=self.seconds, the_plan=self.plan)


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker tells of a seed."""

    seed: int
    workload: str
    state: State
    reason: str


def judged_seeds(choice: Choice, seeds: Iterable[int], jobs: int) -> Iterator[Told]:
    """What each seed comes to, in the order of the seeds."""
    work = partial(_judge, choice)
    if jobs == 1:
        yield from map(work, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, leave_interrupts) as pool:
        yield from pool.imap(work, seeds)


def _judge(choice: Choice, seed: int) -> Told:
    judged = judge(choice.scenario(seed))
    return Told(seed, judged.scenario.workload, judged.state, reason_of(judged))


def judge_one(scenario: Scenario, out: Path | None) -> Judged:
    """Runs a scenario, says what it came to, and keeps it where it is wanted."""
    judged = judge(scenario)
    click.echo(f"{describe(scenario)}: {judged.state.word}")
    for verdict in judged.verdicts:
        note = f" ({verdict.note})" if verdict.note else ""
        click.echo(f"  {verdict.checker}: {verdict.state.word}{note}")
        for finding in verdict.findings:
            click.echo(f"    {finding.what}")
            if verdict.state is State.HARNESS:
                click.echo(finding.details, err=True)
    click.echo(
        f"  {len(judged.history.operations)} operations, {len(judged.history.watches)} responses "
        f"of watches, {judged.events} events in {judged.virtual_seconds:g} virtual seconds"
    )
    if out is not None:
        save(judged, out)
    return judged


def save(judged: Judged, out: Path) -> None:
    """Keeps a run: its history, its verdicts, and what runs it again."""
    out.mkdir(parents=True, exist_ok=True)
    judged.history.save(out / HISTORY_FILE)
    save_verdicts(out / VERDICTS, judged.verdicts)
    document = json.dumps(judged.scenario.to_json(), indent=2)
    (out / PLAN_FILE).write_text(document + "\n", encoding="ascii")
    click.echo(f"  kept in {out}")


def read_plan(path: Path) -> Plan:
    """The plan of a file: a list of faults, or a kept run.

    Raises:
        click.UsageError: It has none.
    """
    document = _document(path)
    try:
        if isinstance(document, dict):
            return scenario_from_json(document).plan
        return plan_from_json(document)
    except MalformedError as error:
        raise click.UsageError(f"{path}: {error}") from error


def read_scenario(where: str, choice: Choice) -> Scenario:
    """The scenario of a kept run or of a seed.

    Raises:
        click.UsageError: It is neither.
    """
    if where.isdecimal():
        return choice.scenario(int(where))
    path = Path(where)
    path = path / PLAN_FILE if path.is_dir() else path
    try:
        return _known(scenario_from_json(_document(path)))
    except MalformedError as error:
        raise click.UsageError(f"{path}: {error}") from error


def _known(scenario: Scenario) -> Scenario:
    if scenario.workload not in WORKLOADS:
        raise MalformedError(f"there is no workload {scenario.workload!r}")
    return scenario


def _document(path: Path) -> Json:
    try:
        document: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    return document


def failure(told: Told, choice: Choice) -> str:
    """What failed, and how to see it again."""
    what = "invalid" if told.state is State.INVALID else "the harness failed"
    again = f"python -m jepsen_tests replay {told.seed}"
    if choice.workload != ANY:
        again += f" --workload {choice.workload}"
    if choice.seconds != SECONDS:
        again += f" --seconds {choice.seconds:g}"
    if choice.plan is not None:
        again += " --plan FILE"
    return f"seed {told.seed}, {told.workload}: {what}\n  {told.reason}\nagain: {again}"
