"""What Raft promises (figure 3), and what durability adds, looked at after every event.

Nothing is believed that a member says of the others: the checks read each core's state and each
disk's image, and keep their own record of everything that ever held.
"""

from bisect import bisect_left

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.logs import Logs
from jepsen_tests.sim.reference import Reference, digest
from jepsen_tests.sim.whole import check_whole
from raftkv.node.node import Node
from raftkv.peer.codec import AnyMessage
from raftkv.peer.messages import SnapshotEnd
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.types import Membership, entry_term


class Invariants:
    """The record of a run, and the checks against it."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self._cluster = cluster
        self._reference = reference
        self._leader_of_term: dict[int, int] = {}
        self._committed: list[bytes] = []
        """Every entry ever committed, by index - 1."""
        self._committed_in: list[int] = []
        """In which term each of them was committed; never falls."""
        self._seen: dict[int, tuple[int, ...]] = {}
        self._ruled: dict[int, Membership] = {}
        """The configuration that ruled at each member when it was last looked at."""
        """What was looked at last on each member, so that only changes are looked at again."""
        self._vote: dict[tuple[int, int], int] = {}
        """(member, term) -> for whom it voted."""
        self._checked: dict[int, tuple[int, int]] = {}
        self._stored: dict[int, tuple[int, int, int]] = {}
        """Member -> term, snapshot index and applied index on its disk, which never fall."""
        self._whole: dict[int, tuple[int, int]] = {}
        """Member -> which of its starts, and snapshots, was last looked at as a whole."""
        self._logs = Logs(cluster, reference, self._committed)

    def check(self) -> None:
        """Looks at every member that changed since the last look."""
        if not self._cluster.touched:
            return
        touched, self._cluster.touched = self._cluster.touched, []
        for place in touched:
            node = place.node
            if node is None:
                continue
            raft = node.raft
            seen = (
                place.starts,
                raft.term,
                raft.leader,
                raft.commit,
                raft.last_index,
                node.applying.index,
            )
            if self._seen.get(place.member_id) != seen:
                self._check_member(place, node, self._seen.get(place.member_id))
                self._seen[place.member_id] = seen
            self._ruled[place.member_id] = node.raft.membership
            self._logs.look(place, node)

    def sent(self, message: AnyMessage) -> None:
        """Looks at a message that leaves: what it promises must lie on its sender's disk.

        Raises:
            BrokenPromiseError: It does not.
        """
        if isinstance(message, AppendEntries | Heartbeat):
            self._term_is_durable(message)
        elif isinstance(message, RequestVote) and not message.pre_vote:
            self._votes(message.sender, message.term, message.sender)
            self._logs.asked(message)
        elif isinstance(message, SnapshotEnd):
            self._snapshot_is_of_its_index(message)
        elif isinstance(message, RequestVoteResponse):
            if message.granted and not message.pre_vote:
                self._votes(message.sender, message.term, message.to)
        elif isinstance(message, AppendEntriesResponse) and not message.rejected:
            self._entries_are_durable(message)

    def _term_is_durable(self, message: AppendEntries | Heartbeat) -> None:
        """Section 5.1: what a leader says shows a term that it has entered, for good."""
        place = self._cluster.members[message.sender]
        stored = place.image.hard_state.term
        current = place.node.raft.term if place.node is not None else stored
        if not message.term <= min(stored, current):
            raise BrokenPromiseError(
                f"member {message.sender} speaks in term {message.term}, its own is {current}, on "
                f"its disk is {stored}"
            )

    def _snapshot_is_of_its_index(self, message: SnapshotEnd) -> None:
        """Section 7: term and configuration are those of the index that the state sent has."""
        node = self._cluster.members[message.sender].node
        index = message.last_index
        if node is not None and index != node.applying.index:
            raise BrokenPromiseError(
                f"member {message.sender} sends its state as that of {index}, it has applied "
                f"{node.applying.index}"
            )
        if index > len(self._committed):
            return  # committed in this very turn, which is looked at when it is over
        due = (entry_term(self._committed[index - 1]), self._reference.memberships[index])
        if (message.last_term, message.membership) != due:
            raise BrokenPromiseError(
                f"member {message.sender} sends a snapshot of {index} with {message.last_term}, "
                f"{message.membership}; due are {due}"
            )

    def _votes(self, member: int, term: int, candidate: int) -> None:
        known = self._vote.setdefault((member, term), candidate)
        if known != candidate:
            raise BrokenPromiseError(
                f"member {member} votes for {known} and for {candidate} in term {term}"
            )
        stored = self._cluster.members[member].image.hard_state
        if (stored.term, stored.vote) != (term, candidate) and stored.term <= term:
            raise BrokenPromiseError(
                f"member {member} votes for {candidate} in term {term}, "
                f"on its disk is {stored.vote} in term {stored.term}"
            )

    def _entries_are_durable(self, message: AppendEntriesResponse) -> None:
        image = self._cluster.members[message.sender].image
        stored = image.hard_state.term
        if stored > message.term:
            # A later leader's entries were written along with these, and may have replaced them:
            # what is said in an older term counts no more.
            return
        if stored < message.term or image.last_index < message.index:
            raise BrokenPromiseError(
                f"member {message.sender} acknowledges {message.index} in term {message.term}, on "
                f"its disk are {image.last_index} entries, term {stored}"
            )

    def _check_member(self, place: SimMember, node: Node, before: tuple[int, ...] | None) -> None:
        self._election_safety(place, node)
        self._commits(place, node)
        self._removed_leader_is_gone(place, node)
        self._state_machine_safety(place, node)
        self._stored_never_falls(place)
        if before is not None and before[0] == place.starts:
            raft = node.raft
            now = (raft.term, raft.commit, node.applying.index)
            for what, is_now, was in zip(
                ("term", "commit", "applied"), now, before[1::2], strict=True
            ):
                if is_now < was:
                    raise BrokenPromiseError(
                        f"member {place.member_id}: {what} fell from {was} to {is_now}"
                    )
        key = (place.starts, place.image.installs)
        if self._whole.get(place.member_id) != key:
            self._whole[place.member_id] = key
            check_whole(place.member_id, node.state, self._reference)

    def _stored_never_falls(self, place: SimMember) -> None:
        """What is on a disk stays, over restarts too."""
        image = place.image
        stored = (image.hard_state.term, image.snapshot_index, image.applied_index)
        known = self._stored.get(place.member_id, stored)
        if any(now < was for now, was in zip(stored, known, strict=True)):
            raise BrokenPromiseError(
                f"on the disk of member {place.member_id} term, snapshot and applied index fell "
                f"from {known} to {stored}"
            )
        self._stored[place.member_id] = stored

    def _election_safety(self, place: SimMember, node: Node) -> None:
        raft = node.raft
        if raft.leader != place.member_id:
            return
        known = self._leader_of_term.setdefault(raft.term, place.member_id)
        if known != place.member_id:
            raise BrokenPromiseError(f"term {raft.term}: both {known} and {place.member_id} lead")
        self._leader_completeness(place, node)

    def _removed_leader_is_gone(self, place: SimMember, node: Node) -> None:
        """Thesis 4.2.2: a leader steps down when its own removal is committed."""
        raft = node.raft
        membership = raft.membership
        if (
            raft.leader == place.member_id
            and place.member_id not in membership.voters | membership.voters_outgoing
            and self._reference.memberships[raft.commit] == membership
        ):
            raise BrokenPromiseError(
                f"member {place.member_id} still leads, though its removal is committed"
            )

    def _leader_completeness(self, place: SimMember, node: Node) -> None:
        """A leader's log holds every entry that was committed in an earlier term."""
        raft = node.raft
        key = (raft.term, place.starts)
        if self._checked.get(place.member_id) == key:
            return
        self._checked[place.member_id] = key
        self._has_won(place, node)
        older = self._committed[: bisect_left(self._committed_in, raft.term)]
        if raft.last_index < len(older):
            raise BrokenPromiseError(
                f"leader {place.member_id} of term {raft.term} has {raft.last_index} entries, "
                f"{len(older)} are committed"
            )
        for index in range(max(raft.first_index, 1), len(older) + 1):
            if raft.entry_at(index) != older[index - 1]:
                raise BrokenPromiseError(f"leader {place.member_id} lacks committed entry {index}")

    def _has_won(self, place: SimMember, node: Node) -> None:
        """Section 5.2: a leader has the votes of a majority of each half of its voters."""
        membership, term = node.raft.membership, node.raft.term
        for voters in (membership.voters, membership.voters_outgoing):
            mine = [m for m in voters if self._vote.get((m, term)) == place.member_id]
            if place.member_id in voters and place.member_id not in mine:
                mine.append(place.member_id)
            if voters and 2 * len(mine) <= len(voters):
                raise BrokenPromiseError(
                    f"member {place.member_id} leads term {term} with the votes of {mine} only"
                )

    def _commits(self, place: SimMember, node: Node) -> None:
        """State machine safety over the log: one entry an index, for ever, durable on a quorum."""
        raft = node.raft
        known = len(self._committed)
        if raft.commit > known:
            if raft.leader == place.member_id and raft.term_at(raft.commit) != raft.term:
                raise BrokenPromiseError(
                    f"leader {place.member_id} of term {raft.term} commits {raft.commit}, which is "
                    f"of term {raft.term_at(raft.commit)}, by counting"
                )
            for index in range(known + 1, raft.commit + 1):
                if index < raft.first_index:
                    raise BrokenPromiseError(f"commit {raft.commit} is news, entry {index} is gone")
                self._committed.append(raft.entry_at(index))
                # A leader commits by counting an entry of its own term, and all before with it.
                self._committed_in.append(raft.term_at(raft.commit))
                self._reference.apply(raft.entry_at(index))
            self._durable_on_quorum(place, node, known + 1)
        last = self._seen.get(place.member_id)
        start = last[3] + 1 if last is not None and last[0] == place.starts else 1
        for index in range(max(start, raft.first_index), raft.commit + 1):
            if raft.entry_at(index) != self._committed[index - 1]:
                raise BrokenPromiseError(
                    f"member {place.member_id} committed another entry at {index}"
                )

    def _durable_on_quorum(self, place: SimMember, node: Node, first: int) -> None:
        """What is newly committed lies synced on the disks of a majority of the voters.

        Of those who ruled when it was counted: a turn may commit first, and then begin a change.
        """
        now = node.raft.membership
        before = self._ruled.get(place.member_id, now)
        for index in {first, node.raft.commit}:
            lacking = self._lacking_majority(now, index)
            if lacking is not None and self._lacking_majority(before, index) is not None:
                raise BrokenPromiseError(
                    f"member {place.member_id} committed {index}; only {lacking} hold it"
                )

    def _lacking_majority(self, membership: Membership, index: int) -> list[int] | None:
        """Who holds an entry, where that is no majority of a half; None where all have one."""
        entry = self._committed[index - 1]
        for voters in (membership.voters, membership.voters_outgoing):
            holders = [m for m in voters if self._holds(m, index, entry)]
            if voters and len(holders) < len(voters) // 2 + 1:
                return holders
        return None

    def _holds(self, member: int, index: int, entry: bytes) -> bool:
        image = self._cluster.members[member].image
        if index <= image.snapshot_index:
            return True
        at = index - image.log_base - 1
        return at < len(image.entries) and image.entries[at] == entry

    def _state_machine_safety(self, place: SimMember, node: Node) -> None:
        """After each entry a member has the state that the log up to there means."""
        index, state = node.applying.index, digest(node.state)
        if index >= len(self._reference.digests):
            raise BrokenPromiseError(f"member {place.member_id} applied {index}, not yet committed")
        if self._reference.digests[index] != state:
            raise BrokenPromiseError(
                f"member {place.member_id} has {state} after entry {index}, which makes "
                f"{self._reference.digests[index]}"
            )
