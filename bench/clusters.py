"""Starts and stops clusters of etcd and raftkv members: real processes, the same flags for both."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from bench.channel import CallFailedError, call
from bench.replies import ProtocolError
from bench.workloads.kv import RANGE_PATH, get_request
from raftkv.pb import rpc_pb2

StoreName = Literal["etcd", "raftkv"]
STORES: Final[tuple[StoreName, ...]] = ("etcd", "raftkv")
PROGRAMS: Final[dict[StoreName, list[str]]] = {"etcd": ["etcd"], "raftkv": ["raftkv", "serve"]}

STATUS_PATH: Final = "/etcdserverpb.Maintenance/Status"
START_SECONDS_MAX: Final = 30.0
QUOTA_BYTES: Final = 8 << 30
"""Room for some minutes of puts; etcd's own default of 2 GiB would end a long run."""

NOT_ANSWERING: Final = (OSError, CallFailedError, ProtocolError)
"""What a call raises while a member is down, starting, or without a leader."""


class NotReadyError(Exception):
    """A member did not come up; the text has the end of its log."""


def program(name: str) -> str:
    """The path of a program: beside this interpreter first, then in PATH.

    Raises:
        FileNotFoundError: it is not installed.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name} is neither in {beside} nor in PATH")
    return found


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def status_of(endpoint: str, timeout_seconds: float = 1.0) -> rpc_pb2.StatusResponse:
    """What a member says about itself; raises one of NOT_ANSWERING."""
    return rpc_pb2.StatusResponse.FromString(call(endpoint, STATUS_PATH, b"", timeout_seconds))


def leader_of(endpoints: list[str], seconds_max: float = 10.0) -> str:
    """The endpoint of the member that says it leads and that all others follow.

    Raises:
        NotReadyError: there is none in that time.
    """
    stop = time.monotonic() + seconds_max
    while time.monotonic() < stop:
        with contextlib.suppress(*NOT_ANSWERING):
            statuses = [status_of(endpoint) for endpoint in endpoints]
            if len({status.leader for status in statuses}) == 1:
                for endpoint, status in zip(endpoints, statuses, strict=True):
                    if status.leader and status.leader == status.header.member_id:
                        return endpoint
        time.sleep(0.02)
    raise NotReadyError(f"no leader among {', '.join(endpoints)} in {seconds_max} s")


class External:
    """A cluster that somebody else runs; its processes are out of sight."""

    def __init__(self, endpoints: list[str]) -> None:
        self.endpoints = [endpoint.removeprefix("http://") for endpoint in endpoints]
        self.pids: list[int] = []

    def leader_endpoint(self) -> str:
        """Where the leader listens; raises NotReadyError if there is none for some time."""
        return leader_of(self.endpoints)


class Member:
    """One process of a cluster; it can be killed and started again on the same data."""

    def __init__(self, name: str, command: list[str], endpoint: str, log: Path) -> None:
        self.name = name
        self.endpoint = endpoint
        """`host:port` for clients."""
        self.log = log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Starts the process; it is not ready yet."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Ends it with SIGKILL and waits until it is gone."""
        self.stop(signal.SIGKILL)

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """Ends it with that signal and waits; with SIGKILL if it takes over 10 s."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal_number)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def status(self) -> rpc_pb2.StatusResponse:
        """What it says about itself; raises one of NOT_ANSWERING."""
        return status_of(self.endpoint)

    def wait_ready(self, seconds_max: float = START_SECONDS_MAX) -> None:
        """Waits until it answers a linearizable read.

        Raises:
            NotReadyError: it does not in that time, or its process has ended.
        """
        stop = time.monotonic() + seconds_max
        while time.monotonic() < stop:
            with contextlib.suppress(*NOT_ANSWERING):
                call(self.endpoint, RANGE_PATH, get_request(b"ready"), 1.0)
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.005)
        tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
        raise NotReadyError(
            f"{self.name} is not ready after {seconds_max} s; its log ends:\n{tail}"
        )


class Cluster:
    """Members of one store on this machine, in a temporary directory that goes with them."""

    def __init__(self, store: StoreName, members: int = 3, directory: Path | None = None) -> None:
        """Chooses ports and directories; starts nothing.

        Args:
            store: which program.
            members: how many.
            directory: where the data go; both stores must be given the same file system.
        """
        self.store: StoreName = store
        self.directory = Path(tempfile.mkdtemp(prefix=f"bench-{store}-", dir=directory))
        ports = free_ports(2 * members)
        names = [f"m{number + 1}" for number in range(members)]
        peers = {name: f"http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}
        self.members: list[Member] = []
        for name, port in zip(names, ports[members:], strict=True):
            endpoint = f"127.0.0.1:{port}"
            command = [
                program(PROGRAMS[store][0]),
                *PROGRAMS[store][1:],
                f"--name={name}",
                f"--data-dir={self.directory / name}",
                f"--listen-client-urls=http://{endpoint}",
                f"--advertise-client-urls=http://{endpoint}",
                f"--listen-peer-urls={peers[name]}",
                f"--initial-advertise-peer-urls={peers[name]}",
                f"--initial-cluster={','.join(f'{n}={url}' for n, url in peers.items())}",
                "--initial-cluster-token=bench",
                "--initial-cluster-state=new",
                f"--quota-backend-bytes={QUOTA_BYTES}",
                "--log-level=warn",
            ]
            log = self.directory / f"{name}.log"
            self.members.append(Member(name, command, endpoint, log))

    @property
    def endpoints(self) -> list[str]:
        """Where clients connect, a member each."""
        return [member.endpoint for member in self.members]

    @property
    def pids(self) -> list[int]:
        """The members' processes, in the same order."""
        return [member.pid for member in self.members]

    def start(self) -> None:
        """Starts all members and waits until each answers; raises NotReadyError."""
        for member in self.members:
            member.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Waits until each member answers; raises NotReadyError."""
        for member in self.members:
            member.wait_ready()

    def leader_endpoint(self) -> str:
        """Where the leader listens; raises as `leader`."""
        return self.leader().endpoint

    def leader(self) -> Member:
        """The member that leads; raises NotReadyError if there is none for some time."""
        endpoint = leader_of(self.endpoints)
        return next(member for member in self.members if member.endpoint == endpoint)

    def signal(self, number: int) -> None:
        """Sends a signal to all members."""
        for member in self.members:
            os.kill(member.pid, number)

    def close(self) -> None:
        """Kills the members and removes their data."""
        for member in self.members:
            member.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def running(store: StoreName, members: int = 3, directory: Path | None = None) -> Iterator[Cluster]:
    """A cluster that is up inside the `with` and gone after it, whatever happens."""
    cluster = Cluster(store, members, directory)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
