"""One member's process: started, killed, paused, resumed; its files are kept."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

STOP_SECONDS_MAX = 10.0
"""A member that takes longer to stop is killed."""
_POLL_SECONDS = 0.01
_LOG_TAIL_BYTES = 2_000


class Condition(StrEnum):
    """How a member is, as far as the harness has seen to it."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a member's files are: in the folder of the run, and there they stay."""

    directory: Path

    @property
    def disk(self) -> Path:
        """A directory, or where a small file system is mounted."""
        return self.directory / "disk"

    @property
    def data(self) -> Path:
        """What the server keeps."""
        return self.disk / "data"

    @property
    def log(self) -> Path:
        """What the server prints, over all its starts."""
        return self.directory / "log"

    @property
    def shim(self) -> Path:
        """What the storage shim keeps: on the same file system, for hard links."""
        return self.disk / "shim"

    @property
    def clock(self) -> Path:
        """How wrong the member's clocks are, for the clock shim."""
        return self.directory / "clock"


class Member:
    """One member; its process can be started as often as it ends."""

    def __init__(self, name: str, address: str, files: Files) -> None:
        self.name = name
        self.address = address
        self.files = files
        self.condition = Condition.STOPPED
        self.starts = 0
        """How often it was started."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Starts it; it is not ready yet.

        The kernel kills it when this process ends, so that a crash of the harness leaves no
        members.
        """
        assert self.pid is None, f"{self.name} runs already"
        self.files.disk.mkdir(parents=True, exist_ok=True)
        variables = [f"{name}={value}" for name, value in environment.items()]
        # The variables are for the member alone: a library to preload would be for setpriv too.
        whole = ["setpriv", "--pdeathsig", "KILL", "env", *variables, *command]
        with self.files.log.open("ab") as log:
            self._process = subprocess.Popen(
                whole,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        self.starts += 1
        self.condition = Condition.RUNNING

    async def kill(self) -> None:
        """Ends it at once, also when it is paused."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Asks it to end, and kills it when it takes too long."""
        if self.condition is Condition.PAUSED:
            self.resume()
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        # First, so that nobody takes the end that is to come for one without a reason.
        self.condition = Condition.STOPPED
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            if not await _comes_true(lambda: process.poll() is not None, STOP_SECONDS_MAX):
                process.kill()
                await _comes_true(lambda: process.poll() is not None, STOP_SECONDS_MAX)

    def pause(self) -> None:
        """Stops its clock, so to say: it does nothing, and its connections stay."""
        self._signal(signal.SIGSTOP)
        self.condition = Condition.PAUSED

    def resume(self) -> None:
        """Lets it go on as if nothing had been."""
        self._signal(signal.SIGCONT)
        self.condition = Condition.RUNNING

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    def ended_by_itself(self) -> int | None:
        """The exit code of a member that should run and does not, else None."""
        if self.condition is Condition.STOPPED or self._process is None:
            return None
        return self._process.poll()

    def resident_bytes(self) -> int:
        """How much memory its process has; 0 when it does not run."""
        try:
            fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        except OSError:
            return 0
        return int(fields[1]) * os.sysconf("SC_PAGESIZE")

    def wipe(self) -> None:
        """Deletes its data; it must not run."""
        assert self.pid is None, f"{self.name} runs"
        for directory in (self.files.data, self.files.shim):
            if directory.exists():
                shutil.rmtree(directory)

    def log_tail(self) -> str:
        """The end of what it printed."""
        try:
            content = self.files.log.read_bytes()
        except FileNotFoundError:
            return ""
        return content[-_LOG_TAIL_BYTES:].decode(errors="replace")


def _environment() -> dict[str, str]:
    """Ours, without what etcd and raftkv would take for flags."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}


async def _comes_true(condition: Callable[[], bool], seconds_max: float) -> bool:
    for _ in range(int(seconds_max / _POLL_SECONDS)):
        if condition():
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return condition()
