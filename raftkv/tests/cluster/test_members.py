"""The table of members by itself: the checks, the changes, and that they are stored."""

import pytest

from raftkv.cluster.members import Member, Members, from_message
from raftkv.command.types import Failure
from raftkv.mvcc.memory import MemoryTables

ONE = Member(1, "one", ("http://one:1",), ("http://one:2",))
TWO = Member(2, "two", ("http://two:1",), ("http://two:2",))
LEARNER = Member(3, "", ("http://three:1",), (), is_learner=True)
TABLES = ("member", "removed", "meta")


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def members(tables: MemoryTables) -> Members:
    members = Members(tables)
    members.bootstrap([TWO, ONE], 77)
    return members


def reloaded(tables: MemoryTables) -> Members:
    members = Members(tables)
    members.load({name: list(tables.items(name)) for name in TABLES})
    return members


def test_members_come_in_the_order_of_their_ids(members: Members) -> None:
    assert members.all() == [ONE, TWO]
    assert members.get(2) == TWO
    assert members.get(9) is None
    assert 1 in members
    assert 9 not in members


def test_a_member_goes_through_its_message_unchanged() -> None:
    for member in (ONE, LEARNER):
        assert from_message(member.message()) == member
    assert ONE.has_started
    assert not LEARNER.has_started


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (Member(9, "", ("http://nine:1",)), None),
        (Member(2, "", ("http://nine:1",)), Failure.MEMBER_EXISTS),
        (Member(9, "", ("http://nine:1", "http://two:1")), Failure.PEER_URL_EXISTS),
        (Member(4, "", ("http://nine:1",)), Failure.MEMBER_NOT_FOUND),
        (Member(9, "", ("http://nine:1",), (), is_learner=True), Failure.TOO_MANY_LEARNERS),
    ],
    ids=["new", "id in use", "peer URL in use", "id removed", "one learner too many"],
)
def test_what_speaks_against_adding_a_member(
    members: Members, member: Member, expected: Failure | None
) -> None:
    members.add(LEARNER)
    members.add(Member(4, "", ("http://four:1",)))
    members.remove(4)
    assert members.check_add(member, learners_max=1) is expected


def test_learners_are_not_counted_where_no_bound_is_given(members: Members) -> None:
    members.add(LEARNER)
    another = Member(5, "", ("http://five:1",), (), is_learner=True)
    assert members.check_add(another) is None
    assert members.check_add(another, learners_max=2) is None


def test_a_member_s_own_peer_url_is_not_taken_from_it(members: Members) -> None:
    assert members.check_update(1, ["http://one:1", "http://one:9"]) is None
    assert members.check_update(1, ["http://two:1"]) is Failure.PEER_URL_EXISTS
    assert members.check_update(9, ["http://nine:1"]) is Failure.MEMBER_NOT_FOUND


def test_only_a_learner_is_promoted(members: Members) -> None:
    members.add(LEARNER)
    assert members.check_promote(3) is None
    assert members.check_promote(1) is Failure.MEMBER_NOT_LEARNER
    assert members.check_promote(9) is Failure.MEMBER_NOT_FOUND
    members.promote(3)
    assert members.get(3) == LEARNER._replace(is_learner=False)


def test_a_removed_id_never_comes_back(members: Members) -> None:
    members.remove(2)
    assert members.is_removed(2)
    assert not members.is_removed(1)
    assert members.check_exists(2) is Failure.MEMBER_NOT_FOUND
    assert members.check_add(TWO) is Failure.MEMBER_NOT_FOUND
    with pytest.raises(AssertionError):
        members.add(TWO)


def test_every_change_is_stored(members: Members, tables: MemoryTables) -> None:
    members.add(LEARNER)
    members.promote(3)
    members.publish(3, "three", ["http://three:2"])
    members.update(1, ["http://one:9"])
    members.remove(2)
    stored = reloaded(tables)
    assert stored.all() == members.all()
    assert stored.get(3) == Member(3, "three", ("http://three:1",), ("http://three:2",))
    assert stored.get(1) == ONE._replace(peer_urls=("http://one:9",))
    assert stored.is_removed(2)
    assert stored.cluster_id == 77


def test_nothing_stored_is_a_cluster_without_members(tables: MemoryTables) -> None:
    empty = reloaded(tables)
    assert empty.all() == []
    assert empty.cluster_id == 0
