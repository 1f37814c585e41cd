"""`raftkv serve`: reads what was asked for, sets up the log, and runs the member until it ends."""

import logging
import os
import sys
from collections.abc import Mapping, Sequence

from raftkv.cli.outcome import FAILED, SUCCESS, USAGE_ERROR, version_text
from raftkv.cli.serve.flags import GROUPS
from raftkv.cli.serve.log_output import configure_logging, log_config
from raftkv.cli.serve.member_config import member_config
from raftkv.cli.serve.settings import FlagError
from raftkv.cli.serve.sources import collect
from raftkv.config import MemberConfig

log = logging.getLogger(__name__)

HELP_WORDS = frozenset({"-h", "-help", "--help"})
VERSION_WORDS = frozenset({"-version", "--version"})

USAGE = """Runs one member of a cluster until it is told to stop (SIGTERM or Ctrl-C).

Usage:
  raftkv serve [flags]

The flags are etcd's. Each can also be set as a variable: --data-dir as ETCD_DATA_DIR; a flag counts
more than its variable. Durations are written 300ms, 10m or 1h30m.

Examples:
  raftkv serve
  raftkv serve --name a --data-dir /var/lib/raftkv \\
    --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://10.0.0.1:2379 \\
    --listen-peer-urls http://0.0.0.0:2380 --initial-advertise-peer-urls http://10.0.0.1:2380 \\
    --initial-cluster a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380
  raftkv serve --config-file member.yaml
"""


def serve(arguments: Sequence[str]) -> int:
    """Runs a member; returns the exit code: 0 stopped, 1 could not run, 2 wrong flags."""
    if HELP_WORDS & set(arguments):
        sys.stdout.write(help_text())
        return SUCCESS
    if VERSION_WORDS & set(arguments):
        sys.stdout.write(version_text())
        return SUCCESS
    try:
        config = prepare(arguments, os.environ)
    except FlagError as error:
        sys.stderr.write(f"raftkv serve: {error}\n")
        return USAGE_ERROR
    from raftkv.member import StartupError  # wrong flags are told without loading the store
    from raftkv.member import serve as serve_member

    try:
        return serve_member(config)
    except StartupError as error:
        sys.stderr.write(f"raftkv serve: {error}\n")
        return FAILED


def prepare(arguments: Sequence[str], environment: Mapping[str, str]) -> MemberConfig:
    """Makes the member's configuration and sends the log where it shall go.

    Raises:
        FlagError: Something that was asked for is wrong, unknown or not supported.
    """
    settings, warnings = collect(arguments, environment)
    config = member_config(settings)
    configure_logging(log_config(settings))
    for warning in warnings:
        log.warning(warning)
    return config


def help_text() -> str:
    """What `raftkv serve --help` prints: each flag with its default and meaning."""
    lines = [USAGE]
    for group, flags in GROUPS.items():
        lines.append(f"{group}:")
        for flag in flags:
            lines += [f"  --{flag.name} '{flag.default}'", f"      {flag.about}"]
        lines.append("")
    return "\n".join(lines)
