"""etcdctl's commands on a real etcd and on ours, compared field by field."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raftkv.tests.conformance.etcdctl import Etcdctl
from raftkv.tests.conformance.servers import Cluster

Script = Callable[[Etcdctl], Iterator[Any]]
"""Runs commands, and yields what each of them said."""


def compare(etcd: Cluster, raftkv: Cluster, script: Script) -> list[Any]:
    """Runs a script on both, each emptied before, and compares step by step."""
    ours: list[Any] = []
    theirs: list[Any] = []
    for cluster, said in ((etcd, theirs), (raftkv, ours)):
        ctl = Etcdctl(cluster)
        ctl("del _ --prefix")
        base = ctl.json("put base 1")["header"]["revision"]
        said += [shifted(each, base) for each in script(ctl)]
    for number, (expected, answer) in enumerate(zip(theirs, ours, strict=True)):
        assert answer == expected, f"step {number}"
    return ours


def shifted(said: Any, base: int) -> Any:  # noqa: ANN401
    """What was said, with revisions counted from the script's beginning."""
    if isinstance(said, dict):
        return {
            name: each - base if name.endswith("revision") else shifted(each, base)
            for name, each in said.items()
        }
    return [shifted(each, base) for each in said] if isinstance(said, list) else said


@pytest.mark.slow
def test_keys(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        base = ctl.json("get base")["header"]["revision"]
        yield ctl("put a 1 -w json")
        yield ctl("put a 2 --prev-kv -w json")
        yield ctl("put b 3")
        yield ctl("put c 30 --prev-kv")
        yield ctl("get a -w json")
        yield ctl("get _ --prefix -w json")
        yield ctl("get a b -w json")
        yield ctl("get b --from-key -w json")
        yield ctl("get _ --prefix --keys-only -w json")
        yield ctl("get _ --prefix --count-only -w fields").splitlines()[-2:]
        yield ctl("get _ --prefix --limit=1 -w json")
        yield ctl("get _ --prefix --order=DESCEND --sort-by=MODIFY -w json")
        yield ctl("get _ --prefix --sort-by=VALUE --print-value-only")
        yield ctl("get _ --prefix --consistency=s -w json")
        yield ctl(f"get a --rev={base + 1} -w json")
        yield ctl(f"get a --rev={base + 100}")
        yield ctl("put a --ignore-value -w json", stdin="")
        yield ctl("put nothing --ignore-value")
        yield ctl("get nothing -w json")
        yield ctl("del b --prev-kv -w json")
        yield ctl("del a z -w json")
        yield ctl("del a")
        yield ctl(f"compaction {base + 2} -w json")
        yield ctl(f"compaction {base + 2}")
        yield ctl(f"compaction {base + 200}")
        yield ctl(f"get a --rev={base + 1}")
        yield ctl(f"get a --rev={base + 2} -w json")
        yield ctl(f"compaction {base + 3} --physical")

    compare(etcd, raftkv, script)


@pytest.mark.slow
def test_transactions(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        ctl("put a 1")
        both = 'value("a") = "1"\nversion("b") = "0"\n\nput a 2\nput b 3\nget a\n\nget b\n\n'
        yield ctl("txn -w json", both)
        yield ctl("txn -w json", both)
        yield ctl("txn", 'mod("a") > "0"\ncreate("zz") = "0"\n\ndel b\nget b\n\n\n')
        yield ctl("txn", 'mod("a") > "0"\n\nput a 1\nput a 2\n\n\n')
        yield ctl("txn", "\nget a\n\n\n")

    compare(etcd, raftkv, script)


@pytest.mark.slow
def test_leases(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        granted = ctl.json("lease grant 300")
        lease = f"{granted['ID']:x}"
        yield granted["TTL"], granted["Error"]
        yield ctl(f"put l1 1 --lease={lease} -w json")
        yield ctl(f"put l2 2 --lease={lease}")
        yield ctl(f"put l1 3 --ignore-lease --lease={lease}")
        yield [each["lease"] == granted["ID"] for each in ctl.json("get l1")["kvs"]]
        left = ctl.json(f"lease timetolive {lease} --keys")
        yield left["granted-ttl"], left["ttl"] > 200, sorted(left["keys"])
        renewed = ctl(f"lease keep-alive {lease} --once")
        yield renewed.replace(lease, "id")
        yield ctl("lease list")
        yield ctl(f"lease revoke {lease}")
        yield ctl(f"lease revoke {lease}")
        yield ctl(f"lease keep-alive {lease} --once")
        yield ctl(f"lease timetolive {lease}")
        yield ctl("get l --prefix -w json")
        yield ctl("put x 1 --lease=1234")

    compare(etcd, raftkv, lambda ctl: _without_lease_ids(script(ctl)))


def _without_lease_ids(said: Iterator[Any]) -> Iterator[Any]:
    for each in said:
        if isinstance(each, dict):
            for kv in each.get("kvs", []):
                kv.pop("lease", None)
        yield each


@pytest.mark.slow
def test_watches(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        base = ctl.json("get base")["header"]["revision"]
        for key, value in (("w1", "1"), ("w2", "2"), ("w1", "3"), ("x", "4")):
            ctl(f"put {key} {value}")
        ctl("del w1")
        yield ctl.lines(f"watch w1 --rev={base + 1} --prev-kv", 12)
        yield ctl.lines(f"watch w --prefix --rev={base + 2}", 9)
        responses = ctl.lines(f"watch w --prefix --rev={base + 1} -w json", 1)
        yield [response["Events"] for response in responses]
        ctl(f"compaction {base + 3}")
        yield ctl(f"watch w1 --rev={base + 1}")

    compare(etcd, raftkv, script)


@pytest.mark.slow
def test_endpoints_and_members(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        ctl.members()
        yield ctl("endpoint health -w json")
        yield sorted(ctl("endpoint health --cluster").splitlines())
        statuses = ctl("endpoint status --cluster -w json")
        yield [{**each["Status"], "leader": "", "header": ""} for each in statuses]
        yield len({str(each["Status"]["leader"]) for each in statuses})
        table = ctl("endpoint status --cluster -w table").splitlines()
        yield [cell.strip() for cell in table[1].split("|")], len(table)
        yield sorted(line.split("|")[5].strip() for line in table[3:-1])
        hashes = ctl.json("endpoint hashkv --cluster")
        yield len({each["HashKV"]["hash"] for each in hashes}), sorted(hashes[0]["HashKV"])
        yield ctl("member list -w json")
        yield ctl("alarm list -w json")
        yield ctl("alarm disarm")
        yield ctl("defrag --cluster")
        yield ctl("version")

    compare(etcd, raftkv, script)


@pytest.mark.slow
def test_what_cannot_be_done_to_members(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        members = ctl.members()
        leader, leader_id = ctl.leader()
        others = [member for member in members.values() if member != leader_id]
        yield ctl("move-leader 1234")
        yield ctl("move-leader")
        yield ctl(f"move-leader {others[0]:x}", endpoints=_other_endpoint(ctl, leader))
        yield ctl("member remove 1234")
        yield ctl("member promote 1234")
        yield ctl(f"member promote {others[0]:x}")
        yield ctl("member update 1234 --peer-urls=http://127.0.0.1:1")
        yield ctl("member add m9 --peer-urls=bad")
        peer_url = ctl.cluster.members[0].peer_url
        yield ctl(f"member add m9 --peer-urls={peer_url}")

    compare(etcd, raftkv, script)


def _other_endpoint(ctl: Etcdctl, leader: str) -> str:
    return next(each.endpoint for each in ctl.cluster.members if each.endpoint != leader)


@pytest.mark.slow
def test_the_leader_moves(etcd: Cluster, raftkv: Cluster) -> None:
    def script(ctl: Etcdctl) -> Iterator[Any]:
        members = ctl.members()
        endpoint, leader = ctl.leader()
        other = next(member for member in members.values() if member != leader)
        moved = ctl(f"move-leader {other:x}", endpoints=endpoint)
        yield moved
        yield ctl.leader()[1] == other
        yield ctl("put after move")

    compare(etcd, raftkv, script)


@pytest.mark.long
def test_etcdctls_own_performance_check_passes(raftkv: Cluster) -> None:
    said = Etcdctl(raftkv)("check perf --load=s")
    assert isinstance(said, str), said
    lines = [line for line in said.splitlines() if line.startswith(("PASS", "FAIL"))]
    assert lines
    assert all(line.startswith("PASS") for line in lines), said
