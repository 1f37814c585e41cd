"""Clients that are not ours against the client port: etcdctl, grpcio, aetcd, curl."""

import asyncio
import http.client
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import aetcd
import grpc
import pytest
from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.gateway.server import Port, serving
from raftkv.tests.service.fakes import OTHERS, World, with_limits
from raftkv.wire import ALPN_PROTOCOL

ETCDCTL = Path(sys.executable).parent / "etcdctl"
M = TypeVar("M", bound=Message)


@pytest.fixture
def port() -> Iterator[Port]:
    with serving() as port:
        yield port


def etcdctl(port: Port, command: str, stdin: str = "") -> str:
    """What etcdctl prints, or its last line of complaint."""
    done = subprocess.run(
        [ETCDCTL, "--endpoints", port.address, *command.split()],
        env={**os.environ, "ETCDCTL_API": "3"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout if done.returncode == 0 else done.stderr.splitlines()[-1]


def call(channel: grpc.Channel, path: str, request: Message, answer: type[M]) -> M:
    method = channel.unary_unary(
        f"/etcdserverpb.{path}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    result: M = method(request, timeout=5)
    return result


@pytest.mark.slow
def test_etcdctl_keys(port: Port) -> None:
    assert etcdctl(port, "put a 1") == "OK\n"
    assert etcdctl(port, "put a 2 --prev-kv") == "OK\na\n1\n"
    assert etcdctl(port, "get a") == "a\n2\n"
    assert etcdctl(port, "get a --rev=2 --consistency=s") == "a\n1\n"
    txn = 'value("a") = "2"\n\nput b 3\nget a\n\nget b\n\n'
    assert etcdctl(port, "txn", txn) == "SUCCESS\n\nOK\n\na\n2\n"
    assert etcdctl(port, "get a --prefix --keys-only --order=DESCEND") == "a\n\n"
    assert etcdctl(port, "get --from-key a --print-value-only") == "2\n3\n"
    assert etcdctl(port, "del a --from-key --prev-kv") == "2\na\n2\nb\n3\n"
    assert etcdctl(port, "compaction 4 --physical=false") == "compacted revision 4\n"
    assert etcdctl(port, "get a --rev=2") == (
        "Error: etcdserver: mvcc: required revision has been compacted"
    )


@pytest.mark.slow
def test_etcdctl_leases(port: Port) -> None:
    lease = f"{7_000:016x}"
    assert etcdctl(port, "lease grant 60") == f"lease {lease} granted with TTL(60s)\n"
    assert etcdctl(port, f"put a 1 --lease={lease}") == "OK\n"
    assert etcdctl(port, f"lease timetolive {lease} --keys") == (
        f"lease {lease} granted with TTL(60s), remaining(60s), attached keys([a])\n"
    )
    assert etcdctl(port, f"lease keep-alive --once {lease}") == (
        f"lease {lease} keepalived with TTL(60)\n"
    )
    assert etcdctl(port, "lease list") == f"found 1 leases\n{lease}\n"
    assert etcdctl(port, f"lease revoke {lease}") == f"lease {lease} revoked\n"
    assert etcdctl(port, "get a") == ""
    assert etcdctl(port, f"lease timetolive {lease}") == f"lease {lease} already expired\n"


@pytest.mark.slow
def test_etcdctl_the_cluster(port: Port) -> None:
    members = etcdctl(port, "member list").splitlines()
    assert members[0] == "a1, started, m0, http://10.0.0.0:2380, , false"
    status = etcdctl(port, "endpoint status")
    assert status.startswith(f"{port.address}, a1, 3.6.")
    assert etcdctl(port, "endpoint hashkv").startswith(port.address)
    assert etcdctl(port, "alarm list") == ""
    assert etcdctl(port, "defrag").startswith("Finished")
    move = f"move-leader {OTHERS[0]:x}"
    assert etcdctl(port, move) == "Leadership transferred from a1 to b2\n"
    added = etcdctl(port, "member add m9 --peer-urls=http://10.0.0.9:2380")
    assert "added to cluster" in added
    assert etcdctl(port, "member remove 1") == "Error: etcdserver: member not found"
    assert "Unimplemented" in etcdctl(port, "user add x:y")


def test_grpcio_puts_gets_and_sees_errors(port: Port) -> None:
    with grpc.insecure_channel(port.address) as channel:
        put = pb.PutRequest(key=b"a", value=b"1")
        assert call(channel, "KV/Put", put, pb.PutResponse).header.revision == 2
        got = call(channel, "KV/Range", pb.RangeRequest(key=b"a"), pb.RangeResponse)
        assert got.kvs[0].value == b"1"
        with pytest.raises(grpc.RpcError) as raised:
            call(channel, "KV/Put", pb.PutRequest(), pb.PutResponse)
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert raised.value.details() == "etcdserver: key is not provided"
        with pytest.raises(grpc.RpcError) as raised:
            call(channel, "KV/RangeStream", pb.RangeRequest(key=b"a"), pb.RangeResponse)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_grpcio_reads_a_large_range(port: Port) -> None:
    for i in range(5_000):
        port.world.put(b"%05d" % i, bytes(200))
    with grpc.insecure_channel(port.address) as channel:
        everything = pb.RangeRequest(key=b"\0", range_end=b"\0")
        got = call(channel, "KV/Range", everything, pb.RangeResponse)
    assert (got.count, len(got.kvs)) == (5_000, 5_000)


def test_grpcio_keeps_a_lease_alive_on_a_stream(port: Port) -> None:
    with grpc.insecure_channel(port.address) as channel:
        grant = pb.LeaseGrantRequest(TTL=60, ID=12)
        call(channel, "Lease/LeaseGrant", grant, pb.LeaseGrantResponse)
        method = channel.stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=pb.LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=pb.LeaseKeepAliveResponse.FromString,
        )
        requests = [pb.LeaseKeepAliveRequest(ID=12), pb.LeaseKeepAliveRequest(ID=13)]
        answers = list(method(iter(requests), timeout=5))
    assert [(answer.ID, answer.TTL) for answer in answers] == [(12, 60), (13, 0)]


def test_a_request_over_the_limit_is_refused_and_the_connection_lives() -> None:
    with (
        serving(World(with_limits(request_bytes_max=1_000))) as port,
        grpc.insecure_channel(port.address) as channel,
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call(channel, "KV/Put", pb.PutRequest(key=b"a", value=bytes(1_000)), pb.PutResponse)
        assert raised.value.details() == "etcdserver: request is too large"
        huge = pb.PutRequest(key=b"a", value=bytes(3 << 20))
        with pytest.raises(grpc.RpcError) as raised:
            call(channel, "KV/Put", huge, pb.PutResponse)
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        call(channel, "KV/Put", pb.PutRequest(key=b"a"), pb.PutResponse)


def test_aetcd(port: Port) -> None:
    async def test() -> None:
        host, number = port.address.split(":")
        async with aetcd.Client(host=host, port=int(number)) as client:
            await client.put(b"a", b"1")
            found = await client.get(b"a")
            assert found is not None
            assert found.value == b"1"
            lease = await client.lease(60)
            await client.put(b"b", b"2", lease=lease)
            assert [kv.key for kv in await client.get_all()] == [b"a", b"b"]
            await lease.revoke()
            succeeded, _ = await client.transaction(
                compare=[client.transactions.value(b"a") == b"1"],
                success=[client.transactions.put(b"a", b"2")],
                failure=[],
            )
            assert succeeded
            assert await client.delete(b"a")

    asyncio.run(test())


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_speaks_http1_on_the_same_port(port: Port) -> None:
    done = subprocess.run(
        ["curl", "-sS", "-m", "5", f"http://{port.address}/health"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == '{"health":"true","reason":""}'


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_both_protocols_go_over_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    subprocess.run(
        [
            *make.split(),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.set_alpn_protocols([ALPN_PROTOCOL, "http/1.1"])
    with serving(tls=tls) as port:
        roots = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(port.address, roots) as channel:
            call(channel, "KV/Put", pb.PutRequest(key=b"a"), pb.PutResponse)
        trusting = ssl.create_default_context(cafile=str(certificate))
        host, number = port.address.split(":")
        connection = http.client.HTTPSConnection(host, int(number), context=trusting, timeout=5)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
