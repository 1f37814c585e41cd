"""The cluster service, and etcd's strict checks as a table."""

from dataclasses import replace

import pytest

from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind
from raftkv.config import MemberConfig
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.reconfigure import may_add_voter, may_promote, may_remove
from raftkv.service.urls import parse_urls
from raftkv.tests.service.fakes import ME, OTHERS, World
from raftkv.wire import Code

URL = "http://10.0.0.9:2380"


def voters(started: int, silent: int) -> list[Member]:
    names = ["m"] * started + [""] * silent
    return [Member(at, name) for at, name in enumerate(names, 1)]


@pytest.mark.parametrize(
    ("started", "silent", "allowed"),
    [
        (1, 0, True),
        (1, 1, False),
        (2, 0, True),
        (2, 1, False),
        (3, 0, True),
        (3, 1, True),
        (3, 2, False),
    ],
)
def test_a_voter_may_be_added_when_a_quorum_with_it_has_started(
    started: int, silent: int, *, allowed: bool
) -> None:
    assert may_add_voter(voters(started, silent)) is allowed


@pytest.mark.parametrize(
    ("started", "silent", "removed", "allowed"),
    [
        (3, 0, 1, True),
        (2, 1, 3, True),
        (2, 1, 1, False),
        (1, 1, 2, True),
        (1, 1, 1, False),
        (1, 0, 1, False),
    ],
)
def test_a_voter_may_be_removed_when_a_quorum_of_the_rest_has_started(
    started: int, silent: int, removed: int, *, allowed: bool
) -> None:
    assert may_remove(voters(started, silent), removed) is allowed


def test_learners_may_always_be_removed_and_do_not_count() -> None:
    learner = Member(9, is_learner=True)
    assert may_remove([*voters(1, 1), learner], 9)
    assert not may_add_voter([*voters(1, 1), learner])
    assert may_promote([*voters(1, 0), learner])
    assert may_promote([*voters(1, 1), learner])
    assert not may_promote([*voters(1, 3), learner])


@pytest.mark.parametrize(
    ("texts", "parsed"),
    [
        ([" http://b:1 ", "https://a:2"], ("http://b:1", "https://a:2")),
        (["unix://some/path"], ("unix://some/path",)),
        ([], None),
        (["http://a"], None),
        (["http://a:1/path"], None),
        (["ftp://a:1"], None),
        (["a:1"], None),
        (["http://[::1:1"], None),
        (["http://a:port"], None),
        (["http://a:1", "nonsense"], None),
    ],
)
def test_member_urls(texts: list[str], parsed: tuple[str, ...] | None) -> None:
    assert parse_urls(texts) == parsed


def test_the_list_has_no_revision_and_may_wait_for_the_leader() -> None:
    world = World()
    world.put(b"a")
    answer = world.ask("Cluster/MemberList", pb.MemberListRequest(), pb.MemberListResponse)
    assert answer.header.revision == 0
    assert answer.header.raft_term == 5
    assert [member.ID for member in answer.members] == [ME, *OTHERS]
    assert world.node.barriers == 0
    world.ask("Cluster/MemberList", pb.MemberListRequest(linearizable=True), pb.MemberListResponse)
    assert world.node.barriers == 1


def test_a_member_is_added_as_voter_or_learner() -> None:
    world = World()
    request = pb.MemberAddRequest(peerURLs=[URL])
    answer = world.ask("Cluster/MemberAdd", request, pb.MemberAddResponse)
    assert answer.header.revision == 0
    assert list(answer.member.peerURLs) == [URL]
    assert len(answer.members) == 4
    [change] = world.node.membership_changes
    assert (change.action, change.member) == ("add_voter", answer.member.ID)

    request = pb.MemberAddRequest(peerURLs=["http://10.0.0.8:2380"], isLearner=True)
    answer = world.ask("Cluster/MemberAdd", request, pb.MemberAddResponse)
    assert answer.member.isLearner
    assert world.node.membership_changes[1].action == "add_learner"


