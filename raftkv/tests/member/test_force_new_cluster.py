"""--force-new-cluster: one member goes on alone, with all it has."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from raftkv.command.types import CommandKind, encode_command
from raftkv.config import MemberConfig
from raftkv.member.identity import of_new_cluster
from raftkv.member.member import data_path
from raftkv.node.bootstrap import first_write
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.membership import encode_membership
from raftkv.raft.types import EntryKind, Membership, encode_entry
from raftkv.storage import DiskStorage, Identity
from raftkv.tests.member.given import (
    SECONDS_MAX,
    Served,
    ask,
    configs,
    free_ports,
    get,
    hosted,
    put,
)
from raftkv.tests.storage.harness import IDLE

FORCE = ("--force-new-cluster",)

pytestmark = pytest.mark.slow


def put_now(config: MemberConfig, key: bytes, value: bytes) -> int:
    return asyncio.run(put(config, key, value))


def get_now(config: MemberConfig, key: bytes) -> bytes | None:
    return asyncio.run(get(config, key))


def members(config: MemberConfig) -> list[pb.Member]:
    request, answer = pb.MemberListRequest(), pb.MemberListResponse
    return list(asyncio.run(ask(config, "Cluster/MemberList", request, answer)).members)


def add(config: MemberConfig, newcomer: MemberConfig, *, learner: bool = False) -> None:
    """Adds a member; asks again while the cluster finds that it is too early."""
    urls = newcomer.initial_advertise_peer_urls
    request = pb.MemberAddRequest(peerURLs=urls, isLearner=learner)
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            asyncio.run(ask(config, "Cluster/MemberAdd", request, pb.MemberAddResponse))
        except grpc.RpcError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@contextmanager
def serving(*given: MemberConfig, flags: tuple[str, ...] = ()) -> Iterator[list[Served]]:
    """Members as processes, serving; killed at the end if they still run."""
    running = [Served(config, flags=flags) for config in given]
    try:
        for served in running:
            served.ready()
        yield running
    finally:
        for served in running:
            served.kill()


def newcomer(directory: Path, *known: MemberConfig) -> MemberConfig:
    """A member that joins others."""
    client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    cluster = [(config.name, config.listen_peer_urls[0]) for config in known]
    return replace(
        known[0],
        name=directory.name,
        data_dir=str(directory),
        listen_client_urls=(client,),
        advertise_client_urls=(client,),
        listen_peer_urls=(peer,),
        initial_advertise_peer_urls=(peer,),
        initial_cluster=(*cluster, (directory.name, peer)),
        initial_cluster_state="existing",
    )


def lost_but_for_the_last(given: list[MemberConfig]) -> None:
    """A cluster of three is written to, and killed: what the last answered it has applied."""
    with serving(*given):
        for number in range(50):
            put_now(given[2], b"%d" % number, b"v")


def test_the_last_of_three_serves_what_was_acknowledged_and_grows_again(tmp_path: Path) -> None:
    given = configs(tmp_path, 3)
    lost_but_for_the_last(given)
    last = given[2]

    with serving(last, flags=FORCE) as (alone,):
        assert any("forcing a cluster of one" in line for line in alone.lines)
        assert [get_now(last, b"%d" % number) for number in range(50)] == [b"v"] * 50
        assert put_now(last, b"new", b"v") == 52
        assert [member.name for member in members(last)] == ["m3"]
        returned = Served(given[0])  # from the cluster that was
        code, line = returned.ended()
        assert code == 1
        assert "permanently removed" in line

    with serving(last, flags=FORCE) as (again,):  # once more: nothing is left to be done
        assert not any("forcing" in line for line in again.lines)
        assert get_now(last, b"new") == b"v"
        assert len(members(last)) == 1

    with serving(last):
        second = newcomer(tmp_path / "second", last)
        add(last, second)
        with serving(second):
            assert get_now(second, b"new") == b"v"
            third = newcomer(tmp_path / "third", last, second)
            add(second, third)
            with serving(third):
                put_now(third, b"new", b"w")
                assert [get_now(each, b"new") for each in (last, second, third)] == [b"w"] * 3
                assert sorted(m.name for m in members(third)) == ["m3", "second", "third"]


def test_a_learner_s_data_is_as_good_as_any(tmp_path: Path) -> None:
    (first,) = configs(tmp_path)
    learner = newcomer(tmp_path / "learner", first)
    with serving(first):
        put_now(first, b"k", b"v")
        add(first, learner, learner=True)
        with serving_learner(learner, first):
            pass

    with serving(learner, flags=FORCE):
        assert get_now(learner, b"k") == b"v"
        put_now(learner, b"k", b"w")
        assert [(m.name, m.isLearner) for m in members(learner)] == [("learner", False)]


@contextmanager
def serving_learner(learner: MemberConfig, leader: MemberConfig) -> Iterator[None]:
    """A learner that has what its leader has, by its own word (a learner reads only its own)."""
    with serving(learner):
        request = pb.RangeRequest(key=b"k", serializable=True)
        deadline = time.monotonic() + SECONDS_MAX
        while not asyncio.run(ask(learner, "KV/Range", request, pb.RangeResponse)).count:
            assert time.monotonic() < deadline, f"{leader.name} does not tell {learner.name}"
            time.sleep(0.05)
        yield


def test_a_log_that_ends_within_a_change_of_members_and_what_was_not_known_to_be_committed(
    tmp_path: Path,
) -> None:
    config = configs(tmp_path, 3)[2]
    origin = of_new_cluster(config)
    first = first_write(origin.first_members)
    known = frozenset(member.ID for member in origin.first_members)
    others = known - {origin.member}
    joint = encode_membership(Membership(others | {77, 78}, known), b"")
    body = pb.PutRequest(key=b"k", value=b"v").SerializeToString()
    command = encode_command(CommandKind.PUT, min(others), 1, body)
    first.entries += [
        encode_entry(1, 4, EntryKind.MEMBERSHIP, joint),
        encode_entry(1, 5, EntryKind.NORMAL, command),
    ]
    storage = DiskStorage(data_path(config), config.storage, IDLE)
    storage.bootstrap(Identity(origin.cluster, origin.member), first)
    storage.close()

    async def story() -> None:
        (member,) = await hosted([replace(config, force_new_cluster=True)])
        assert await get(config, b"k") == b"v"
        assert await put(config, b"k", b"w") == 3
        state = member.member.node.state
        assert [known.id for known in state.members.all()] == [origin.member]
        assert all(state.members.is_removed(other) for other in others)
        await member.stop()

    asyncio.run(story())


def test_a_directory_without_data_is_refused_in_one_line(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    code, line = Served(config, flags=FORCE).ended()
    assert code == 1
    assert line.startswith(f"raftkv serve: --force-new-cluster: {config.data_dir} holds no data")

    with serving(config):  # nothing was begun there
        assert put_now(config, b"k", b"v") == 2


def test_the_log_says_what_was_forced(tmp_path: Path) -> None:
    given = configs(tmp_path, 3)
    lost_but_for_the_last(given)
    with serving(given[2], flags=FORCE) as (alone,):
        lines = [json.loads(line) for line in alone.lines]
    (said,) = [line for line in lines if line["msg"].startswith("forcing a cluster of one")]
    assert said["level"] == "warn"
    assert said["last_index"] >= said["commit_index"] > 0
