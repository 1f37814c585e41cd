"""`raftkv cluster`: its words, options and help; what they do is in `operations`."""

import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypedDict, Unpack

import click

from raftkv.cli.cluster import logs, operations, processes, table
from raftkv.cli.cluster.layout import ClusterError, Directory
from raftkv.cli.cluster.operations import Request
from raftkv.cli.cluster.processes import Child
from raftkv.cli.cluster.progress import progress_display
from raftkv.cli.cluster.welcome import welcome
from raftkv.cli.outcome import FAILED, SUCCESS, USAGE_ERROR

INTERRUPTED = 130
UP_SECONDS_MAX = 60.0
WATCH_SECONDS = 0.5

Function = Callable[..., Any]


def cluster(arguments: Sequence[str]) -> int:
    """Runs `raftkv cluster`; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        code = commands.main(list(arguments), prog_name="raftkv cluster", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE_ERROR
    except ClusterError as error:
        click.echo(f"raftkv cluster: {error}", err=True)
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("raftkv cluster: interrupted", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else SUCCESS


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """Treats the end of the terminal, or of the service that runs us, as Ctrl-C."""
    raise KeyboardInterrupt


def in_directory(function: Function) -> Function:
    """Gives a command the option for the cluster's directory."""
    return click.option(
        "--data-dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=".raftkv",
        show_default=True,
        callback=lambda _context, _option, path: Directory(path),
        help="The cluster's directory: data, logs and process ids.",
    )(function)


class Asked(TypedDict):
    """The options of `up` that say what the cluster shall be."""

    members: int | None
    base_port: int | None
    free_ports: bool
    flags: tuple[str, ...]


seconds_option = click.option(
    "--timeout",
    "seconds_max",
    type=click.FloatRange(min=0),
    default=UP_SECONDS_MAX,
    show_default=True,
    help="Seconds to wait until the members are healthy.",
)
names_argument = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Runs a local cluster, its members in the background.

    \b
    Examples:
      raftkv cluster up
      raftkv cluster up --members 5 --free-ports --data-dir /tmp/five
      raftkv cluster kill m1; raftkv cluster status; raftkv cluster restart m1
      raftkv cluster down
    """  # noqa: D301 - click's mark for lines that it must not join


@commands.command()
@in_directory
@seconds_option
@click.option("--members", type=click.IntRange(min=1), help="How many members.  [default: 3]")
@click.option(
    "--base-port",
    type=click.IntRange(1, 65_000),
    help="Use this port and the following ones instead of the usual ones.",
)
@click.option("--free-ports", is_flag=True, help="Use any ports that are free.")
@click.option("--foreground", is_flag=True, help="Stay, and stop everything on Ctrl-C.")
@click.option("--server", default="", help="Run this command instead of `raftkv serve`: 'etcd'.")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- FLAG...]")
def up(
    directory: Directory,
    seconds_max: float,
    *,
    foreground: bool,
    server: str,
    **asked: Unpack[Asked],
) -> int:
    """Starts a cluster, or what is missing of it, and returns when it is healthy.

    What stands after `--` are flags of `raftkv serve` for every member. The usual ports are 2379,
    22379 and 32379 for clients, 12380, 22380 and 32380 between the members.

    \b
    Examples:
      raftkv cluster up
      raftkv cluster up --members 5 --free-ports
      raftkv cluster up -- --snapshot-count=1000 --log-level=debug
    """  # noqa: D301 - as above
    if asked["free_ports"] and asked["base_port"]:
        raise click.UsageError("--free-ports and --base-port contradict each other")
    request = Request(server=tuple(shlex.split(server)), **asked)
    with operations.locked(directory), progress_display() as progress:
        layout, children = operations.up(directory, request, progress, seconds_max)
    click.echo(welcome(layout, directory))
    return _stay(directory, children) if foreground else SUCCESS


def _stay(directory: Directory, children: dict[str, Child]) -> int:
    """Says when a member ends, until interrupted; then stops all."""
    click.echo("Press Ctrl-C to stop the cluster.")
    try:
        while True:
            for name in [name for name, child in children.items() if child.exit_code() is not None]:
                code = children.pop(name).exit_code()
                click.echo(f"{name} ended with exit code {code}; see {directory.log(name)}")
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        _down(directory)
        return SUCCESS


@commands.command()
@in_directory
@click.option("--delete", is_flag=True, help="Delete the cluster's data and logs as well.")
def down(directory: Directory, *, delete: bool) -> None:
    """Stops all members; their data stays for the next `up`.

    Works after a crash too, and without the cluster's files.
    """
    with operations.locked(directory):
        _down(directory)
        if delete:
            operations.delete(directory)
            click.echo(f"deleted {directory.path}")


def _down(directory: Directory) -> None:
    """Stops all members and says which."""
    stopped = processes.stop(directory)
    click.echo(f"stopped {', '.join(sorted(stopped))}" if stopped else "nothing runs")


@commands.command()
@in_directory
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table")
def status(directory: Directory, output: str) -> int:
    """Shows every member; the exit code is 0 when the cluster has a leader."""
    rows = table.rows(operations.existing(directory), directory)
    table.show(rows, as_json=output == "json")
    return SUCCESS if any(row.role == "leader" for row in rows) else FAILED


@commands.command(name="logs")
@in_directory
@click.option("-n", "--lines", default=20, show_default=True, help="So many lines of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def show_logs(directory: Directory, lines: int, names: tuple[str, ...], *, follow: bool) -> None:
    """Shows the last lines of the members' logs."""
    layout = operations.existing(directory)
    members = [layout.member(name) for name in names] or layout.members
    files = {member.name: directory.log(member.name) for member in members}
    logs.show(files, lines, sys.stdout)
    if follow:
        logs.follow(files, sys.stdout)


