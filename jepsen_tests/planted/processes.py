"""Bugs in real processes: planted when a process starts, since none can be reached from outside."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
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
    done = subprocess.run(
        [*command, *bug.tests],
        cwd=ROOT,
        env=environment(bug),
        capture_output=True,
        text=True,
        timeout=_TESTS_SECONDS_MAX,
        check=False,
    )
    found = _FAILED.search(done.stdout)
    if found is None:
        assert done.returncode == 0, f"pytest ended with {done.returncode}: {done.stdout[-2_000:]}"
        return None
    return found[1], found[2] or "failed"
