"""Members on free ports of this machine: in this process, or each in its own."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from raftkv.config import MemberConfig
from raftkv.member.identity import of_new_cluster
from raftkv.member.member import Member, data_path
from raftkv.pb import rpc_pb2 as pb
from raftkv.storage import DiskStorage, StorageHooks

SECONDS_MAX = 20
"""How long anything here may take on a busy machine."""

SERVE = ("-m", "raftkv", "serve")

Answer = TypeVar("Answer", bound=Message)


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def configs(directory: Path, count: int = 1, token: str = "test") -> list[MemberConfig]:
    """The configurations of a new cluster's members; ticks of 20 ms."""
    ports = free_ports(2 * count)
    names = [f"m{number}" for number in range(1, count + 1)]
    peers = [f"http://127.0.0.1:{port}" for port in ports[:count]]
    clients = [f"http://127.0.0.1:{port}" for port in ports[count:]]
    return [
        MemberConfig(
            name=name,
            data_dir=str(directory / name),
            listen_client_urls=(client,),
            advertise_client_urls=(client,),
            listen_peer_urls=(peer,),
            initial_advertise_peer_urls=(peer,),
            initial_cluster=tuple(zip(names, peers, strict=True)),
            initial_cluster_token=token,
            heartbeat_interval_ms=20,
            election_timeout_ms=200,
        )
        for name, client, peer in zip(names, clients, peers, strict=True)
    ]


# -- in this process


class Hosted:
    """A member on the loop of the test."""

    def __init__(self, config: MemberConfig) -> None:
        loop = asyncio.get_running_loop()
        self.config = config
        self.failed: asyncio.Future[str | None] = loop.create_future()

        def post(run: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(run)

        def durable(sequence: int) -> None:
            self.member.durable(sequence)

        def staged(number: int) -> None:
            self.member.node.staged(number)

        hooks = StorageHooks(
            post=post, on_durable=durable, on_staged=staged, on_failed=self.failed.set_result
        )
        config = replace(config, storage=replace(config.storage, probe_before_open=False))
        self._storage = DiskStorage(data_path(config), config.storage, hooks)
        self.member = Member(config, self._storage, self.failed.set_result)

    async def start(self) -> None:
        """Starts it; it does not serve yet."""
        is_new = self._storage.identity is None
        await self.member.start(of_new_cluster(self.config) if is_new else None)

    async def serve(self) -> None:
        """Lets it serve, once it is fresh."""
        async with asyncio.timeout(SECONDS_MAX):
            await self.member.serve_clients()

    async def stop(self) -> None:
        """Stops it in good order."""
        await self.member.stop()


async def hosted(given: Sequence[MemberConfig]) -> list[Hosted]:
    """All of a cluster's members, serving."""
    members = [Hosted(config) for config in given]
    for member in members:
        await member.start()
    await asyncio.gather(*[member.serve() for member in members])
    return members


async def ask(config: MemberConfig, path: str, request: Message, answer: type[Answer]) -> Answer:
    """Asks a member, by grpcio in a thread of its own."""

    def call() -> Answer:
        with grpc.insecure_channel(config.listen_client_urls[0].removeprefix("http://")) as channel:
            stub = channel.unary_unary(f"/etcdserverpb.{path}")
            found = answer()
            found.ParseFromString(stub(request.SerializeToString(), timeout=SECONDS_MAX))
            return found

    return await asyncio.to_thread(call)


async def put(config: MemberConfig, key: bytes, value: bytes) -> int:
    """Puts a key; returns the revision."""
    request = pb.PutRequest(key=key, value=value)
    return (await ask(config, "KV/Put", request, pb.PutResponse)).header.revision


async def get(config: MemberConfig, key: bytes) -> bytes | None:
    """Reads a key."""
    answer = await ask(config, "KV/Range", pb.RangeRequest(key=key), pb.RangeResponse)
    return answer.kvs[0].value if answer.kvs else None


# -- in processes of their own


class Served:
    """`raftkv serve` as a process."""

    def __init__(self, config: MemberConfig, *more: str, flags: Sequence[str] = ()) -> None:
        """`more` are options for the interpreter, `flags` for the member."""
        cluster = ",".join(f"{name}={url}" for name, url in config.initial_cluster)
        told = (
            f"--name={config.name}",
            f"--data-dir={config.data_dir}",
            f"--listen-client-urls={config.listen_client_urls[0]}",
            f"--advertise-client-urls={config.advertise_client_urls[0]}",
            f"--listen-peer-urls={config.listen_peer_urls[0]}",
            f"--initial-advertise-peer-urls={config.initial_advertise_peer_urls[0]}",
            f"--initial-cluster={cluster}",
            f"--initial-cluster-token={config.initial_cluster_token}",
            f"--initial-cluster-state={config.initial_cluster_state}",
        )
        self.lines: list[str] = []
        """What it has said so far."""
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, *more, *SERVE, *told, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ready(self) -> None:
        """Returns when it serves.

        Raises:
            AssertionError: It ended, or takes too long.
        """
        is_ready = self._ready.wait(SECONDS_MAX) and self.process.poll() is None
        assert is_ready, "\n".join(self.lines)

    def ended(self) -> tuple[int, str]:
        """The exit code, and the last line it said, once it has ended."""
        code = self.process.wait(SECONDS_MAX)
        self._reader.join(SECONDS_MAX)
        return code, self.lines[-1] if self.lines else ""

    def terminate(self) -> tuple[int, str]:
        """Tells it to stop; returns as `ended`."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """Ends it as a power failure of its machine would, short of the disk."""
        self.process.kill()
        self.process.wait(SECONDS_MAX)
        self._reader.join(SECONDS_MAX)

    def _read(self) -> None:
        assert self.process.stderr is not None, "it was asked for"
        with self.process.stderr as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))
                if "ready to serve client requests" in line:
                    self._ready.set()
        self._ready.set()
