"""The `raftkv` command's first word decides; each command is imported only when it is asked for."""

import sys
from collections.abc import Sequence

from raftkv.cli.outcome import SUCCESS, USAGE_ERROR, version_text

HELP = """raftkv: a key-value store that is etcd to its clients.

Usage:
  raftkv serve [flags]             run one member, with etcd's flags
  raftkv cluster up|down|status    run a local cluster in the background
  raftkv version                   print the versions
  raftkv COMMAND --help            say more about a command

Examples:
  raftkv cluster up
  etcdctl --endpoints=localhost:2379 put greeting hello
  raftkv cluster down
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code.

    Args:
        arguments: The words after the program's name; `sys.argv[1:]` when not given.
    """
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["help"]
    if command == "serve":
        from raftkv.cli.serve.command import serve  # only what is asked for

        return serve(rest)
    if command == "cluster":
        from raftkv.cli.cluster.command import cluster  # only what is asked for

        return cluster(rest)
    if command in ("version", "--version", "-version"):
        sys.stdout.write(version_text())
        return SUCCESS
    if command in ("help", "--help", "-help", "-h"):
        sys.stdout.write(HELP)
        return SUCCESS
    sys.stderr.write(f"raftkv: there is no command {command!r}; `raftkv help` lists them\n")
    return USAGE_ERROR
