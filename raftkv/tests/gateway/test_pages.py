"""What HTTP/1.1 clients see, with the standard library's client."""

import http.client
import json
from collections.abc import Iterator

import pytest

from raftkv.command.types import Failure
from raftkv.config import ETCD_VERSION
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.gateway.server import Port, serving
from raftkv.tests.service.fakes import ME, World


@pytest.fixture
def port() -> Iterator[Port]:
    with serving() as port:
        yield port


def ask(port: Port, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(port.address, timeout=5)
    connection.request(method, path, body=b"{}" if method == "POST" else None)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_health_of_a_healthy_member(port: Port) -> None:
    assert ask(port, "/health") == (200, '{"health":"true","reason":""}')
    assert port.world.node.barriers == 1
    assert ask(port, "/health?serializable=true")[0] == 200
    assert port.world.node.barriers == 1


def test_health_tells_of_alarms_unless_they_are_excluded(port: Port) -> None:
    port.world.node.state.alarms.activate(ME, pb.NOSPACE)
    assert ask(port, "/health") == (503, '{"health":"false","reason":"ALARM NOSPACE"}\n')
    assert ask(port, "/health?exclude=NOSPACE")[0] == 200
    assert ask(port, "/health?exclude=CORRUPT")[0] == 503


def test_health_without_a_leader_or_without_an_answer(port: Port) -> None:
    port.world.node.failure = Failure.TIMEOUT
    assert ask(port, "/health") == (
        503,
        '{"health":"false","reason":"RANGE ERROR:etcdserver: request timed out"}\n',
    )
    port.world.node.raft.leader = 0
    assert ask(port, "/health")[1] == '{"health":"false","reason":"RAFT NO LEADER"}\n'
    assert ask(port, "/health?serializable=true")[0] == 200


def test_live_and_ready(port: Port) -> None:
    assert ask(port, "/livez") == (200, "ok\n")
    assert ask(port, "/livez?verbose") == (200, "[+]serializable_read ok\nok\n")
    assert ask(port, "/livez/serializable_read") == (200, "ok\n")
    checks = ("data_corruption", "serializable_read", "linearizable_read", "non_learner")
    listed = "".join(f"[+]{check} ok\n" for check in checks)
    assert ask(port, "/readyz?verbose") == (200, listed + "ok\n")


def test_not_ready_says_why_and_single_checks_can_be_left_out(port: Port) -> None:
    port.world.node.failure = Failure.TIMEOUT
    port.world.node.state.alarms.activate(ME, pb.CORRUPT)
    port.world.become_learner()
    status, text = ask(port, "/readyz")
    assert status == 503
    assert text == (
        "[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n"
        "[-]linearizable_read failed: etcdserver: request timed out\n"
        "[-]non_learner failed: not supported for learner\n\n"
    )
    excluded = "exclude=data_corruption&exclude=linearizable_read&exclude=non_learner"
    assert ask(port, f"/readyz?{excluded}") == (200, "ok\n")
    assert ask(port, "/readyz/linearizable_read")[0] == 503
    assert ask(port, "/readyz/serializable_read")[0] == 200
    assert ask(port, "/livez")[0] == 200


def test_version(port: Port) -> None:
    status, text = ask(port, "/version")
    assert status == 200
    assert json.loads(text) == {
        "etcdserver": ETCD_VERSION,
        "etcdcluster": "3.6.0",
        "storage": "3.6.0",
    }


def test_metrics(port: Port) -> None:
    port.world.put(b"a")
    ask(port, "/health")
    ask(port, "/readyz")
    port.world.node.state.alarms.activate(ME, pb.NOSPACE)
    status, text = ask(port, "/metrics")
    lines = text.splitlines()
    assert status == 200
    for line in (
        "etcd_server_has_leader 1",
        "etcd_server_is_leader 1",
        "etcd_server_proposals_committed_total 12",
        f'etcd_server_version{{server_version="{ETCD_VERSION}"}} 1',
        "etcd_debugging_mvcc_current_revision 2",
        "etcd_debugging_mvcc_keys_total 1",
        "etcd_server_health_success 1",
        'etcd_server_healthcheck{type="readyz",name="non_learner"} 1',
        'etcd_debugging_server_alarms{server_id="a1",alarm_type="NOSPACE"} 1',
        (
            'grpc_server_started_total{grpc_method="Put",grpc_service="etcdserverpb.KV",'
            'grpc_type="unary"} 1'
        ),
        "# TYPE etcd_mvcc_hash_rev_duration_seconds histogram",
    ):
        assert line in lines, line
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/readyz/nowhere", 404),
        ("POST", "/health", 405),
        ("DELETE", "/version", 405),
        ("POST", "/v3/kv/range", 501),
        ("POST", "/v3beta/kv/range", 501),
    ],
)
def test_what_is_not_served(port: Port, method: str, path: str, status: int) -> None:
    found, text = ask(port, path, method)
    assert found == status
    if status == 501:
        assert json.loads(text)["code"] == 12
        assert "not supported" in json.loads(text)["message"]


def test_health_answers_when_the_leader_does() -> None:
    world = World()
    world.node.is_holding = True
    with serving(world) as port:
        connection = http.client.HTTPConnection(port.address, timeout=5)
        connection.request("GET", "/health")
        while not world.node.held:
            pass
        port.call(world.node.release)
        assert connection.getresponse().status == 200
        connection.close()
