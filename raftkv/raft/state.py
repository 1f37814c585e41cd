"""What a member knows, and how its role changes; the handlers elsewhere are functions on it.

Invariants:
- `term` never decreases; within a term `vote` is set at most once (section 5.2).
- `handed_out <= commit <= log.last_index`, and none of them decreases (section 5.3).
- `commit <= verified <= log.last_index`.
- `progress` has the members of the configuration and the leader itself; only a leader has it.
- `leader` is this member itself exactly when its role is LEADER.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from raftkv.config import RaftConfig
from raftkv.raft.log import Log
from raftkv.raft.membership import MembershipHistory
from raftkv.raft.messages import COMMIT_NOTICE, Message
from raftkv.raft.progress import Progress
from raftkv.raft.quorum import Halves
from raftkv.raft.types import NO_MEMBER, HardState, Membership
from raftkv.raft.update import Update

_HASTE_TICKS = 3
"""An election that need not wait for silence starts at one of this many next ticks, by chance."""


class Role(IntEnum):
    """What a member is at the moment (section 5.1; the pre-candidate is thesis 9.6)."""

    FOLLOWER = 0
    PRE_CANDIDATE = 1
    CANDIDATE = 2
    LEADER = 3


@dataclass(slots=True)
class State:
    """Everything that the core remembers between two events."""

    member_id: int
    config: RaftConfig
    draw_election_timeout: Callable[[], int]
    """Gives ticks, by chance; section 5.2 on why it must be chance."""
    log: Log
    history: MembershipHistory

    term: int
    vote: int
    commit: int
    handed_out: int
    """Committed entries up to here left in updates."""
    stored: HardState
    """As the last update said."""

    role: Role = Role.FOLLOWER
    leader: int = NO_MEMBER
    halves: Halves = ()
    """The voters that decide: one set, or two while the configuration is joint."""
    peers: tuple[int, ...] = ()
    """All other members, in ascending order."""

    election_elapsed: int = 0
    """Ticks since the leader was heard; of a leader, since it last checked its quorum."""
    election_due: int = 0
    """At this many of them a voter campaigns."""
    hastened: bool = False
    """True when an election is due early; then the leader's old word no longer protects it."""
    heartbeat_elapsed: int = 0

    votes: dict[int, bool] = field(default_factory=dict)
    """Of a candidate or pre-candidate: who answered, and whether in favour."""

    verified: int = 0
    """The log is known to match the leader's up to here."""
    ack_index: int = -1
    """Not below 0: accepted entries up to here are to be acknowledged to the leader."""

    progress: dict[int, Progress] = field(default_factory=dict)
    uncommitted_bytes: int = 0
    term_durable: bool = False
    """Of a leader: whether its term is surely on its disk, so that messages may show it at once."""
    reads_waiting: list[int] = field(default_factory=list)
    """Contexts of reads that the next round will confirm."""
    round: int = COMMIT_NOTICE + 1
    """Counts the read-index rounds; heartbeats show the latest, running or not."""
    round_index: int = 0
    """The commit index when the running round started."""
    round_reads: list[int] = field(default_factory=list)
    """Contexts of the reads that the running round confirms; none when no round is running."""
    round_acks: dict[int, bool] = field(default_factory=dict)
    transfer_target: int = NO_MEMBER
    transfer_elapsed: int = 0

    update: Update = field(default_factory=Update)
    """What the next `take_update` gives, so far."""

    @property
    def membership(self) -> Membership:
        """The configuration that rules."""
        return self.history.latest

    @property
    def is_voter(self) -> bool:
        """Whether this member's own vote counts."""
        return any(self.member_id in voters for voters in self.halves)

    @property
    def may_stand(self) -> bool:
        """Whether this member may campaign.

        Thesis 4.2.2: who is no longer a voter in its latest configuration still stands until that
        is committed, since it may have the only log that can win. It does not count its own vote
        then.
        """
        return self.is_voter or any(
            self.member_id in membership.voters | membership.voters_outgoing
            for membership in self.history.since(self.commit)
        )

    @property
    def has_committed_in_term(self) -> bool:
        """Whether an entry of this term is committed; before, a leader doesn't know what is."""
        return self.log.term_at(self.commit) == self.term


def send(state: State, message: Message) -> None:
    """Sends a leader's message: beside its write, unless that write makes its term durable.

    Section 5.1's term must be durable before anyone hears of it. A leader whom others voted for
    knows that it is, since it asked them after the write; one that is elected by itself alone must
    wait.
    """
    update = state.update
    (update.messages if state.term_durable else update.messages_after_write).append(message)


