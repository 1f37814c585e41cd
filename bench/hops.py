"""`python -m bench.hops`: CPU microseconds a put at each member, and in which package they go.

The sum is exact: CPU seconds of the process over operations. Its division among packages is a
sample: `py-spy` (a development tool, `pip install py-spy`) looks at the member's stack a few
hundred times a second, and each sample counts for the innermost frame that lies in a package of
raftkv; time in C functions called from there is therefore that package's. Without py-spy only the
sums are printed.
"""

import collections
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bench.clusters import STORES, StoreName, program, running
from bench.measure import figures_of, generate
from bench.rows import THROUGHPUT, rows_named

SAMPLES_A_SECOND: Final = 500
FRAME: Final = re.compile(r"\((?P<path>[^()]*):\d+\)$")
OURS: Final = re.compile(r".*raftkv/(?P<hop>[a-z_]+)(?:/(?P<file>[a-z_0-9]+))?")


def hop_of(stack: str, *, files: bool) -> str:
    """The package (or file) of raftkv that a sampled stack was in.

    Args:
        stack: frames from the outermost to the innermost, with `;` between them, as py-spy writes.
        files: name the file too.
    """
    for frame in reversed(stack.split(";")):
        location = FRAME.search(frame)
        found = OURS.match(location["path"]) if location else None
        if found:
            return f"{found['hop']}/{found['file']}" if files and found["file"] else found["hop"]
    return "interpreter"


def shares(samples: str, *, files: bool) -> dict[str, float]:
    """Each hop's share of the samples, the greatest first.

    Args:
        samples: lines of a stack, a space and a count, as `py-spy record --format raw` writes.
        files: by file instead of by package.
    """
    counts: collections.Counter[str] = collections.Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        counts[hop_of(stack, files=files)] += int(count)
    total = counts.total()
    return {hop: count / total for hop, count in counts.most_common()}


def samples_during(work: Callable[[], object], pids: list[int], seconds: float) -> list[str]:
    """py-spy's samples of each process while the work is done.

    Args:
        work: takes about `seconds`.
        pids: which processes; they must run Python.
        seconds: how long to sample.
    """
    options = ["--format=raw", f"--rate={SAMPLES_A_SECOND}", f"--duration={round(seconds)}"]
    with tempfile.TemporaryDirectory() as directory:
        files = {pid: Path(directory) / str(pid) for pid in pids}
        samplers = [
            subprocess.Popen(
                [program("py-spy"), "record", *options, f"--pid={pid}", f"--output={file}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for pid, file in files.items()
        ]
        work()
        for sampler in samplers:
            sampler.wait()
        return [file.read_text() for file in files.values()]


def table_of(samples: list[str], sums: list[float], *, files: bool) -> Table:
    """Microseconds of the leader and of a follower by hop, the leader's greatest first."""
    columns = [shares(text, files=files) for text in samples]
    table = Table("microseconds", "leader", "follower")
    hops = list(columns[0]) + [hop for hop in columns[1] if hop not in columns[0]]
    for hop in hops:
        microseconds = [
            total * column.get(hop, 0.0) for total, column in zip(sums, columns, strict=True)
        ]
        table.add_row(hop, *(f"{each:.2f}" for each in microseconds))
    return table


@click.command()
@click.option("--store", type=click.Choice(STORES), default="raftkv", show_default=True)
@click.option("--row", default="put-leader", show_default=True, help="A row of `python -m bench`.")
@click.option("--seconds", default=5.0, show_default=True, help="Length of the measurement.")
@click.option("--files", is_flag=True, help="Divide by file instead of by package.")
def main(*, store: StoreName, row: str, seconds: float, files: bool) -> None:
    """Prints CPU microseconds an operation by member, and by package if py-spy is there."""
    console = Console()
    with running(store) as cluster:
        leader = cluster.leader()
        place = cluster.members.index(leader)
        follower = cluster.members[(place + 1) % len(cluster.members)]
        spec = rows_named([row])[0].spec(
            leader.endpoint, cluster.endpoints, seconds=seconds, prefix="hops", pids=cluster.pids
        )
        figures = figures_of(generate(spec), place)
        sums = [figures["leader_cpu_us"], figures["follower_cpu_us"]]
        console.print(
            f"{row}: {figures[THROUGHPUT]:,.0f} op/s, microseconds an operation: "
            f"leader {sums[0]:.1f}, follower {sums[1]:.1f}, "
            f"generator {figures['generator_cpu_us']:.1f}"
        )
        if store == "etcd" or not shutil.which("py-spy", path=Path(sys.executable).parent):
            console.print("Not divided by package: that takes a Python member, and py-spy.")
            return
        # A second run: what sampling costs must not be in the sums.
        pids = [leader.pid, follower.pid]
        samples = samples_during(lambda: generate(spec), pids, seconds)
    console.print(table_of(samples, sums, files=files))


if __name__ == "__main__":
    main()
