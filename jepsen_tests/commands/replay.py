"""`replay`: runs a kept run or a seed again, exactly as it was."""

import sys
import tempfile
from pathlib import Path

import click

from jepsen_tests.commands.scenario_options import choice_of, scenario_options
from jepsen_tests.commands.workload_runs import HISTORY_FILE, judge_one, read_scenario
from jepsen_tests.history import History


@click.command()
@scenario_options
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the history is kept.",
)
def replay(
    *, where: str, workload: str, seconds: float, plan_file: Path | None, out: Path | None
) -> None:
    """Runs a workload's run again: one kept in DIR, or that of a SEED.

    Says whether the history is the kept one. Exits as `sim` does.
    """
    scenario = read_scenario(where, choice_of(workload, seconds, plan_file))
    judged = judge_one(scenario, out)
    kept = Path(where) / HISTORY_FILE
    if kept.is_file():
        is_same = _bytes_of(judged.history) == kept.read_bytes()
        click.echo(f"  the history is {'the kept one' if is_same else 'another one'}")
    sys.exit(judged.state)


def _bytes_of(history: History) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / HISTORY_FILE
        history.save(path)
        return path.read_bytes()
