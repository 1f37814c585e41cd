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

    def files(self, data: Path, of: str) -> list[Path]:
        """LMDB's file is the state; the Raft log has files of its own, or is in there too."""
        files = [path for path in sorted(data.rglob("*")) if path.is_file()]
        state = [path for path in files if path.name == "data.mdb"]
        others = [path for path in files if path.suffix not in (".mdb", ".lock")]
        return (others[::-1] or state) if of == "log" else state
