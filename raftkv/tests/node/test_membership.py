"""Changes of membership: refused when unwise, gentle when not; and handing leadership over."""

import pytest

from raftkv.command.types import CommandKind, Failure, Result
from raftkv.node.bootstrap import first_write
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    ProposalsRejected,
    ProposalsReturned,
)
from raftkv.raft.events import MembershipChange
from raftkv.raft.messages import AppendEntries, AppendEntriesResponse, TimeoutNow
from raftkv.raft.stored import StoredLog
from raftkv.raft.types import ENTRY_HEAD_BYTES, Membership
from raftkv.tests.node.given import ME, OTHER, THIRD, World, entry

NEW, NEWER = 4, 5
HEALTHY_TICKS = 50
"""Connected for 5 s."""


def bootstrapped(*voters: int, strict: bool = True) -> World:
    """A leader of a cluster that knows its first members."""
    write = first_write(pb.Member(ID=m, peerURLs=[f"http://{m}"]) for m in voters)
    stored = StoredLog(write.hard_state, 0, 0, None, write.entries, 0, 0)
    world = World(stored=stored, settings={"strict_reconfig_check": strict})
    world.node.turn()
    if len(voters) > 1:
        world.leads()
    else:
        world.passes(10)
        world.disk_is_done()
        world.disk_is_done()
    assert world.node.status.leader == ME
    return world


def changes(world: World, action: str, member: int) -> list[Result]:
    """A client asks for a change; the answers come into the list."""
    kind, message = {
        "add_voter": (CommandKind.MEMBER_ADD, pb.Member(ID=member, peerURLs=[f"http://{member}"])),
        "add_learner": (
            CommandKind.MEMBER_ADD,
            pb.Member(ID=member, peerURLs=[f"http://{member}"], isLearner=True),
        ),
        "promote": (CommandKind.MEMBER_PROMOTE, pb.MemberPromoteRequest(ID=member)),
        "remove": (CommandKind.MEMBER_REMOVE, pb.MemberRemoveRequest(ID=member)),
    }[action]
    change = MembershipChange("add_voter" if action == "promote" else action, member)
    answers: list[Result] = []
    world.node.propose_membership((change,), kind, message.SerializeToString(), answers.append)
    world.node.turn()
    return answers


def carried_out(world: World, *others: int) -> None:
    """The change is durable here and on others, committed and applied."""
    world.disk_is_done()
    for other in others:
        world.is_acknowledged(other)


def ids(world: World) -> list[int]:
    return [member.id for member in world.node.state.members.all()]


def test_every_first_member_writes_the_same_first_entries() -> None:
    members = [pb.Member(ID=m, peerURLs=[f"http://{m}"]) for m in (3, 1, 2)]
    assert first_write(members) == first_write(reversed(members))
    world = bootstrapped(ME, OTHER, THIRD)
    assert ids(world) == [ME, OTHER, THIRD]
    assert world.node.raft.membership == Membership(frozenset({ME, OTHER, THIRD}))


def test_a_new_voter_listens_until_it_has_caught_up() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    answers = changes(world, "add_voter", NEW)
    carried_out(world, OTHER)
    assert len(answers) == 1
    assert not isinstance(answers[0], Failure)
    assert ids(world) == [ME, OTHER, THIRD, NEW]
    assert not world.node.state.members.all()[-1].is_learner
    assert world.node.raft.membership.learners == {NEW}

    world.passes(1)
    assert world.node.raft.membership.learners == {NEW}
    world.is_acknowledged(NEW)
    world.passes(1)
    carried_out(world, OTHER)
    assert world.node.raft.membership.voters == {ME, OTHER, THIRD, NEW}


def test_a_learner_listens_until_it_is_promoted() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    changes(world, "add_learner", NEW)
    carried_out(world, OTHER, NEW)
    world.passes(3)
    assert world.node.raft.membership.learners == {NEW}

    answers = changes(world, "promote", NEW)
    carried_out(world, OTHER, NEW)
    assert not isinstance(answers[0], Failure)
    assert world.node.raft.membership.voters == {ME, OTHER, THIRD, NEW}
    assert world.node.counts.learners_promoted == 1


def test_a_learner_that_lags_behind_is_not_promoted() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    changes(world, "add_learner", NEW)
    carried_out(world, OTHER)
    assert changes(world, "promote", NEW) == [Failure.LEARNER_NOT_READY]
    counts = world.node.counts
    assert counts.learners_promoted == 0
    assert counts.promotions_refused == {Failure.LEARNER_NOT_READY: 1}


