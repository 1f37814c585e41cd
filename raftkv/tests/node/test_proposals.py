"""Requests that change the state: queued, sent once, answered once."""

import pytest

from raftkv.command.types import Failure, decode_head
from raftkv.config import NodeConfig, RaftConfig
from raftkv.peer.messages import ForwardProposals, ProposalsRejected, ProposalsReturned
from raftkv.raft.messages import Heartbeat
from raftkv.raft.types import ENTRY_HEAD_BYTES, EntryKind, encode_entry
from raftkv.tests.node.given import ME, OTHER, THIRD, World, entry, no_op

REQUEST_TICKS = 70
"""5 s and two election timeouts, at ten ticks a second."""


def request_ids(message: ForwardProposals) -> list[int]:
    return [decode_head(command)[3] for command in message.commands]


def test_requests_wait_for_a_leader_and_go_to_it_in_one_message() -> None:
    world = World()
    world.puts()
    world.puts()
    world.node.turn()
    assert world.network.sent == []

    world.follows(OTHER)
    (forwarded,) = world.sent(ForwardProposals)
    assert (forwarded.to, forwarded.term) == (OTHER, 1)
    assert request_ids(forwarded) == [1, 2]


def test_what_was_forwarded_is_never_sent_again() -> None:
    world = World()
    world.follows(OTHER)
    world.puts()
    world.node.turn()
    world.passes(9)
    world.follows(THIRD, term=2)
    world.disk_is_done()
    world.puts()
    world.node.turn()
    assert [request_ids(message) for message in world.sent(ForwardProposals)] == [[1], [2]]


def test_the_origin_answers_when_it_applies_the_entry() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    world.node.turn()
    world.is_sent(entry(1, 1, origin=ME, request_id=1))
    world.disk_is_done()
    assert answers == []

    world.meets(Heartbeat(ME, OTHER, 1, 1, 1))
    assert answers == [(2, b"")]


def test_another_members_request_of_the_same_number_is_not_taken_for_ones_own() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    world.node.turn()
    world.is_sent(entry(1, 1, origin=THIRD, request_id=1), commit=1)
    assert answers == []


def test_what_an_earlier_leader_was_sent_fails_once_a_later_term_is_applied() -> None:
    world = World()
    world.follows(OTHER)
    lost = world.puts()
    world.node.turn()
    world.follows(THIRD, term=2)
    assert lost == []

    world.is_sent(no_op(2, 1), leader=THIRD, commit=1)
    assert lost == [Failure.TIMEOUT_LEADER_FAILED]


def test_what_an_earlier_leader_was_sent_succeeds_if_its_entry_lived_on() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    world.node.turn()
    world.follows(THIRD, term=2)
    world.is_sent(entry(1, 1, origin=ME, request_id=1), no_op(2, 2), leader=THIRD, commit=2)
    assert answers == [(2, b"")]


def test_what_the_new_leader_was_sent_does_not_fail_with_the_old_leaders() -> None:
    world = World()
    world.follows(OTHER)
    old = world.puts()
    world.node.turn()
    world.follows(THIRD, term=2)
    new = world.puts()
    world.node.turn()
    world.is_sent(no_op(2, 1), leader=THIRD, commit=1)
    assert (old, new) == ([Failure.TIMEOUT_LEADER_FAILED], [])


def test_what_waits_for_a_leader_does_not_fail_with_the_old_leaders() -> None:
    world = World()
    world.follows(OTHER)
    sent = world.puts()
    world.node.turn()
    world.passes(10)  # a candidate, without a leader
    queued = world.puts()
    world.node.turn()
    world.is_sent(no_op(3, 1), leader=THIRD, commit=1, term=3)
    assert (sent, queued) == ([Failure.TIMEOUT_LEADER_FAILED], [])
    assert [request_ids(message) for message in world.sent(ForwardProposals)] == [[1], [2]]


def test_a_refused_request_fails_with_the_leaders_reason() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts(), world.puts()
    world.node.turn()
    world.meets(ProposalsRejected(ME, OTHER, [1], "TOO_MANY_REQUESTS"))
    world.meets(ProposalsRejected(ME, OTHER, [2, 99], "a reason of tomorrow"))
    assert answers == ([Failure.TOO_MANY_REQUESTS], [Failure.LEADER_CHANGED])
    assert world.node.status.proposals_failed == 2


def test_what_was_given_back_goes_to_the_next_leader_and_waits_for_its_entry() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    world.node.turn()
    (forwarded,) = world.sent(ForwardProposals)
    world.meets(ProposalsReturned(ME, OTHER, forwarded.commands))
    assert len(world.sent(ForwardProposals)) == 1, "who gave it back is asked again at once"

    world.follows(THIRD, term=2)
    world.disk_is_done()
    again = world.sent(ForwardProposals)[-1]
    assert (again.to, again.term, again.commands) == (THIRD, 2, forwarded.commands)
    world.is_sent(no_op(2, 1), leader=THIRD, commit=1, term=2)
    assert answers == [], "it was given up with what the old leader had got"
    world.is_sent(entry(2, 2, origin=ME, request_id=1), leader=THIRD, commit=2, term=2)
    assert answers == [(2, b"")]


def test_what_was_given_back_goes_to_a_leader_that_leads_on_after_a_tick() -> None:
    world = World()
    world.follows(OTHER)
    world.puts()
    world.node.turn()
    (forwarded,) = world.sent(ForwardProposals)
    world.meets(ProposalsReturned(ME, OTHER, forwarded.commands))
    world.passes(1)
    assert world.sent(ForwardProposals)[1:] == [forwarded]


