"""The real etcd."""

from pathlib import Path

from jepsen_tests.process.servers.kind import Launch
from jepsen_tests.process.shell import run

FLAGS = (
    "--heartbeat-interval=100",
    "--election-timeout=1000",
    "--log-level=info",
    "--logger=zap",
    # As Jepsen's test of etcd: so few that a run has snapshots and members that need one.
    "--snapshot-count=100",
)


class EtcdServer:
    """An etcd program, of whatever version."""

    name = "etcd"
    preload = (
        "etcd is a Go program: it makes its system calls itself, and reads the clock without any,"
        " so that no library can come between (LD_PRELOAD)"
    )

    def __init__(self, program: str, flags: tuple[str, ...] = ()) -> None:
        self._program = program
        self._flags = (*FLAGS, *flags)

    def command(self, launch: Launch) -> list[str]:
        """The command that runs a member."""
        return [self._program, *launch.flags(), *self._flags]

    async def version(self) -> str:
        """What is tested."""
        return (await run(self._program, "--version")).splitlines()[0]

    def files(self, data: Path, of: str) -> list[Path]:
        """The write-ahead log, the backend's bbolt file, or a snapshot's meta data."""
        pattern = {"log": "wal/*.wal", "state": "snap/db", "snapshot": "snap/*.snap"}[of]
        return sorted((data / "member").glob(pattern), reverse=True)
