"""Real members in processes of their own: etcd's, and ours, with the same flags."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from raftkv.pb import rpc_pb2 as pb

START_SECONDS_MAX = 30
POLL_SECONDS = 0.05
PROGRAMS: dict[str, list[str]] = {
    "etcd": ["etcd", "--unsafe-no-fsync"],
    "raftkv": ["raftkv", "serve"],
}


def program(name: str) -> str:
    """A program that is installed beside this interpreter."""
    return str(Path(sys.executable).parent / name)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass
class Process:
    """One member of a cluster."""

    name: str
    endpoint: str
    peer_url: str
    popen: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Ends it, at once if it does not end by itself."""
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Cluster:
    """Members of one kind, in a directory of their own."""

    def __init__(self, kind: str, size: int = 1, *flags: str) -> None:
        self.kind = kind
        self.directory = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
        self.members: list[Process] = []
        ports = free_ports(2 * size)
        names = [f"m{number + 1}" for number in range(size)]
        urls = [f"http://127.0.0.1:{port}" for port in ports[size:]]
        peers = ",".join(f"{name}={url}" for name, url in zip(names, urls, strict=True))
        try:
            for name, port, url in zip(names, ports, urls, strict=False):
                self.start(name, port, url, peers, "new", *flags)
            for member in self.members:
                wait_until_ready(member)
        except BaseException:
            self.stop()
            raise

    @property
    def endpoints(self) -> str:
        """Where clients are served, as etcdctl takes it."""
        return ",".join(member.endpoint for member in self.members)

    def start(
        self, name: str, port: int, peer_url: str, peers: str, state: str, *flags: str
    ) -> Process:
        """Starts one member; it may not be ready yet."""
        first, *more = PROGRAMS[self.kind]
        url = f"http://127.0.0.1:{port}"
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [
                    program(first),
                    *more,
                    f"--name={name}",
                    f"--data-dir={self.directory / name}",
                    f"--listen-client-urls={url}",
                    f"--advertise-client-urls={url}",
                    f"--listen-peer-urls={peer_url}",
                    f"--initial-advertise-peer-urls={peer_url}",
                    f"--initial-cluster={peers}",
                    f"--initial-cluster-state={state}",
                    "--initial-cluster-token=conformance",
                    *flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        member = Process(name, f"127.0.0.1:{port}", peer_url, popen, log)
        self.members.append(member)
        return member

    def stop(self) -> None:
        """Ends every member and deletes what they wrote."""
        for member in self.members:
            member.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def wait_until_ready(member: Process) -> None:
    """Returns when a member answers a linearizable read."""
    with grpc.insecure_channel(member.endpoint) as channel:
        get = channel.unary_unary("/etcdserverpb.KV/Range")
        for _ in range(int(START_SECONDS_MAX / POLL_SECONDS)):
            try:
                get(pb.RangeRequest(key=b"ready").SerializeToString(), timeout=1)
            except grpc.RpcError:
                if member.popen.poll() is not None:
                    break
                time.sleep(POLL_SECONDS)
            else:
                return
    pytest.fail(f"{member.log} says:\n{tail(member.log)}")


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-3_000:]
