"""Members with real disks, sockets and clocks, on one loop."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from raftkv.config import MemberConfig
from raftkv.member import StartupError
from raftkv.pb import rpc_pb2 as pb
from raftkv.storage import StorageError
from raftkv.tests.member.given import Hosted, ask, configs, get, hosted, put

pytestmark = pytest.mark.slow


async def status(config: MemberConfig) -> pb.StatusResponse:
    return await ask(config, "Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)


async def members(config: MemberConfig) -> dict[str, list[str]]:
    """Name -> client URLs, as the cluster knows them."""
    answer = await ask(config, "Cluster/MemberList", pb.MemberListRequest(), pb.MemberListResponse)
    return {member.name: list(member.clientURLs) for member in answer.members}


def test_a_single_member_serves_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        (member,) = await hosted([config])
        assert await put(config, b"k", b"v") == 2
        assert await get(config, b"k") == b"v"
        assert (await status(config)).leader == member.member.node.raft.member_id
        await member.stop()

        (member,) = await hosted([config])
        assert await get(config, b"k") == b"v"
        assert await put(config, b"k", b"w") == 3
        await member.stop()

    asyncio.run(story())


def test_the_cluster_learns_where_clients_find_the_member(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        (member,) = await hosted([config])
        await put(config, b"k", b"v")  # behind the publishing in the log
        assert await members(config) == {"m1": list(config.advertise_client_urls)}
        await member.stop()

    asyncio.run(story())


def test_three_members_are_one_store_and_survive_the_orderly_end_of_their_leader(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        given = configs(tmp_path, 3)
        running = await hosted(given)
        assert await put(given[0], b"k", b"v") == 2
        assert [await get(config, b"k") for config in given] == [b"v"] * 3
        leader = next(m for m in running if m.member.node.status.is_leader)
        others = [m for m in running if m is not leader]
        term = leader.member.node.status.term

        writing = asyncio.create_task(keep_putting(others[0].config))
        await leader.stop()
        acknowledged = await writing
        assert acknowledged == 50
        assert {m.member.node.status.term for m in others} == {term + 1}

        (back,) = await hosted([leader.config])
        assert await get(leader.config, b"last") == b"49"
        for member in (back, *others):
            await member.stop()

    asyncio.run(story())


async def keep_putting(config: MemberConfig) -> int:
    """Puts one key after the other; any failure is raised."""
    for number in range(50):
        await put(config, b"last", b"%d" % number)
    return 50


def test_a_member_without_a_quorum_does_not_serve(tmp_path: Path) -> None:
    async def story() -> None:
        given = configs(tmp_path, 3)
        alone = Hosted(given[0])
        await alone.start()
        serving = asyncio.create_task(alone.serve())
        await asyncio.sleep(0.5)
        assert not serving.done()

        other = Hosted(given[1])
        await other.start()
        await asyncio.gather(serving, other.serve())
        assert await put(given[0], b"k", b"v") == 2
        await alone.stop()
        await other.stop()

    asyncio.run(story())


def test_a_member_of_another_cluster_is_not_listened_to(tmp_path: Path) -> None:
    async def story() -> None:
        ours = configs(tmp_path / "ours", 2)
        theirs = replace(ours[1], initial_cluster_token="theirs")
        first, stranger = Hosted(ours[0]), Hosted(theirs)
        await first.start()
        await stranger.start()
        serving = asyncio.create_task(first.serve())
        await asyncio.sleep(0.8)
        assert not serving.done()
        assert first.member.node.status.leader == 0
        serving.cancel()
        await first.stop()
        await stranger.stop()

    asyncio.run(story())


def test_a_directory_that_is_in_use_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        (member,) = await hosted([config])
        with pytest.raises(StorageError, match="in use"):
            Hosted(config)
        assert await put(config, b"k", b"v") == 2
        await member.stop()

    asyncio.run(story())


def test_a_client_port_that_is_taken_is_named_with_its_flag(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path / "a")
        (member,) = await hosted([config])
        (other,) = configs(tmp_path / "b")
        taken = Hosted(replace(other, listen_client_urls=config.listen_client_urls))
        await taken.start()
        with pytest.raises(StartupError, match=r"^--listen-client-urls http://127\.0\.0\.1"):
            await taken.serve()
        await taken.stop()
        await member.stop()

    asyncio.run(story())
