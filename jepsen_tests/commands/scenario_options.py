"""The options that make a seed a scenario, of `replay` and `shrink`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jepsen_tests.commands.workload_runs import ANY, Choice, read_plan
from jepsen_tests.sim.swarm import SECONDS
from jepsen_tests.workload.catalogue import WORKLOADS


def scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds them to a command."""
    options = (
        click.argument("where", metavar="DIR|SEED"),
        click.option(
            "--workload",
            type=click.Choice([*WORKLOADS, ANY]),
            default=ANY,
            show_default=True,
            help="Of a seed: which workload; any: as the seed draws it.",
        ),
        click.option(
            "--seconds",
            type=click.FloatRange(min=0.1, max=86_400.0),
            default=SECONDS,
            show_default=True,
            help="Of a seed: how long clients ask.",
        ),
        click.option(
            "--plan",
            "plan_file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Of a seed: the faults, as JSON; without it the seed draws them.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def choice_of(workload: str, seconds: float, plan_file: Path | None) -> Choice:
    """What the options say."""
    return Choice(workload, seconds, read_plan(plan_file) if plan_file is not None else None)
