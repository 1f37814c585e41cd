"""`run`: one workload against real processes, with faults, and the verdict."""

import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from jepsen_tests.commands.real_run import Asked, run_and_judge, why_not_here
from jepsen_tests.commands.workload_runs import read_plan
from jepsen_tests.history import History, MalformedError
from jepsen_tests.plan import FAULTS, Plan
from jepsen_tests.plan_json import plan_from_json
from jepsen_tests.process.schedule import DRAWS
from jepsen_tests.verdict import State
from jepsen_tests.workload.catalogue import WORKLOADS

SEED_MAX = 1 << 32
RUNS = Path("runs")
"""Where runs go that were not told where to."""
TARGETS = ("raftkv", "etcd")
FAULT_NAMES = tuple(name for name, kind in FAULTS.items() if kind in DRAWS)


class FaultSet(click.ParamType[tuple[str, ...]]):
    """`kill,pause,partition`, or `none`."""

    name = "FAULT,..."

    @override
    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Reads it."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if names == ("none",):
            return ()
        for name in names:
            if name not in FAULT_NAMES:
                known = ", ".join(FAULT_NAMES)
                self.fail(f"there is no fault {name!r}; there are {known}, and none", param, ctx)
        return names


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that `run` and `matrix` have in common."""
    options = [
        click.option(
            "--target",
            type=click.Choice(TARGETS),
            default="raftkv",
            show_default=True,
            help="Which server the members are.",
        ),
        click.option(
            "--etcd",
            type=click.Path(exists=True, dir_okay=False),
            help="The etcd program; without it the one beside this Python, or in PATH.",
        ),
        click.option(
            "--time",
            "seconds",
            type=click.FloatRange(min=1, max=24 * 3600),
            default=60,
            show_default=True,
            help="Seconds of load and faults.",
        ),
        click.option(
            "--rate",
            type=click.FloatRange(min=0.1, max=10_000),
            default=200,
            show_default=True,
            help="Operations a second, of all clients together.",
        ),
        click.option(
            "--settle",
            "settle_seconds",
            type=click.FloatRange(min=0, max=3600),
            default=16,
            show_default=True,
            help="Seconds from the end of all faults to the final reads; liveness takes 16.",
        ),
        click.option("--members", type=click.IntRange(min=1, max=7), default=3, show_default=True),
        click.option(
            "--clients", type=click.IntRange(min=1, max=200), default=10, show_default=True
        ),
        click.option("--seed", type=click.IntRange(0, SEED_MAX), help="Of chance; else a new one."),
        click.option(
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            help=f"Where everything is kept; without it a new folder in {RUNS}.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option(
    "--workload",
    type=click.Choice(sorted(WORKLOADS)),
    default="register",
    show_default=True,
    help="What the clients do.",
)
@click.option(
    "--faults",
    type=FaultSet(),
    default="kill,pause,partition",
    show_default=True,
    help="The kinds of faults, or `none`.",
)
@click.option(
    "--plan",
    "plan_of",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the plan of this history, or of this kept simulation, instead of drawing one.",
)
@shared_options
def run(*, plan_of: Path | None, etcd: str | None, out: Path | None, **words: Any) -> None:  # noqa: ANN401
    """Runs a workload against a real cluster in network namespaces while faults are made.

    Needs root. Exits with 0 when every promise was kept, 1 when one was broken, 2 when that could
    not be told, 3 when the harness failed.
    """
    if reason := why_not_here():
        click.echo(f"this machine can't run a cluster: {reason}", err=True)
        sys.exit(State.HARNESS)
    words["seed"] = secrets.randbelow(SEED_MAX) if words["seed"] is None else words["seed"]
    plan = None if plan_of is None else _plan_of(plan_of)
    folder = new_folder(out, f"{words['target']}-{words['workload']}")
    sys.exit(run_and_judge(Asked(**words, etcd=etcd or "", out=folder, plan=plan)))


def _plan_of(path: Path) -> Plan:
    """The plan of a history, of a simulated run that was kept, or by itself."""
    if path.suffix != ".jsonl":
        return read_plan(path)
    try:
        return plan_from_json(History.load(path).run.plan)
    except MalformedError as error:
        raise click.UsageError(str(error)) from error


def new_folder(out: Path | None, what: str) -> Path:
    """Where a run goes: nothing may be there, since members would start with what they find."""
    folder = out or RUNS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{what}"
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; a run needs a folder of its own")
    return folder