def test_what_was_given_back_too_late_is_forgotten() -> None:
    world = World()
    world.follows(OTHER)
    command = entry(1, 1, origin=ME, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ProposalsReturned(ME, OTHER, [command]))
    world.passes(1)
    assert world.sent(ForwardProposals) == []


def test_a_request_without_an_answer_is_given_up() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    for _ in range(REQUEST_TICKS):
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert answers == []
    world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert answers == [Failure.TIMEOUT]


def test_without_a_leader_the_reason_says_so_and_the_request_is_never_sent() -> None:
    world = World(raft=RaftConfig())  # with pre-vote: the term stays
    answers = world.puts()
    world.passes(REQUEST_TICKS + 1)
    assert answers == [Failure.TIMEOUT_LEADER_FAILED]
    world.follows(OTHER)
    assert world.sent(ForwardProposals) == []


def test_a_late_entry_of_a_request_that_was_given_up_is_applied_and_answers_nobody() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    for _ in range(REQUEST_TICKS + 1):
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    world.is_sent(entry(1, 1, origin=ME, request_id=1), commit=1)
    assert answers == [Failure.TIMEOUT]
    assert world.node.state.store.revision == 2


# -- bounds


def test_too_many_waiting_requests_are_refused_at_once() -> None:
    world = World(config=NodeConfig(proposals_waiting_max=2))
    assert [world.puts(), world.puts(), world.puts()] == [[], [], [Failure.TOO_MANY_REQUESTS]]
    assert world.node.status.proposals_waiting == 2


def test_too_many_waiting_bytes_are_refused_at_once() -> None:
    world = World(config=NodeConfig(proposal_bytes_waiting_max=1_000))
    assert world.puts(value=bytes(1_000)) == []
    assert world.puts() == [Failure.TOO_MANY_REQUESTS]
    world.follows(OTHER)
    assert world.puts() == []


def test_a_member_that_lags_behind_in_applying_refuses_requests() -> None:
    world = World(config=NodeConfig(apply_entries_per_turn_max=1, apply_lag_entries_max=2))
    world.is_sent(*[entry(1, index) for index in range(1, 6)], commit=5)
    assert world.puts() == [Failure.TOO_MANY_REQUESTS]
    world.node.turn()
    world.node.turn()
    assert world.puts() == []


def test_a_leader_with_too_much_to_commit_refuses_its_own_and_others_requests() -> None:
    world = World(raft=RaftConfig(pre_vote=False, uncommitted_bytes_max=100))
    world.leads()
    world.puts(value=bytes(200))
    world.node.turn()
    mine = world.puts()
    theirs = entry(1, 1, origin=THIRD, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, THIRD, world.node.status.term, [theirs]))
    assert mine == [Failure.TOO_MANY_REQUESTS]
    assert world.sent(ProposalsRejected) == [ProposalsRejected(THIRD, ME, [5], "TOO_MANY_REQUESTS")]


# -- others' requests


def test_a_leader_takes_what_is_forwarded_to_it_in_its_term() -> None:
    world = World()
    world.leads()
    command = entry(1, 1, origin=THIRD, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, THIRD, world.node.status.term, [command]))
    assert [made[ENTRY_HEAD_BYTES:] for made in world.disk.writes[-1].entries] == [command]


@pytest.mark.parametrize("term_late", [0, 1])
def test_what_is_meant_for_another_leader_is_given_back(term_late: int) -> None:
    world = World()
    if term_late:
        world.leads()
    else:
        world.follows(OTHER)
    command = entry(1, 1, origin=THIRD, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, THIRD, world.node.status.term - term_late, [command]))
    assert world.sent(ProposalsReturned) == [ProposalsReturned(THIRD, ME, [command])]


def test_a_member_that_stops_tells_everyone_who_waits() -> None:
    world = World()
    writes, reads = world.puts(), world.reads()
    world.node.turn()
    asked: list[tuple[int, int]] = []
    world.node.lease_query(1, False, lambda ttl, granted: asked.append((ttl, granted)))  # noqa: FBT003
    world.node.stop()
    assert (writes, reads, asked) == ([Failure.STOPPED], [Failure.STOPPED], [(-2, 0)])
    sent = len(world.network.sent)
    world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert len(world.network.sent) == sent


def test_a_command_of_a_newer_format_stops_the_member() -> None:
    world = World()
    command = b"\x02" + entry(1, 1)[ENTRY_HEAD_BYTES + 1 :]
    with pytest.raises(AssertionError, match="command format 2"):
        world.is_sent(encode_entry(1, 1, EntryKind.NORMAL, command), commit=1)


def test_a_disk_that_takes_nothing_refuses_what_is_asked_here_and_elsewhere() -> None:
    world = World(config=NodeConfig(log_bytes_waiting_max=1_000))
    world.leads()
    assert world.puts(value=bytes(1_000)) == []
    world.node.turn()

    assert world.puts() == [Failure.TOO_MANY_REQUESTS]
    command = entry(1, 1, origin=OTHER, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, OTHER, world.node.status.term, [command]))
    assert world.sent(ProposalsRejected) == [ProposalsRejected(OTHER, ME, [5], "TOO_MANY_REQUESTS")]

    world.disk_is_done()
    assert world.puts() == []