def test_the_same_urls_get_another_id_later() -> None:
    ids = []
    for seconds in (0, 1):
        world = World()
        world.host.now += seconds
        request = pb.MemberAddRequest(peerURLs=[URL])
        ids.append(world.ask("Cluster/MemberAdd", request, pb.MemberAddResponse).member.ID)
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("path", "request_", "error"),
    [
        (
            "MemberAdd",
            pb.MemberAddRequest(),
            (Code.INVALID_ARGUMENT, "given member URLs are invalid"),
        ),
        (
            "MemberAdd",
            pb.MemberAddRequest(peerURLs=["http://10.0.0.0:2380"]),
            (Code.FAILED_PRECONDITION, "Peer URLs already exists"),
        ),
        ("MemberRemove", pb.MemberRemoveRequest(ID=1), (Code.NOT_FOUND, "member not found")),
        (
            "MemberUpdate",
            pb.MemberUpdateRequest(ID=1, peerURLs=[URL]),
            (Code.NOT_FOUND, "member not found"),
        ),
        (
            "MemberUpdate",
            pb.MemberUpdateRequest(ID=ME, peerURLs=["nonsense"]),
            (Code.INVALID_ARGUMENT, "given member URLs are invalid"),
        ),
        (
            "MemberUpdate",
            pb.MemberUpdateRequest(ID=ME, peerURLs=["http://10.0.0.1:2380"]),
            (Code.FAILED_PRECONDITION, "Peer URLs already exists"),
        ),
        ("MemberPromote", pb.MemberPromoteRequest(ID=1), (Code.NOT_FOUND, "member not found")),
        (
            "MemberPromote",
            pb.MemberPromoteRequest(ID=ME),
            (Code.FAILED_PRECONDITION, "can only promote a learner member"),
        ),
    ],
    ids=[
        "add without URL",
        "add with a known URL",
        "remove a stranger",
        "update a stranger",
        "update with nonsense",
        "update with another's URL",
        "promote a stranger",
        "promote a voter",
    ],
)
def test_changes_that_are_refused(
    path: str, request_: pb.MemberAddRequest, error: tuple[Code, str]
) -> None:
    world = World()
    assert world.refused(f"Cluster/{path}", request_) == error
    assert world.node.proposed == []


def test_the_strict_check_and_its_flag() -> None:
    not_enough = "re-configuration failed due to not enough started members"
    world = World()
    add = pb.MemberAddRequest(peerURLs=[URL])
    world.ask("Cluster/MemberAdd", add, pb.MemberAddResponse)
    again = pb.MemberAddRequest(peerURLs=["http://10.0.0.8:2380"])
    world.ask("Cluster/MemberAdd", again, pb.MemberAddResponse)
    third = pb.MemberAddRequest(peerURLs=["http://10.0.0.7:2380"])
    assert world.refused("Cluster/MemberAdd", third) == (Code.UNKNOWN, not_enough)
    assert world.refused("Cluster/MemberRemove", pb.MemberRemoveRequest(ID=ME)) == (
        Code.UNKNOWN,
        not_enough,
    )
    lax = World(replace(MemberConfig(), strict_reconfig_check=False))
    for request in (add, again, third):
        lax.ask("Cluster/MemberAdd", request, pb.MemberAddResponse)


def test_too_many_learners() -> None:
    world = World()
    request = pb.MemberAddRequest(peerURLs=[URL], isLearner=True)
    world.ask("Cluster/MemberAdd", request, pb.MemberAddResponse)
    request = pb.MemberAddRequest(peerURLs=["http://10.0.0.8:2380"], isLearner=True)
    assert world.refused("Cluster/MemberAdd", request) == (
        Code.FAILED_PRECONDITION,
        "too many learner members in cluster",
    )


def test_promote_update_and_remove() -> None:
    world = World()
    add = pb.MemberAddRequest(peerURLs=[URL], isLearner=True)
    new = world.ask("Cluster/MemberAdd", add, pb.MemberAddResponse).member.ID
    promoted = world.ask(
        "Cluster/MemberPromote", pb.MemberPromoteRequest(ID=new), pb.MemberPromoteResponse
    )
    assert not any(member.isLearner for member in promoted.members)
    update = pb.MemberUpdateRequest(ID=new, peerURLs=["http://10.0.0.8:2380"])
    updated = world.ask("Cluster/MemberUpdate", update, pb.MemberUpdateResponse)
    assert ["http://10.0.0.8:2380"] in [list(member.peerURLs) for member in updated.members]
    removed = world.ask(
        "Cluster/MemberRemove", pb.MemberRemoveRequest(ID=new), pb.MemberRemoveResponse
    )
    assert [member.ID for member in removed.members] == [ME, *OTHERS]
    assert [change.action for change in world.node.membership_changes] == [
        "add_learner",
        "add_voter",
        "remove",
    ]
    assert world.node.proposed.count(CommandKind.MEMBER_UPDATE) == 1
