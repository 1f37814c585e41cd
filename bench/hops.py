"""`python -m bench.hops`: CPU microseconds a put at each member, and in which package they go.

The sum is exact, CPU seconds of the process over operations, and so is its division among threads.
Within a thread it is a sample: `py-spy` (a development tool, `pip install py-spy`) looks at the
stacks a few hundred times a second, and each sample counts for the innermost frame that lies in a
package of raftkv; time in C functions called from there is therefore that package's. Without
py-spy only the sums are printed.
"""

import collections
import operator
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bench.clusters import STORES, StoreName, program, running
from bench.measure import figures_of, generate
from bench.processes import thread_cpu_seconds
from bench.rows import THROUGHPUT, rows_named

SAMPLES_A_SECOND: Final = 250
THREAD: Final = re.compile(r"thread \((?P<id>\d+)\)")
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
        if location and location["path"].endswith("asyncio/runners.py"):
            return "event loop"
        if found:
            return f"{found['hop']}/{found['file']}" if files and found["file"] else found["hop"]
    return "interpreter"


def shares(samples: str, cpu: dict[int, float], *, files: bool) -> dict[str, float]:
    """Each hop's share of the process's CPU time, the greatest first.

    Args:
        samples: lines of a stack, a space and a count, as `py-spy record --format raw --threads`
            writes; a stack begins with `thread (ID): NAME`.
        cpu: CPU seconds by thread id. A thread that only waits is sampled as well, in the call it
            waits in, and must not count for it.
        files: by file instead of by package.
    """
    by_thread: dict[int, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, _, frames = stack.partition(";")
        found = THREAD.match(thread)
        if found:
            by_thread[int(found["id"])][hop_of(frames, files=files)] += int(count)
    total = sum(cpu.get(number, 0.0) for number in by_thread) or 1.0
    hops: dict[str, float] = collections.defaultdict(float)
    for number, counts in by_thread.items():
        for hop, samples_here in counts.items():
            hops[hop] += cpu.get(number, 0.0) / total * samples_here / counts.total()
    ordered = sorted(hops.items(), key=operator.itemgetter(1), reverse=True)
    return {hop: share for hop, share in ordered if share}


class Sampler:
    """py-spy on one process, and the CPU time of its threads meanwhile."""

    def __init__(self, pid: int, seconds: float, file: Path) -> None:
        self._pid = pid
        self._file = file
        self._before = thread_cpu_seconds(pid)
        # Stopping the process for each sample would change what is measured.
        options = ["--format=raw", "--threads", "--nonblocking", f"--rate={SAMPLES_A_SECOND}"]
        options += [f"--duration={round(seconds)}", f"--pid={pid}", f"--output={file}"]
        self._process = subprocess.Popen(
            [program("py-spy"), "record", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self, *, files: bool) -> dict[str, float]:
        """Each hop's share of the CPU time since the beginning."""
        after = thread_cpu_seconds(self._pid)
        self._process.wait()
        cpu = {thread: used - self._before.get(thread, 0.0) for thread, used in after.items()}
        return shares(self._file.read_text(), cpu, files=files)


def table_of(columns: list[dict[str, float]], sums: list[float]) -> Table:
    """Microseconds of the leader and of a follower by hop, the leader's greatest first."""
    table = Table("microseconds", "leader", "follower")
    for hop in list(columns[0]) + [hop for hop in columns[1] if hop not in columns[0]]:
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
        with tempfile.TemporaryDirectory() as directory:
            samplers = [
                Sampler(member.pid, seconds, Path(directory) / member.name)
                for member in (leader, follower)
            ]
            generate(spec)
            columns = [sampler.finish(files=files) for sampler in samplers]
    console.print(table_of(columns, sums))


if __name__ == "__main__":
    main()
