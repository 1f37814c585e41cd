"""A member's process: what the harness did to it is not taken for its own doing."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jepsen_tests.process.members import Condition, Files, Member
from jepsen_tests.process.shell import missing_programs

SLEEPING = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: None)
print("up", flush=True)
while True:
    time.sleep(1)
""",
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_programs("setpriv")), reason="setpriv is not installed"),
]


async def started(directory: Path, command: list[str]) -> Member:
    """A member that is up."""
    member = Member("m1", "198.18.0.10", Files(directory / "m1"))
    member.start(command, {"SAID": "so"})
    await until(lambda: "up" in member.log_tail())
    return member


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that another process does; pytest says when it takes too long."""
    while not condition():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.005)


def test_a_member_that_is_killed_did_not_end_by_itself(tmp_path: Path) -> None:
    async def body() -> None:
        member = await started(tmp_path, SLEEPING)
        killing = asyncio.ensure_future(member.kill())
        while not killing.done():
            assert member.ended_by_itself() is None
            await asyncio.sleep(0)
        assert member.pid is None
        assert member.condition is Condition.STOPPED

    asyncio.run(body())


def test_a_member_that_ends_by_itself_is_seen_to(tmp_path: Path) -> None:
    async def body() -> None:
        member = await started(tmp_path, [*SLEEPING[:2], "print('up'); raise SystemExit(3)"])
        await until(lambda: member.pid is None)
        assert member.ended_by_itself() == 3
        await member.kill()
        assert member.ended_by_itself() is None

    asyncio.run(body())


def test_a_paused_member_can_be_killed_and_started_again(tmp_path: Path) -> None:
    async def body() -> None:
        member = await started(tmp_path, SLEEPING)
        member.pause()
        assert member.condition is Condition.PAUSED
        await member.kill()
        member.start(SLEEPING, {})
        assert member.starts == 2
        assert member.resident_bytes() > 0
        await member.kill()
        assert member.resident_bytes() == 0

    asyncio.run(body())


def test_a_member_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jepsen_tests.process.members.STOP_SECONDS_MAX", 0.2)

    async def body() -> None:
        member = await started(tmp_path, STUBBORN)
        await member.stop()
        assert member.pid is None

    asyncio.run(body())


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_member_dies_with_the_harness(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from jepsen_tests.tests.process.test_members import SLEEPING, started\n"
        "member = asyncio.run(started(Path(sys.argv[1]), SLEEPING))\n"
        "print(member.pid, flush=True); os.kill(os.getpid(), 9)"
    )

    async def body() -> None:
        harness = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, str(tmp_path)), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await harness.communicate()
        assert harness.returncode == -signal.SIGKILL
        pid = int(output)
        await until(lambda: not is_alive(pid))

    asyncio.run(body())
