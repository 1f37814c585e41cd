"""Members come and go under load, by etcdctl's hand, on a real etcd and on ours alike."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.client import Client, Failed
from raftkv.tests.conformance.etcdctl import Etcdctl
from raftkv.tests.conformance.servers import Cluster, Process, free_ports, wait_until_ready

KEYS = 6_000
"""More entries than a log keeps: whoever comes later needs a snapshot."""
SECONDS_MAX = 30


@contextmanager
def load(cluster: Cluster) -> Iterator[list[int]]:
    """Puts one key after the other; the list holds how many were acknowledged."""
    client = Client(cluster.members[0].endpoint)
    stop = threading.Event()
    acknowledged = [0]

    def put() -> None:
        while not stop.is_set():
            key = b"load%08d" % acknowledged[0]
            if not isinstance(client.begin(pb.PutRequest(key=key))(), Failed):
                acknowledged[0] += 1

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        thread.join()
        client.close()


def fill(cluster: Cluster) -> None:
    """Puts many keys."""
    client = Client(cluster.members[0].endpoint)
    for first in range(0, KEYS, 500):
        waiting = [
            client.begin(pb.PutRequest(key=b"fill%06d" % number, value=b"v" * 100))
            for number in range(first, first + 500)
        ]
        assert not any(isinstance(answer(), Failed) for answer in waiting)
    client.close()


def count(member: Process, prefix: bytes) -> int:
    """How many keys a member says there are now."""
    client = Client(member.endpoint)
    answer = client.ask(pb.RangeRequest(key=prefix, range_end=prefix + b"~", count_only=True))
    client.close()
    return int(answer.count)


def joined(cluster: Cluster, name: str, port: int, peer_url: str) -> Process:
    """Starts a member that was added, and returns it when it serves."""
    others = [f"{each.name}={each.peer_url}" for each in cluster.members]
    peers = ",".join([*others, f"{name}={peer_url}"])
    member = cluster.start(name, port, peer_url, peers, "existing", "--snapshot-count=200")
    wait_until_ready(member)
    return member


def eventually(command: str, ctl: Etcdctl, endpoint: str = "") -> Any:  # noqa: ANN401
    """What a command says once it succeeds, or last of all."""
    deadline = time.monotonic() + SECONDS_MAX
    said = ctl(command, endpoints=endpoint)
    while isinstance(said, tuple) and time.monotonic() < deadline:
        time.sleep(0.1)
        said = ctl(command, endpoints=endpoint)
    return said


def story(kind: str) -> list[Any]:
    """A member joins and leaves, another joins as a learner and is promoted."""
    cluster = Cluster(kind, 3, "--snapshot-count=200")
    said: list[Any] = []
    fourth = None
    try:
        ctl = Etcdctl(cluster)
        fill(cluster)
        port, peer_port, learner_port, learner_peer_port = free_ports(4)
        peer_url = f"http://127.0.0.1:{peer_port}"
        with load(cluster) as acknowledged:
            said.append(sorted_members(eventually(f"member add m4 --peer-urls={peer_url}", ctl)))
            fourth = joined(cluster, "m4", port, peer_url)
            assert count(fourth, b"load") <= acknowledged[0] + 1
        said.append(count(fourth, b"fill"))
        assert count(fourth, b"load") in (acknowledged[0], acknowledged[0] + 1)
        said.append(ctl("member list -w json"))
        fourth_id = ctl.members()["m4"]
        cluster.members.remove(fourth)
        said.append(ctl(f"member remove {fourth_id:x}"))
        fourth.popen.wait(SECONDS_MAX)
        said.append(ctl("put still there"))
        said += as_learner(ctl, learner_port, f"http://127.0.0.1:{learner_peer_port}")
    finally:
        if fourth is not None:
            fourth.stop()
        cluster.stop()
    return said


def as_learner(ctl: Etcdctl, port: int, peer_url: str) -> Iterator[Any]:
    """A member that joins without a vote at first."""
    yield sorted_members(eventually(f"member add m5 --learner --peer-urls={peer_url}", ctl))
    members = ctl.members()
    yield ctl("member list -w json")
    yield ctl(f"member promote {members['new']:x}")
    yield ctl("member add m6 --learner --peer-urls=http://127.0.0.1:1")
    cluster = ctl.cluster
    others = [f"{each.name}={each.peer_url}" for each in cluster.members]
    peers = ",".join([*others, f"m5={peer_url}"])
    fifth = cluster.start("m5", port, peer_url, peers, "existing", "--snapshot-count=200")
    yield eventually(f"member promote {members['new']:x}", ctl)
    wait_until_ready(fifth)
    yield count(fifth, b"fill")
    yield ctl("member list -w json")
    yield ctl(f"member update {members['new']:x} --peer-urls={peer_url}")


def sorted_members(said: Any) -> Any:  # noqa: ANN401
    """etcdctl lists the cluster in the order of ids, which no two clusters share."""
    if isinstance(said, str):
        lines = [line.split('="') for line in said.splitlines()]
        return [[*line[:-1], sorted(line[-1].strip('"').split(","))] for line in lines]
    return said


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_members_join_under_load_and_leave() -> None:
    with ThreadPoolExecutor(2) as pool:  # most of it is waiting
        theirs, ours = pool.map(story, ("etcd", "raftkv"))
    for number, (expected, answer) in enumerate(zip(theirs, ours, strict=True)):
        assert answer == expected, f"step {number}"
