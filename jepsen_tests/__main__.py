"""`python -m jepsen_tests`: which command was asked for."""

import sys

import click

from jepsen_tests.commands.check import check
from jepsen_tests.commands.matrix import matrix
from jepsen_tests.commands.mutate import mutate
from jepsen_tests.commands.replay import replay
from jepsen_tests.commands.report import report
from jepsen_tests.commands.run import run
from jepsen_tests.commands.shrink import shrink
from jepsen_tests.commands.sim import sim


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tests a store's consistency: in virtual time from one seed, and on real processes."""


main.add_command(sim)
main.add_command(run)
main.add_command(matrix)
main.add_command(check)
main.add_command(replay)
main.add_command(shrink)
main.add_command(mutate)
main.add_command(report)

if __name__ == "__main__":
    sys.exit(main())
