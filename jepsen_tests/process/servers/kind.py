"""What the harness has to know about a kind of server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jepsen_tests.process.subnets import CLIENT_PORT, PEER_PORT


@dataclass(frozen=True, slots=True)
class Launch:
    """What a member is started with; the flags mean the same to every kind of server."""

    name: str
    address: str
    data: Path
    peers: tuple[tuple[str, str], ...]
    """Names and addresses of all members that it starts with, its own among them."""
    token: str
    is_new_cluster: bool = True
    """False: it was added to a cluster that runs."""

    def flags(self) -> list[str]:
        """The flags of its start."""
        client_url = f"http://{self.address}:{CLIENT_PORT}"
        cluster = ",".join(f"{name}={peer_url(address)}" for name, address in self.peers)
        return [
            f"--name={self.name}",
            f"--data-dir={self.data}",
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--listen-peer-urls={peer_url(self.address)}",
            f"--initial-advertise-peer-urls={peer_url(self.address)}",
            f"--initial-cluster={cluster}",
            f"--initial-cluster-token={self.token}",
            f"--initial-cluster-state={'new' if self.is_new_cluster else 'existing'}",
        ]


def peer_url(address: str) -> str:
    """Where other members reach the member at this address."""
    return f"http://{address}:{PEER_PORT}"


class ServerKind(Protocol):
    """One kind of server."""

    @property
    def name(self) -> str:
        """As the command line and the history have it."""

    @property
    def preload(self) -> str:
        """Why a library can't be put between it and the system (LD_PRELOAD); empty: it can."""

    def command(self, launch: Launch) -> list[str]:
        """The command that runs a member."""

    async def version(self) -> str:
        """What is tested; raises ProgramError when it can't be run."""

    def files(self, data: Path, of: str) -> list[Path]:
        """The files that hold the `log`, the `state` or a `snapshot`; the newest first."""
