"""--force-new-cluster, step by step, on a real etcd and on ours.

They differ on purpose in two places. A directory without data: etcd begins a new cluster there, we
refuse. What is in the log and not known on the disk to be committed: etcd drops it, and with it the
last write that the member itself has acknowledged; we keep it (`node/recovery.py`).
"""

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.servers import Cluster, Process, wait_until_ready

FORCE = "--force-new-cluster"

pytestmark = pytest.mark.slow


@pytest.fixture(params=["etcd", "raftkv"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    cluster = Cluster(request.param, 3)
    yield cluster
    cluster.stop()


def ask(member: Process, path: str, request: Message) -> bytes:
    with grpc.insecure_channel(member.endpoint) as channel:
        answer: bytes = channel.unary_unary(f"/etcdserverpb.{path}")(
            request.SerializeToString(), timeout=10
        )
        return answer


def put(member: Process, key: bytes) -> None:
    ask(member, "KV/Put", pb.PutRequest(key=key, value=b"v"))


def keys(member: Process, prefix: bytes = b"k") -> list[bytes]:
    end = prefix[:-1] + bytes((prefix[-1] + 1,))
    answer = ask(member, "KV/Range", pb.RangeRequest(key=prefix, range_end=end))
    return [kv.key for kv in pb.RangeResponse.FromString(answer).kvs]


def names(member: Process) -> list[str]:
    answer = ask(member, "Cluster/MemberList", pb.MemberListRequest())
    return [known.name for known in pb.MemberListResponse.FromString(answer).members]


def again(cluster: Cluster, member: Process, *flags: str) -> Process:
    """A member that is down starts on its old data, as it was started first."""
    port = int(member.endpoint.rpartition(":")[2])
    peers = ",".join(f"{each.name}={each.peer_url}" for each in cluster.members[:3])
    return cluster.start(member.name, port, member.peer_url, peers, "new", *flags)


def test_one_of_three_goes_on_alone(cluster: Cluster) -> None:
    first, _, last = cluster.members
    put(last, b"k1")
    put(last, b"last")
    for member in cluster.members:
        member.popen.kill()
        member.popen.wait()

    alone = again(cluster, last, FORCE)
    wait_until_ready(alone)
    assert names(alone) == ["m3"]
    assert keys(alone) == [b"k1"]
    if cluster.kind == "raftkv":
        assert keys(alone, b"last") == [b"last"]
    put(alone, b"k2")

    returned = again(cluster, first)
    assert returned.popen.wait(20) is not None
    assert "permanently removed" in returned.log.read_text()
    alone.stop()

    alone = again(cluster, last, FORCE)
    wait_until_ready(alone)
    assert names(alone) == ["m3"]
    assert keys(alone) == [b"k1", b"k2"]
