"""What the kernel knows about a process: CPU seconds and memory (proc(5))."""

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

QUIET_SECONDS: Final = 0.5
"""How long the machine must be quiet to count as quiet."""
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Memory of one process, in bytes."""

    resident: int
    """VmRSS: pages in memory now, those of mapped files among them."""
    peak: int
    """VmHWM: the most it ever was."""
    anonymous: int
    """RssAnon: pages that no file backs; what the kernel cannot drop."""


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of the process, in steps of 10 ms."""
    # The second field is the program's name in parentheses and may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def thread_cpu_seconds(pid: int) -> dict[int, float]:
    """User and system time of each thread of the process that lives now, by thread id."""
    threads = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        fields = stat.read_text().rpartition(")")[2].split()
        threads[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
    return threads


def machine_busy_seconds() -> float:
    """CPU time that anything on this machine has used since boot, all cores together."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _waiting, interrupt, soft_interrupt, stolen = fields[:8]
    return (user + nice + system + interrupt + soft_interrupt + stolen) / _TICKS_A_SECOND


def wait_until_quiet(share_max: float, seconds_max: float) -> None:
    """Waits until all processes together use less than that share of one core, or for so long."""
    stop = time.monotonic() + seconds_max
    while time.monotonic() < stop:
        before = machine_busy_seconds()
        time.sleep(QUIET_SECONDS)
        if machine_busy_seconds() - before < share_max * QUIET_SECONDS:
            return


def memory(pid: int) -> Memory:
    """Memory of the process now and at its peak."""
    fields = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        fields[name] = value
    resident, peak, anonymous = (
        int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM", "RssAnon")
    )
    return Memory(resident, peak, anonymous)
