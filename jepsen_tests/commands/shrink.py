"""`shrink`: makes a run that fails as small as it gets, and writes it down as a test."""

import sys
from pathlib import Path

import click

from jepsen_tests.commands.scenario_options import choice_of, scenario_options
from jepsen_tests.commands.workload_runs import judge_one, read_scenario
from jepsen_tests.found_files import FOUND, describe, write_test
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.sim.shrinking import RUNS_MAX
from jepsen_tests.sim.shrinking import shrink as make_smaller
from jepsen_tests.verdict import State


@click.command()
@scenario_options
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=RUNS_MAX,
    show_default=True,
    help="How many runs it may take.",
)
@click.option(
    "--found",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOUND,
    help="Where the test is written; without it: jepsen_tests/found.",
)
def shrink(
    *, where: str, workload: str, seconds: float, plan_file: Path | None, runs: int, found: Path
) -> None:
    """Shrinks a run that fails: one kept in DIR, or that of a SEED.

    Exits with 1 when it failed and was shrunk, else as `sim` does.
    """
    scenario = read_scenario(where, choice_of(workload, seconds, plan_file))
    judged = judge_one(scenario, None)
    if judged.state is not State.INVALID:
        click.echo("there is nothing to shrink", err=True)
        sys.exit(judged.state)

    def tell(simpler: Scenario, done: int) -> None:
        click.echo(f"{done} runs: {describe(simpler)}", err=True)

    shrunk = make_smaller(judged, runs, tell)
    judge_one(shrunk.scenario, None)
    found.mkdir(parents=True, exist_ok=True)
    path = write_test(shrunk.judged, found)
    ended = "nothing simpler fails" if shrunk.is_final else "it may get smaller with more --runs"
    click.echo(f"{shrunk.runs} runs, {ended}; written to {path}")
    sys.exit(State.INVALID)
