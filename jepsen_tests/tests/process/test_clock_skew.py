"""The clock shim: a member's clocks go at the rate they are told, and its waits with them."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jepsen_tests.process import compiling
from jepsen_tests.process.clock_shim.control import ClockControl

PROGRAM = """
import sys, threading, time
def show():
    print(time.monotonic(), time.time(), flush=True)
for line in sys.stdin:
    if line.strip() == "wait":
        condition = threading.Condition()
        with condition:
            condition.wait(0.2)
    show()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled shim."""
    if reason := compiling.why_not():
        pytest.skip(reason)
    path = tmp_path_factory.mktemp("shim") / "clock.so"
    asyncio.run(compiling.compile_shim(compiling.CLOCK, path))
    return path


class Program:
    """A process with the shim, whose clocks can be read."""

    def __init__(self, library: Path, clock: Path) -> None:
        self.control = ClockControl(clock)
        self.popen = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LD_PRELOAD": str(library), "SHIM_CLOCK": str(clock)},
        )

    def clocks(self, order: str = "show") -> tuple[float, float]:
        """Its monotonic and its wall clock, after the order was carried out."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(order + "\n")
        self.popen.stdin.flush()
        monotonic, wall = self.popen.stdout.readline().split()
        return float(monotonic), float(wall)

    def close(self) -> None:
        self.popen.communicate()
        self.control.close()


@pytest.mark.slow
def test_clocks_drift_and_never_jump(library: Path, tmp_path: Path) -> None:
    program = Program(library, tmp_path / "clock")
    right = program.clocks()[0]
    assert abs(right - time.monotonic()) < 0.05
    program.control.skew(rate=5.0)
    first = program.clocks()[0]
    assert right <= first < right + 0.5
    time.sleep(0.2)
    second = program.clocks()[0]
    assert second - first > 0.9
    program.control.skew(rate=0.1)
    third = program.clocks()[0]
    assert second <= third < second + 0.5
    time.sleep(0.2)
    assert program.clocks()[0] - third < 0.1
    assert abs(program.control.ahead_seconds() - (program.clocks()[0] - time.monotonic())) < 0.05
    program.close()


@pytest.mark.slow
def test_the_wall_clock_jumps_by_itself(library: Path, tmp_path: Path) -> None:
    program = Program(library, tmp_path / "clock")
    monotonic, wall = program.clocks()
    program.control.skew(wall_ahead_seconds=-3_600)
    monotonic_after, wall_after = program.clocks()
    assert 0 <= monotonic_after - monotonic < 1
    assert -3_600 <= wall_after - wall < -3_599
    program.close()


@pytest.mark.slow
@pytest.mark.parametrize("rate", [20.0, 0.5])
def test_waits_take_as_long_as_the_shown_clock_says(
    library: Path, tmp_path: Path, rate: float
) -> None:
    program = Program(library, tmp_path / "clock")
    program.control.skew(rate=rate)
    began = program.clocks()[0]
    assert program.control.ahead_seconds() != 0
    waited = program.clocks("wait")[0] - began
    assert 0.2 <= waited < 0.2 + 0.3 * rate
    program.close()
