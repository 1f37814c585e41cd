"""The commands that change the table of members, and their answers."""

from raftkv.apply.state import StateMachine
from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.given import a_state, apply, refused, reloaded

ONE = Member(1, "one", ("http://one:1",), ("http://one:2",))
LEARNER = Member(2, "", ("http://two:1",), (), is_learner=True)


def bootstrapped() -> StateMachine:
    state = a_state()
    state.bootstrap([ONE], 77)
    return state


def add(state: StateMachine, member: Member) -> tuple[int, pb.MemberAddResponse]:
    return apply(state, CommandKind.MEMBER_ADD, member.message(), pb.MemberAddResponse)


def test_an_added_member_is_told_of_alone_and_among_all() -> None:
    state = bootstrapped()
    _, answer = add(state, LEARNER)
    assert answer.member == LEARNER.message()
    assert list(answer.members) == [ONE.message(), LEARNER.message()]
    with refused(Failure.MEMBER_EXISTS):
        add(state, LEARNER)


def test_a_learner_is_promoted_once() -> None:
    state = bootstrapped()
    add(state, LEARNER)
    request = pb.MemberPromoteRequest(ID=2)
    _, answer = apply(state, CommandKind.MEMBER_PROMOTE, request, pb.MemberPromoteResponse)
    assert [member.isLearner for member in answer.members] == [False, False]
    with refused(Failure.MEMBER_NOT_LEARNER):
        apply(state, CommandKind.MEMBER_PROMOTE, request, pb.MemberPromoteResponse)


def test_a_removed_member_is_gone_for_good() -> None:
    state = bootstrapped()
    add(state, LEARNER)
    request = pb.MemberRemoveRequest(ID=2)
    _, answer = apply(state, CommandKind.MEMBER_REMOVE, request, pb.MemberRemoveResponse)
    assert list(answer.members) == [ONE.message()]
    with refused(Failure.MEMBER_NOT_FOUND):
        apply(state, CommandKind.MEMBER_REMOVE, request, pb.MemberRemoveResponse)
    with refused(Failure.MEMBER_NOT_FOUND):
        add(state, LEARNER)


def test_peer_urls_are_updated_unless_another_has_them() -> None:
    state = bootstrapped()
    add(state, LEARNER)
    taken = pb.MemberUpdateRequest(ID=2, peerURLs=["http://one:1"])
    free = pb.MemberUpdateRequest(ID=2, peerURLs=["http://two:9"])
    kind = CommandKind.MEMBER_UPDATE
    with refused(Failure.PEER_URL_EXISTS):
        apply(state, kind, taken, pb.MemberUpdateResponse)
    _, answer = apply(state, kind, free, pb.MemberUpdateResponse)
    assert list(answer.members[1].peerURLs) == ["http://two:9"]


def test_a_member_publishes_its_name_and_client_urls_and_a_stranger_is_ignored() -> None:
    state = bootstrapped()
    add(state, LEARNER)
    kind = CommandKind.MEMBER_PUBLISH
    for member_id in (2, 3):
        told = pb.Member(ID=member_id, name="two", clientURLs=["http://two:2"])
        apply(state, kind, told, pb.MemberListResponse)
    published = LEARNER._replace(name="two", client_urls=("http://two:2",))
    assert reloaded(state).members.all() == [ONE, published]


def keep_only(state: StateMachine, member: Member) -> None:
    apply(state, CommandKind.MEMBER_KEEP_ONLY, member.message(), pb.MemberListResponse)


def test_the_only_member_that_is_kept_is_a_voter_and_the_others_are_removed() -> None:
    state = bootstrapped()
    add(state, LEARNER)
    keep_only(state, Member(2, peer_urls=("http://elsewhere:1",)))
    left = reloaded(state).members
    assert left.all() == [LEARNER._replace(is_learner=False)]
    assert left.is_removed(1)


def test_a_member_is_kept_even_where_it_was_removed_or_is_not_known_yet() -> None:
    state = bootstrapped()
    removal = pb.MemberRemoveRequest(ID=1)
    apply(state, CommandKind.MEMBER_REMOVE, removal, pb.MemberRemoveResponse)
    alone = Member(1, peer_urls=("http://one:9",))
    keep_only(state, alone)
    left = reloaded(state).members
    assert left.all() == [alone]
    assert not left.is_removed(1)


def test_the_cluster_s_id_is_part_of_the_state() -> None:
    assert reloaded(bootstrapped()).members.cluster_id == 77
