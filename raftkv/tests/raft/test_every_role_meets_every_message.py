"""Whatever comes, in whatever role: a member moves or ignores it, and keeps what it must keep.

Messages are drawn with any numbers, from members and strangers, from the past and the future, with
damaged entries, gaps and configurations that can't be.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftkv.config import RaftConfig
from raftkv.raft.core import Raft
from raftkv.raft.events import (
    Event,
    Hasten,
    MembershipChange,
    PeerLost,
    Persisted,
    Propose,
    ProposeMembership,
    ReadIndex,
    Receive,
    SnapshotSent,
    Tick,
    TransferLeadership,
)
from raftkv.raft.membership import encode_membership
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    RequestVote,
    RequestVoteResponse,
    TimeoutNow,
)
from raftkv.raft.state import Role
from raftkv.raft.types import HardState, Membership, encode_entry
from raftkv.raft.update import Update
from raftkv.tests.raft.given import TIMEOUT, log_of

EXAMPLES = settings().max_examples
"""As the profile says (`HYPOTHESIS_PROFILE=soak` for more)."""

LOG = [1, 1, 2, 3, 3]
TERM = 3
EXTREMES = (-1, 1 << 63, 1 << 64, 1 << 80)

small = st.integers(0, 9)
number = st.one_of(small, small, small, st.sampled_from(EXTREMES))
members = st.integers(0, 5)
groups = st.frozensets(st.integers(0, 5), max_size=4)
memberships = st.builds(Membership, groups, groups, groups, groups)


@st.composite
def entry_runs(draw: st.DrawFn) -> list[bytes]:
    """Some entries, of which most follow each other."""
    index, term = draw(small), draw(st.integers(1, 5))
    entries = []
    for offset in range(draw(st.integers(0, 4))):
        term += draw(st.sampled_from([0, 0, 0, 1]))
        kind = draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
        payload = encode_membership(draw(memberships), b"x") if kind == 1 else b"payload"
        entry = encode_entry(term, index + offset + 1, kind, payload)
        entries.append(draw(st.sampled_from([entry, entry, entry, entry[:-1], b""])))
    return entries


@st.composite
def fitting_appends(draw: st.DrawFn) -> AppendEntries:
    """An append that could be from a leader of now: most others are turned away early."""
    prev = draw(st.integers(0, 7))
    terms = draw(st.lists(st.integers(1, 4), max_size=4).map(sorted))
    prev_term = draw(st.sampled_from([0, *LOG][prev : prev + 1] or [3]))
    term = draw(st.integers(3, 5))
    sender = draw(st.sampled_from([2, 2, 3]))
    return AppendEntries(
        1, sender, term, prev, prev_term, draw(number), log_of(*terms, first=prev + 1)
    )


terms = st.one_of(st.integers(TERM, TERM + 2), number)
to_sender_term = (st.sampled_from([1, 1, 1, 1, 2]), members, terms)
messages = st.one_of(
    st.builds(RequestVote, *to_sender_term, number, number, st.booleans(), st.booleans()),
    st.builds(RequestVoteResponse, *to_sender_term, st.booleans(), st.booleans()),
    st.builds(AppendEntries, *to_sender_term, number, number, number, entry_runs()),
    fitting_appends(),
    st.builds(AppendEntriesResponse, *to_sender_term, st.booleans(), number, number, number),
    st.builds(Heartbeat, *to_sender_term, number, number),
    st.builds(HeartbeatResponse, *to_sender_term, number),
    st.builds(InstallSnapshot, *to_sender_term, number, number, memberships),
    st.builds(TimeoutNow, *to_sender_term),
)
changes = st.builds(
    MembershipChange, st.sampled_from(["add_voter", "add_learner", "remove", "bless"]), members
)
events = st.one_of(
    messages.map(Receive),
    messages.map(Receive),
    messages.map(Receive),
    st.just(Tick()),
    st.just(Hasten()),
    st.builds(Propose, st.lists(st.sampled_from([b"", b"command"]), max_size=3)),
    st.builds(ProposeMembership, st.lists(changes, max_size=3).map(tuple), st.just(b"why")),
    st.builds(ReadIndex, st.integers(1, 9)),
    st.builds(Persisted, small, number),
    st.builds(SnapshotSent, members, st.booleans(), st.just(1)),
    st.builds(TransferLeadership, members),
    st.builds(PeerLost, members),
)


def in_role(role: Role, *, pre_vote: bool) -> Raft:
    """A voter of three in a role, with a log of which a part is committed."""
    config = RaftConfig(election_timeout_ticks=TIMEOUT, pre_vote=pre_vote, reads_waiting_max=5)
    voters = Membership(frozenset({1, 2, 3}), learners=frozenset({4}))
    stored = HardState(TERM, 0, 2)
    raft = Raft(1, config, lambda: TIMEOUT, stored, 0, 0, voters, log_of(*LOG), 1)
    if role is Role.FOLLOWER:
        raft.step(Receive(Heartbeat(1, 2, TERM, 0, 1)))
        return raft
    if role is Role.PRE_CANDIDATE and not pre_vote:
        role = Role.CANDIDATE
    for _ in range(TIMEOUT):
        raft.step(Tick())
    while raft.role is not role:
        asks = raft.role is Role.PRE_CANDIDATE
        vote = RequestVoteResponse(1, 3, raft.term + asks, granted=True, pre_vote=asks)
        raft.step(Receive(vote))
    return raft


class Watch:
    """What must stay true from one update to the next."""

    def __init__(self, raft: Raft) -> None:
        self.raft = raft
        self.committed: dict[int, bytes] = {}
        self.term, self.vote, self.commit, self.role = TERM, 0, 2, Role.FOLLOWER
        self.handed_out = 1
        self.look(raft.take_update())

    def look(self, update: Update | None) -> None:
        """Compares with what was seen last."""
        raft, state = self.raft, self.raft._state
        assert raft.term >= self.term, "the term fell"
        if raft.term == self.term and self.vote:
            assert raft.vote == self.vote, "a second vote in one term"
        assert self.commit <= raft.commit <= state.verified <= raft.last_index, "bad commit"
        assert raft.first_index - 1 <= raft.commit, "the log was cut beyond the commit index"
        assert (raft.leader == 1) == (raft.role is Role.LEADER), "who leads?"
        assert set(state.votes) <= {1, *state.peers}, "strangers vote"
        ruling = raft.membership
        assert state.peers == tuple(sorted(ruling.members - {1})), "peers of another time"
        assert state.halves[0] == ruling.voters, "voters of another time"
        assert state.halves[1:] == ((ruling.voters_outgoing,) if ruling.is_joint else ())
        assert len(state.reads_waiting) <= 5, "too many reads wait"
        self.look_at_committed()
        self.look_at_progress()
        if update is not None:
            self.look_at_update(update)
        self.term, self.vote, self.commit, self.role = raft.term, raft.vote, raft.commit, raft.role

    def look_at_committed(self) -> None:
        """What is committed stays."""
        raft = self.raft
        for index, entry in self.committed.items():
            if index >= raft.first_index:
                assert raft.entry_at(index) == entry, f"committed entry {index} changed"
        for index in range(raft.first_index, raft.commit + 1):
            self.committed[index] = raft.entry_at(index)

    def look_at_progress(self) -> None:
        """A leader knows its members, and nothing impossible of them."""
        state = self.raft._state
        if self.raft.role is not Role.LEADER:
            assert not state.progress, "only a leader has followers"
            return
        assert set(state.progress) == {1, *state.peers}, "followers are not the members"
        for member in state.peers:
            progress = state.progress[member]
            assert 0 <= progress.match < progress.next, "match is not before next"
            assert progress.next <= self.raft.last_index + 1, "next is beyond the log"

    def look_at_update(self, update: Update) -> None:
        """What is sent and written fits what is known."""
        raft = self.raft
        changed = (raft.term, raft.vote) != (self.term, self.vote)
        assert not changed or (update.must_write and update.hard_state is not None)
        if self.role is Role.LEADER and raft.role is Role.LEADER and raft.term == self.term:
            assert not update.truncate_from, "a leader truncates its log"
        for message in update.messages + update.messages_after_write:
            assert message.sender == 1, "sent in another's name"
            assert message.to not in {0, 1}, "sent to nobody"
            ahead = isinstance(message, RequestVote | RequestVoteResponse) and message.pre_vote
            assert ahead or message.term <= raft.term, "sent with a term not entered"
        if raft.term != self.term:
            assert not update.messages, "shows a term that is not written"
        if update.install is None and update.committed:
            assert raft.commit - self.handed_out == len(update.committed), "handed out twice"
        self.handed_out = raft.commit


@pytest.mark.slow
@given(
    role=st.sampled_from(Role),
    pre_vote=st.booleans(),
    what=st.lists(events, min_size=1, max_size=12),
)
@settings(max_examples=4 * EXAMPLES)
def test_nothing_that_comes_breaks_what_a_member_must_keep(
    role: Role, what: list[Event], *, pre_vote: bool
) -> None:
    raft = in_role(role, pre_vote=pre_vote)
    watch = Watch(raft)
    for event in what:
        raft.step(event)
        watch.look(raft.take_update())


@given(role=st.sampled_from(Role), what=st.lists(events, max_size=12))
def test_equal_events_give_equal_updates(role: Role, what: list[Event]) -> None:
    one, other = in_role(role, pre_vote=True), in_role(role, pre_vote=True)
    for event in what:
        one.step(event)
        other.step(event)
        assert one.take_update() == other.take_update()


@given(role=st.sampled_from(Role), what=st.lists(events, max_size=12))
def test_how_many_steps_share_an_update_changes_no_decision(role: Role, what: list[Event]) -> None:
    apart, together = in_role(role, pre_vote=True), in_role(role, pre_vote=True)
    apart.take_update()
    for event in what:
        if isinstance(event, ReadIndex):
            continue
        apart.step(event)
        apart.take_update()
        together.step(event)
    together.take_update()

    assert (apart.term, apart.vote, apart.leader) == (together.term, together.vote, together.leader)
    assert apart.commit == together.commit
    assert apart.last_index == together.last_index
