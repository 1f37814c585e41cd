"""What Raft promises (figure 3 of the paper), and what durability adds, checked after every event.

Nothing a member says of itself is believed for longer than a moment: the checks keep their own
record of everything that ever held, and look at the disks for what is durable.
"""

from typing_extensions import override

from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    Message,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.state import Role
from raftkv.raft.types import Membership, entry_index, entry_term
from raftkv.raft.update import Update
from raftkv.tests.raft.world import Member, Observer, World


def majority_of_each(membership: Membership, members: set[int]) -> bool:
    """The definition of a quorum, written out once more."""
    halves = [half for half in (membership.voters, membership.voters_outgoing) if half]
    return all(2 * len(half & members) > len(half) for half in halves) and bool(halves)


class Invariants(Observer):
    """The record of one run."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.committed: list[bytes] = []
        """Every entry that any member ever took for committed."""
        self._leader_of_term: dict[int, int] = {}
        self._vote: dict[tuple[int, int], int] = {}
        self._entry: dict[tuple[int, int], tuple[bytes, int]] = {}
        """(index, term) -> the entry there, and the term of the one before."""
        self._seen: dict[int, tuple[int, int, int, int]] = {}
        """Member -> (starts, term, stored term, commit) when last looked at."""

    @override
    def sent(self, member: Member, message: Message) -> None:
        """Figure 2: "updated on stable storage before responding to RPCs"; so do requests."""
        stored = member.disk.hard_state
        if isinstance(message, AppendEntries):
            self._check_matching(message.prev_term, message.entries)
        match message:
            case RequestVote(pre_vote=False) | AppendEntries() | Heartbeat():
                assert stored.term >= message.term, f"{message} left before {stored}"
            case RequestVoteResponse(pre_vote=False, granted=True):
                assert stored.term >= message.term, f"{message} left before {stored}"
                if stored.term == message.term:
                    assert stored.vote == message.to, f"{message} left before {stored}"
                known = self._vote.setdefault((member.member_id, message.term), message.to)
                assert known == message.to, f"{message}, but it had voted for {known}"
            case AppendEntriesResponse(rejected=False):
                assert message.index <= member.disk.last_index, f"{message} left too early"
            case _:
                pass

    @override
    def updated(self, member: Member, update: Update) -> None:
        """Leader Append-Only."""
        raft = member.raft
        assert raft is not None, "a member that does not run"
        if raft.role is Role.LEADER:
            assert not update.truncate_from, f"leader m{member.member_id} truncates its log"

    @override
    def written(self, member: Member, before: int, entries: list[bytes]) -> None:
        """Log Matching, on what became durable."""
        self._check_matching(before, entries)

    def _check_matching(self, before: int, entries: list[bytes]) -> None:
        """By induction: an index and a term decide on the entry, and on the term of the one before.

        Entries that neither left their member nor reached its disk never were.
        """
        for entry in entries:
            key = (entry_index(entry), entry_term(entry))
            known = self._entry.setdefault(key, (entry, before))
            assert known == (entry, before), f"Log Matching: two entries at {key}"
            before = entry_term(entry)

    @override
    def stepped(self, member: Member) -> None:
        """Everything else, on what changed."""
        raft = member.raft
        assert raft is not None, "a member that does not run"
        starts, term, stored_term, commit = self._seen.get(member.member_id, (0, 0, 0, 0))
        if member.starts == starts:
            assert raft.term >= term, f"m{member.member_id}: term fell from {term}"
            assert raft.commit >= commit, f"m{member.member_id}: commit fell from {commit}"
        assert raft.term >= member.disk.hard_state.term >= stored_term, "a stored term was lost"
        self._seen[member.member_id] = (
            member.starts,
            raft.term,
            member.disk.hard_state.term,
            raft.commit,
        )
        assert raft.first_index - 1 <= raft.commit <= raft.last_index, "commit outside of the log"
        assert len(member.state) == raft.commit, f"{raft.commit} committed are not all applied"
        self._check_commit(member, commit if member.starts == starts else 0)
        if raft.role is Role.LEADER:
            self._check_leader(member)

    def _check_commit(self, member: Member, since: int) -> None:
        """State Machine Safety; and what is newly committed is durable on a quorum."""
        known = len(self.committed)
        new = member.state[known:]
        if new:
            self.committed += new
            self._check_durable(member)
        for index in range(since, len(member.state) - len(new)):
            assert member.state[index] == self.committed[index], (
                f"State Machine Safety: m{member.member_id} has another entry at {index + 1}"
            )

    def _check_durable(self, member: Member) -> None:
        raft, world = member.raft, self.world
        assert raft is not None, "a member that does not run"
        assert world is not None, "the checks were not told of their world"
        last = self.committed[-1]
        index = entry_index(last)
        holders = {
            other.member_id
            for other in world.members.values()
            if other.disk.snapshot_index >= index or other.disk.entry_at(index) == last
        }
        quorum = majority_of_each(raft.membership_at(index), holders)
        assert quorum or majority_of_each(raft.membership, holders), (
            f"{index} is committed, but durable only on {holders}"
        )

    def _check_leader(self, member: Member) -> None:
        """Election Safety; and, once a term, Leader Completeness."""
        raft = member.raft
        assert raft is not None, "a member that does not run"
        known = self._leader_of_term.get(raft.term)
        if known is None:
            self._leader_of_term[raft.term] = member.member_id
            for entry in self.committed[raft.first_index - 1 :]:
                index = entry_index(entry)
                assert index <= raft.last_index, f"leader m{member.member_id} lacks {index}"
                assert raft.entry_at(index) == entry, f"leader m{member.member_id} lacks {index}"
        else:
            assert known == member.member_id, (
                f"Election Safety: m{known} and m{member.member_id} lead term {raft.term}"
            )
