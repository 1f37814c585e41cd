"""Which seeds to run, and running them on several cores, in order."""

import multiprocessing
import secrets
import signal
from collections.abc import Iterable, Iterator
from functools import partial

import click
from typing_extensions import override

from jepsen_tests.sim.verdict import Verdict, judge

_RANDOM_SEED_MAX = 1 << 40


class SeedRange(click.ParamType[range]):
    """`A:B`: the seeds from A up to, but not including, B."""

    name = "A:B"

    @override
    def convert(
        self, value: str | range, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        """Reads it."""
        if isinstance(value, range):
            return value
        first, colon, end = value.partition(":")
        if not (colon and first.isdecimal() and end.isdecimal() and int(first) < int(end)):
            self.fail(f"{value!r} is not A:B with numbers A < B", param, ctx)
        return range(int(first), int(end))


def random_seed() -> int:
    """A seed to begin with."""
    return secrets.randbelow(_RANDOM_SEED_MAX)


def verdicts(seeds: Iterable[int], seconds: int, jobs: int) -> Iterator[Verdict]:
    """The verdict on each seed, in the order of the seeds."""
    run = partial(judge, storm_seconds=seconds)
    if jobs == 1:
        yield from map(run, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, leave_interrupts) as pool:
        yield from pool.imap(run, seeds)


def leave_interrupts() -> None:
    """Ctrl-C is for whoever started the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