@commands.command()
@in_directory
@names_argument
def kill(directory: Directory, names: tuple[str, ...]) -> None:
    """Ends members at once, as `kill -9` or a power failure would."""
    _signal(directory, names, "killed", lambda found: processes.kill(directory, found))


@commands.command()
@in_directory
@names_argument
def pause(directory: Directory, names: tuple[str, ...]) -> None:
    """Freezes members (SIGSTOP): they live, but do nothing and answer nobody."""
    _signal(
        directory,
        names,
        "paused",
        lambda found: processes.signal_members(directory, found, signal.SIGSTOP),
    )


@commands.command()
@in_directory
@names_argument
def resume(directory: Directory, names: tuple[str, ...]) -> None:
    """Lets paused members go on."""
    _signal(
        directory,
        names,
        "resumed",
        lambda found: processes.signal_members(directory, found, signal.SIGCONT),
    )


def _signal(
    directory: Directory,
    names: tuple[str, ...],
    done: str,
    action: Callable[[set[str]], set[str]],
) -> None:
    """Does something to members that run.

    Raises:
        ClusterError: One of them does not exist, or does not run.
    """
    with operations.locked(directory):
        layout = operations.existing(directory)
        asked = {layout.member(name).name for name in names}
        reached = action(asked)
    for name in sorted(reached):
        click.echo(f"{done} {name}")
    if asked - reached:
        raise ClusterError(f"{', '.join(sorted(asked - reached))} does not run")


@commands.command()
@in_directory
@seconds_option
@names_argument
def restart(directory: Directory, seconds_max: float, names: tuple[str, ...]) -> None:
    """Stops members that still run, starts them with their data, and waits until healthy."""
    with operations.locked(directory), progress_display() as progress:
        layout = operations.existing(directory)
        members = [layout.member(name) for name in dict.fromkeys(names)]
        processes.stop(directory, set(names))
        operations.start_and_wait(directory, layout, members, progress, seconds_max)
