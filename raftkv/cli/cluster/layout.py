"""What a local cluster consists of: names, addresses, files, and how a member is started."""

import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

FORMAT_VERSION = 1
HOST = "127.0.0.1"
OWN_SERVER = (sys.executable, "-P", "-m", "raftkv", "serve")
CLUSTER_FILE = "cluster.json"


class ClusterError(Exception):
    """Why a command could not be carried out; its text is for the person who gave it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name and its two ports."""

    name: str
    client_port: int
    peer_port: int

    @property
    def client_url(self) -> str:
        """Where clients reach it."""
        return f"http://{HOST}:{self.client_port}"

    @property
    def peer_url(self) -> str:
        """Where the other members reach it."""
        return f"http://{HOST}:{self.peer_port}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A cluster: what `cluster.json` remembers of it."""

    token: str
    members: tuple[Member, ...]
    server: tuple[str, ...] = ()
    """The command that is started with a member's flags; `raftkv serve` when empty."""
    flags: tuple[str, ...] = ()
    """Flags that every member gets besides its own."""

    @classmethod
    def make(
        cls, ports: list[tuple[int, int]], server: tuple[str, ...], flags: tuple[str, ...]
    ) -> Self:
        """A new cluster with a member for each pair of client port and peer port."""
        members = tuple(Member(f"m{number}", *pair) for number, pair in enumerate(ports, start=1))
        return cls(f"local-{secrets.token_hex(4)}", members, server, flags)

    def member(self, name: str) -> Member:
        """The member with this name.

        Raises:
            ClusterError: There is none.
        """
        for member in self.members:
            if member.name == name:
                return member
        names = ", ".join(member.name for member in self.members)
        raise ClusterError(f"there is no member {name!r}; there are {names}")


class Directory:
    """The directory of a cluster: where its files are."""

    def __init__(self, path: Path) -> None:
        """Names a directory, which need not exist."""
        self.path = path.absolute()

    def data(self, name: str) -> Path:
        """A member's data."""
        return self.path / name / "data"

    def log(self, name: str) -> Path:
        """A member's log: everything that it writes to stdout and stderr."""
        return self.path / name / "log"

    def pid(self, name: str) -> Path:
        """A member's process id, for people and scripts."""
        return self.path / name / "pid"

    def load(self) -> Layout | None:
        """The cluster that is here, or None.

        Raises:
            ClusterError: What is here cannot be read.
        """
        file = self.path / CLUSTER_FILE
        try:
            return _from_json(json.loads(file.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClusterError(f"cannot read {file}: {error!r}") from error

    def save(self, layout: Layout) -> None:
        """Writes `cluster.json`, at once or not at all."""
        file = self.path / CLUSTER_FILE
        new = file.with_suffix(".new")
        document = {"format": FORMAT_VERSION, **asdict(layout)}
        with new.open("w") as stream:
            json.dump(document, stream, indent=2)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)


def _from_json(document: dict[str, Any]) -> Layout:
    """The layout that `Directory.save` wrote."""
    if document["format"] != FORMAT_VERSION:
        raise ValueError(f"format {document['format']}, this program reads {FORMAT_VERSION}")
    return Layout(
        token=document["token"],
        members=tuple(Member(**member) for member in document["members"]),
        server=tuple(document["server"]),
        flags=tuple(document["flags"]),
    )


def command_line(layout: Layout, directory: Directory, member: Member) -> list[str]:
    """The command that runs a member; its flags mean the same to etcd."""
    cluster = ",".join(f"{other.name}={other.peer_url}" for other in layout.members)
    return [
        *(layout.server or OWN_SERVER),
        f"--name={member.name}",
        data_dir_flag(directory, member.name),
        f"--listen-client-urls={member.client_url}",
        f"--advertise-client-urls={member.client_url}",
        f"--listen-peer-urls={member.peer_url}",
        f"--initial-advertise-peer-urls={member.peer_url}",
        f"--initial-cluster={cluster}",
        f"--initial-cluster-token={layout.token}",
        "--initial-cluster-state=new",
        *layout.flags,
    ]


def data_dir_flag(directory: Directory, name: str) -> str:
    """The word on a member's command line that no other process has."""
    return f"--data-dir={directory.data(name)}"
