"""Who a member is."""

from dataclasses import replace

import pytest

from raftkv.config import MemberConfig
from raftkv.member import StartupError
from raftkv.member.identity import of_joining, of_new_cluster, seed_urls
from raftkv.peer.handshake import ClusterInfo, MemberInfo

CLUSTER = (("a", "http://10.0.0.1:2380"), ("b", "http://10.0.0.2:2380"), ("c", "http://c:2380"))


def config(name: str = "a") -> MemberConfig:
    own = tuple(url for member, url in CLUSTER if member == name)
    return MemberConfig(name=name, initial_cluster=CLUSTER, initial_advertise_peer_urls=own)


def test_all_first_members_agree_on_every_id() -> None:
    origins = {name: of_new_cluster(config(name)) for name, _ in CLUSTER}
    assert len({origin.cluster for origin in origins.values()}) == 1
    assert len({origin.member for origin in origins.values()}) == 3
    tables = [[(m.ID, list(m.peerURLs)) for m in o.first_members] for o in origins.values()]
    assert tables[0] == tables[1] == tables[2]
    assert [member for member, _ in tables[0]] == [origins[name].member for name in "abc"]


def test_each_first_member_knows_where_the_others_are() -> None:
    origin = of_new_cluster(config("b"))
    assert sorted(origin.peer_urls.values()) == [("http://10.0.0.1:2380",), ("http://c:2380",)]
    assert origin.member not in origin.peer_urls


def test_another_token_makes_another_cluster() -> None:
    other = of_new_cluster(replace(config(), initial_cluster_token="other"))
    assert other.cluster != of_new_cluster(config()).cluster
    assert other.member != of_new_cluster(config()).member


def test_a_member_may_have_several_urls_in_any_order() -> None:
    both = (("a", "http://x:1"), ("a", "http://y:1"))
    origins = [
        of_new_cluster(replace(config(), initial_cluster=urls)) for urls in (both, both[::-1])
    ]
    assert origins[0].first_members == origins[1].first_members
    assert list(origins[0].first_members[0].peerURLs) == ["http://x:1", "http://y:1"]


def test_a_member_that_its_own_cluster_does_not_list_is_told_so() -> None:
    with pytest.raises(StartupError, match='couldn\'t find local name "z"'):
        of_new_cluster(replace(config(), name="z"))


INFO = ClusterInfo(
    7,
    (
        MemberInfo(1, "a", ("http://10.0.0.1:2380",), (), is_learner=False),
        MemberInfo(2, "", ("http://c:2380", "http://d:2380"), (), is_learner=False),
    ),
)


def test_a_member_that_joins_is_whom_the_cluster_has_at_its_peer_url() -> None:
    origin = of_joining(config("c"), INFO)
    assert (origin.cluster, origin.member) == (7, 2)
    assert origin.first_members == ()
    assert origin.peer_urls == {1: ("http://10.0.0.1:2380",)}


def test_a_member_that_joins_without_having_been_added_is_told_what_to_do() -> None:
    with pytest.raises(StartupError, match=r"no member with the peer URLs http://10\.0\.0\.2:2380"):
        of_joining(config("b"), INFO)


def test_a_member_that_joins_asks_everybody_but_itself() -> None:
    assert seed_urls(config("b")) == ["http://10.0.0.1:2380", "http://c:2380"]
