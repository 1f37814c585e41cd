"""Our own server."""

import sys
from pathlib import Path

from jepsen_tests.process.servers.kind import Launch
from jepsen_tests.process.shell import run

FLAGS = (
    "--heartbeat-interval=100",
    "--election-timeout=1000",
    "--log-level=info",
    # So few that a run has snapshots and members that need one.
    "--snapshot-count=500",
    "--snapshot-catchup-entries=100",
)


class RaftkvServer:
    """`raftkv serve` of this source tree."""

    name = "raftkv"
    preload = ""

    def __init__(self, flags: tuple[str, ...] = ()) -> None:
        self._flags = (*FLAGS, *flags)

    def command(self, launch: Launch) -> list[str]:
        """The command that runs a member."""
        program = [sys.executable, "-P", "-m", "raftkv", "serve"]
        return [*program, *launch.flags(), *self._flags]

    async def version(self) -> str:
        """What is tested."""
        said = await run(sys.executable, "-P", "-m", "raftkv", "serve", "--version")
        return said.splitlines()[0]

    def log_files(self, data: Path) -> list[Path]:
        """The Raft log, as far as it has files of its own; otherwise it is in the state's."""
        files = [path for path in sorted(data.rglob("*")) if path.is_file()]
        own = [path for path in files if path.suffix != ".mdb"]
        return own[::-1] or self.state_files(data)

    def state_files(self, data: Path) -> list[Path]:
        """LMDB's."""
        return sorted(data.rglob("data.mdb"))