def test_the_only_member_may_be_joined_by_one_that_is_not_there_yet() -> None:
    world = bootstrapped(ME)
    world.network.connected_ticks[NEW] = 0
    answers = changes(world, "add_voter", NEW)
    carried_out(world)
    assert len(answers) == 1
    written = world.puts()
    world.node.turn()
    world.disk_is_done()
    assert len(written) == 1


def test_a_removed_member_is_told_of_its_removal_and_gone() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    world.is_acknowledged(THIRD)
    told = world.asked.members_changed
    answers = changes(world, "remove", THIRD)
    carried_out(world, OTHER)
    assert not isinstance(answers[0], Failure)
    assert ids(world) == [ME, OTHER]
    assert world.node.state.members.is_removed(THIRD)
    assert world.asked.members_changed == told + 1


@pytest.mark.parametrize(
    ("action", "member", "unhealthy", "is_refused"),
    [
        ("add_voter", NEW, [], False),
        ("add_voter", NEW, [THIRD], True),
        ("add_learner", NEW, [THIRD], True),
        ("remove", OTHER, [], False),
        ("remove", THIRD, [THIRD], False),
        ("remove", OTHER, [THIRD], True),
        ("remove", ME, [THIRD], True),
    ],
)
def test_a_change_must_leave_a_quorum_that_has_been_connected_for_a_while(
    action: str, member: int, unhealthy: list[int], *, is_refused: bool
) -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    for one in unhealthy:
        world.network.connected_ticks[one] = HEALTHY_TICKS - 1
    answers = changes(world, action, member)
    assert answers == ([Failure.UNHEALTHY] if is_refused else [])


def test_what_the_members_table_refuses_does_not_reach_consensus() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    assert changes(world, "promote", OTHER) == [Failure.MEMBER_NOT_LEARNER]
    assert changes(world, "remove", NEW) == [Failure.MEMBER_NOT_FOUND]
    assert changes(world, "add_voter", OTHER) == [Failure.MEMBER_EXISTS]

    answers: list[Result] = []
    same_url = pb.Member(ID=NEW, peerURLs=[f"http://{OTHER}"]).SerializeToString()
    change = MembershipChange("add_voter", NEW)
    world.node.propose_membership((change,), CommandKind.MEMBER_ADD, same_url, answers.append)
    assert answers == [Failure.PEER_URL_EXISTS]
    assert world.node.raft.membership.members == {ME, OTHER, THIRD}


def test_a_change_is_not_taken_before_the_one_before_it_is_applied() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    for number in range(600):  # more than one turn applies
        world.puts(b"%d" % number)
    world.node.turn()
    changes(world, "add_learner", NEW)
    world.disk_is_done()
    status = world.node.status
    world.meets(
        AppendEntriesResponse(ME, OTHER, status.term, False, status.last_index, 0, 0)  # noqa: FBT003
    )
    assert world.node.status.applied_index < world.node.status.commit_index
    assert changes(world, "remove", THIRD) == [Failure.TOO_MANY_REQUESTS]
    world.node.turn()
    assert changes(world, "remove", THIRD) == []


def test_a_change_is_taken_while_other_entries_wait_to_be_applied() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    for number in range(600):
        world.puts(b"%d" % number)
    world.node.turn()
    world.disk_is_done()
    status = world.node.status
    world.meets(
        AppendEntriesResponse(ME, OTHER, status.term, False, status.last_index, 0, 0)  # noqa: FBT003
    )
    assert world.node.status.applied_index < world.node.status.commit_index
    assert changes(world, "add_learner", NEW) == []


def test_without_the_strict_check_everything_may_change() -> None:
    world = bootstrapped(ME, OTHER, THIRD, strict=False)
    world.network.connected_ticks = {OTHER: 0, THIRD: 0}
    assert changes(world, "add_voter", NEW) == []


def test_a_second_change_waits_for_its_client_to_ask_again() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    first = changes(world, "add_voter", NEW)
    assert changes(world, "add_voter", NEWER) == [Failure.TOO_MANY_REQUESTS]
    carried_out(world, OTHER)
    assert len(first) == 1


def test_without_a_leader_a_change_is_refused_at_once() -> None:
    world = World()
    assert changes(world, "add_voter", NEW) == [Failure.NO_LEADER]


def test_a_follower_forwards_a_change_and_learns_why_it_was_refused() -> None:
    world = World()
    world.follows(OTHER)
    answers = changes(world, "add_voter", NEW)
    forwarded = world.last_sent(ForwardMembership)
    assert (forwarded.to, forwarded.term) == (OTHER, 1)
    assert forwarded.changes == [("add_voter", NEW)]
    world.meets(ProposalsRejected(ME, OTHER, [1], "UNHEALTHY"))
    assert answers == [Failure.UNHEALTHY]