def restart_election_timer(state: State) -> None:
    """Starts a new silence, as long as chance says, after which an election is due (5.2)."""
    state.election_elapsed = 0
    state.election_due = max(1, state.draw_election_timeout())
    state.hastened = False


def hasten_election(state: State) -> None:
    """Makes the election due at one of the next ticks.

    Not at once: those who notice the same thing at the same time would split the vote, whereas the
    clocks of different members tick at different moments.
    """
    wait = 1 + state.draw_election_timeout() % _HASTE_TICKS
    state.election_due = min(state.election_due, state.election_elapsed + wait)
    state.hastened = True


def become_follower(state: State, term: int, leader: int) -> None:
    """Follows `leader`, or nobody yet, in `term`; gives up what only other roles hold.

    The election timer goes on: only a leader's message or a vote given restarts it (figure 2).
    """
    assert term >= state.term, f"term would fall from {state.term} to {term}"
    if term > state.term:
        state.term, state.vote = term, NO_MEMBER
        state.verified, state.ack_index = state.commit, -1
    if state.role is Role.LEADER:
        restart_election_timer(state)
        _give_up_leadership(state)
    state.role, state.leader = Role.FOLLOWER, leader
    state.votes = {}


def become_pre_candidate(state: State) -> None:
    """Asks whether an election could be won, before raising the term (thesis 9.6)."""
    assert state.role is not Role.LEADER, "a leader does not campaign"
    state.role, state.leader = Role.PRE_CANDIDATE, NO_MEMBER
    state.votes = {state.member_id: True}
    restart_election_timer(state)


def become_candidate(state: State) -> None:
    """Section 5.2: increments the current term, votes for itself, restarts the election timer."""
    assert state.role is not Role.LEADER, "a leader does not campaign"
    state.term, state.vote = state.term + 1, state.member_id
    state.verified, state.ack_index = state.commit, -1
    state.role, state.leader = Role.CANDIDATE, NO_MEMBER
    state.votes = {state.member_id: True}
    restart_election_timer(state)


def become_leader(state: State) -> None:
    """Takes office with nothing known of the others' logs but that they may match up to the end."""
    assert state.role is Role.CANDIDATE, f"{state.role.name} can't become leader"
    state.term_durable = any(voter != state.member_id for voter in state.votes)
    state.role, state.leader = Role.LEADER, state.member_id
    state.votes = {}
    state.election_elapsed = state.heartbeat_elapsed = 0
    state.hastened = False
    # Section 5.3: nextIndex starts just after the leader's last entry.
    next_index = state.log.last_index + 1
    state.progress = {
        member: Progress(next_index, recently_active=False)
        for member in (*state.peers, state.member_id)
    }
    state.progress[state.member_id].match = state.log.durable_index
    waiting = state.log.slice(state.commit + 1, state.log.last_index)
    state.uncommitted_bytes = sum(map(len, waiting))


def _give_up_leadership(state: State) -> None:
    state.update.reads_dropped += state.round_reads + state.reads_waiting
    state.round_reads, state.reads_waiting = [], []
    state.progress = {}
    state.uncommitted_bytes = 0
    state.transfer_target = NO_MEMBER


def commit_to(state: State, index: int) -> None:
    """Moves the commit index."""
    assert state.commit < index <= state.log.last_index, (
        f"commit from {state.commit} to {index}, the log ends at {state.log.last_index}"
    )
    if state.role is Role.LEADER:
        state.uncommitted_bytes -= sum(map(len, state.log.slice(state.commit + 1, index)))
    state.commit = index
    state.verified = max(state.verified, index)


def append_membership(state: State, index: int, membership: Membership) -> None:
    """Lets the configuration rule that was just appended at `index` (section 6)."""
    state.history.append(index, membership)
    membership_changed(state)


def truncate_log(state: State, index: int) -> None:
    """Drops what conflicts with the leader's log, configurations included (sections 5.3 and 6)."""
    assert state.commit < index, f"truncating at {index}, committed are {state.commit}"
    state.log.truncate(index)
    if index <= state.history.latest_index:
        state.history.truncate(index)
        membership_changed(state)


def membership_changed(state: State) -> None:
    """Derives from the ruling configuration what is asked often."""
    membership = state.history.latest
    halves = (membership.voters, membership.voters_outgoing)
    state.halves = halves if membership.is_joint else halves[:1]
    state.peers = tuple(sorted(membership.members - {state.member_id}))
    if state.role is Role.LEADER:
        kept = state.progress
        # A member that was just added has had no chance yet to be heard, which must not look like
        # silence to the check of the quorum.
        state.progress = {
            member: kept.get(member) or Progress(state.log.last_index, recently_active=True)
            for member in (*state.peers, state.member_id)
        }
