"""Bugs in real processes: planted when a process starts, since none can be reached from outside."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from jepsen_tests.planted.bugs import bug_named
from jepsen_tests.planted.planting import Bed, Bug

ENVIRONMENT_NAME = "RAFTKV_PLANTED"
"""Names the bug to plant."""
ROOT = Path(__file__).parents[2]
_BOOT = Path(__file__).parent / "boot"
_TESTS_SECONDS_MAX = 300
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", re.MULTILINE)


def plant_for_good(name: str) -> None:
    """Plants a bug into this process until it ends."""
    bug_named(name).plant(Bed(ExitStack()))


def environment(bug: Bug) -> dict[str, str]:
    """The environment in which every Python process has the bug."""
    path = os.environ.get("PYTHONPATH")
    paths = [str(_BOOT), *([path] if path else [])]
    return {**os.environ, ENVIRONMENT_NAME: bug.name, "PYTHONPATH": os.pathsep.join(paths)}


def failing_test(bug: Bug) -> tuple[str, str] | None:
    """The first of the bug's tests that fails with it, and why; None if all of them pass."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-m",
        "not soak",
        "-p",
        "no:cacheprovider",
    ]
    with subprocess.Popen(
        [*command, *bug.tests],
        cwd=ROOT,
        env=environment(bug),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as tests:
        try:
            output, _ = tests.communicate(timeout=_TESTS_SECONDS_MAX)
        finally:
            # What a failing test started, it may not have ended.
            with suppress(ProcessLookupError):
                os.killpg(tests.pid, signal.SIGKILL)
    found = _FAILED.search(output)
    if found is None:
        assert tests.returncode == 0, f"pytest ended with {tests.returncode}: {output[-2_000:]}"
        return None
    return found[1], found[2] or "failed"