def test_a_leader_takes_a_forwarded_change_or_says_why_not() -> None:
    asking = World()
    asking.follows(OTHER)
    changes(asking, "add_voter", NEW)
    command = asking.last_sent(ForwardMembership).context

    world = bootstrapped(ME, OTHER, THIRD)
    term = world.node.status.term
    world.network.connected_ticks[THIRD] = 0
    world.meets(ForwardMembership(ME, OTHER, term, [("add_voter", NEW)], command))
    world.meets(ForwardMembership(ME, OTHER, term - 1, [("add_voter", NEW)], command))
    reasons = [rejected.reason for rejected in world.sent(ProposalsRejected)]
    assert reasons == ["UNHEALTHY", "LEADER_CHANGED"]

    world.network.connected_ticks.clear()
    world.meets(ForwardMembership(ME, OTHER, term, [("add_voter", NEW)], command))
    carried_out(world, OTHER)
    assert ids(world) == [ME, OTHER, THIRD, NEW]


# -- handing over


def hands_over(world: World, target: int) -> list[Failure | None]:
    ends: list[Failure | None] = []
    world.node.transfer_leadership(target, ends.append)
    return ends


def test_leadership_goes_to_a_voter_that_has_everything() -> None:
    world = World()
    world.leads()
    ends = hands_over(world, OTHER)
    world.node.turn()
    assert world.last_sent(TimeoutNow).to == OTHER
    assert ends == []
    world.meets(AppendEntries(ME, OTHER, world.node.status.term + 1, 0, 0, 0, []))
    assert ends == [None]


def test_a_handover_that_another_member_wins_has_failed() -> None:
    world = World()
    world.leads()
    ends = hands_over(world, OTHER)
    world.meets(AppendEntries(ME, THIRD, world.node.status.term + 1, 0, 0, 0, []))
    assert ends == [Failure.TIMEOUT]


def test_a_handover_to_a_member_that_does_not_answer_is_given_up() -> None:
    world = World()
    world.leads()
    ends = hands_over(world, THIRD)
    for _ in range(11):
        world.passes(1)
        world.heartbeats_are_answered()
    assert ends == [Failure.TIMEOUT]
    assert world.node.status.leader == ME
    written = world.puts()
    world.node.turn()
    world.disk_is_done()
    world.is_acknowledged()
    assert len(written) == 1


def test_requests_wait_while_leadership_is_handed_over_and_go_to_the_new_leader() -> None:
    world = World()
    world.leads()
    ends = hands_over(world, OTHER)
    written = world.puts()
    world.node.turn()
    world.node.turn()
    term = world.node.status.term + 1
    world.meets(AppendEntries(ME, OTHER, term, 0, 0, 0, []))
    assert (ends, written) == ([None], [])
    (forwarded,) = world.sent(ForwardProposals)
    assert (forwarded.to, forwarded.term, len(forwarded.commands)) == (OTHER, term, 1)


def test_requests_wait_for_a_handover_that_fails_and_are_taken_then() -> None:
    world = World()
    world.leads()
    hands_over(world, THIRD)
    written = world.puts()
    for _ in range(11):
        world.passes(1)
        world.heartbeats_are_answered()
    world.disk_is_done()
    world.is_acknowledged()
    assert len(written) == 1
    assert not isinstance(written[0], Failure)


def test_what_others_forward_during_a_handover_is_given_back() -> None:
    world = World()
    world.leads()
    hands_over(world, THIRD)
    command = entry(1, 1, origin=OTHER, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, OTHER, world.node.status.term, [command]))
    assert world.sent(ProposalsReturned) == [ProposalsReturned(OTHER, ME, [command])]


def test_a_change_of_membership_does_not_wait_for_a_handover() -> None:
    world = bootstrapped(ME, OTHER, THIRD)
    hands_over(world, THIRD)
    assert changes(world, "add_voter", NEW) == [Failure.LEADER_CHANGED]


def test_who_leads_already_has_nothing_to_do() -> None:
    world = World()
    world.leads()
    assert hands_over(world, ME) == [None]


@pytest.mark.parametrize("target", [NEW, 0])
def test_only_a_voter_can_take_over(target: int) -> None:
    world = World()
    world.leads()
    assert hands_over(world, target) == [Failure.BAD_LEADER_TRANSFEREE]


def test_only_the_leader_can_hand_over() -> None:
    world = World()
    world.follows(OTHER)
    assert hands_over(world, THIRD) == [Failure.NOT_LEADER]


def test_one_handover_at_a_time() -> None:
    world = World()
    world.leads()
    hands_over(world, OTHER)
    assert hands_over(world, THIRD) == [Failure.TOO_MANY_REQUESTS]
