"""What Raft promises (figure 3), and what durability adds, looked at after every event.

Nothing is believed that a member says of the others: the checks read each core's state and each
disk's image, and keep their own record of everything that ever held.
"""

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.reference import Reference
from raftkv.node.node import Node
from raftkv.peer.codec import AnyMessage
from raftkv.raft.messages import AppendEntriesResponse, RequestVote, RequestVoteResponse
from raftkv.raft.types import entry_term


class Invariants:
    """The record of a run, and the checks against it."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self._cluster = cluster
        self._reference = reference
        self._leader_of_term: dict[int, int] = {}
        self._committed: list[bytes] = []
        """Every entry ever committed, by index - 1."""
        self._seen: dict[int, tuple[int, ...]] = {}
        """What was looked at last on each member, so that only changes are looked at again."""
        self._vote: dict[tuple[int, int], int] = {}
        """(member, term) -> for whom it voted."""
        self._checked: dict[int, tuple[int, int]] = {}

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

    def sent(self, message: AnyMessage) -> None:
        """Looks at a message that leaves: what it promises must lie on its sender's disk.

        Raises:
            BrokenPromiseError: It does not.
        """
        if isinstance(message, RequestVote) and not message.pre_vote:
            self._votes(message.sender, message.term, message.sender)
        elif isinstance(message, RequestVoteResponse):
            if message.granted and not message.pre_vote:
                self._votes(message.sender, message.term, message.to)
        elif isinstance(message, AppendEntriesResponse) and not message.rejected:
            self._entries_are_durable(message)

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
        self._state_machine_safety(place, node)
        if before is not None and before[0] == place.starts:
            if node.raft.term < before[1]:
                raise BrokenPromiseError(f"member {place.member_id}: term fell from {before[1]}")
            if node.raft.commit < before[3]:
                raise BrokenPromiseError(f"member {place.member_id}: commit fell from {before[3]}")

    def _election_safety(self, place: SimMember, node: Node) -> None:
        raft = node.raft
        if raft.leader != place.member_id:
            return
        known = self._leader_of_term.setdefault(raft.term, place.member_id)
        if known != place.member_id:
            raise BrokenPromiseError(f"term {raft.term}: both {known} and {place.member_id} lead")
        self._leader_completeness(place, node)

    def _leader_completeness(self, place: SimMember, node: Node) -> None:
        """A leader's log holds every entry committed before its term."""
        raft = node.raft
        key = (raft.term, place.starts)
        if self._checked.get(place.member_id) == key:
            return
        self._checked[place.member_id] = key
        older = [e for e in self._committed if entry_term(e) < raft.term]
        if raft.last_index < len(older):
            raise BrokenPromiseError(
                f"leader {place.member_id} of term {raft.term} has {raft.last_index} entries, "
                f"{len(older)} are committed"
            )
        for index in range(max(raft.first_index, 1), len(older) + 1):
            if raft.entry_at(index) != older[index - 1]:
                raise BrokenPromiseError(f"leader {place.member_id} lacks committed entry {index}")

    def _commits(self, place: SimMember, node: Node) -> None:
        """State machine safety over the log: one entry an index, for ever, durable on a quorum."""
        raft = node.raft
        known = len(self._committed)
        if raft.commit > known:
            for index in range(known + 1, raft.commit + 1):
                if index < raft.first_index:
                    raise BrokenPromiseError(f"commit {raft.commit} is news, entry {index} is gone")
                self._committed.append(raft.entry_at(index))
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
        """What is newly committed lies synced on the disks of a majority of the voters."""
        membership = node.raft.membership
        for index in {first, node.raft.commit}:
            entry = self._committed[index - 1]
            for voters in (membership.voters, membership.voters_outgoing):
                holders = [m for m in voters if self._holds(m, index, entry)]
                if voters and len(holders) < len(voters) // 2 + 1:
                    raise BrokenPromiseError(
                        f"member {place.member_id} committed {index}; only {holders} hold it"
                    )

    def _holds(self, member: int, index: int, entry: bytes) -> bool:
        image = self._cluster.members[member].image
        if index <= image.snapshot_index:
            return True
        at = index - image.log_base - 1
        return at < len(image.entries) and image.entries[at] == entry

    def _state_machine_safety(self, place: SimMember, node: Node) -> None:
        """After each entry a member has the state that the log up to there means."""
        index, state = node.applying.index, node.state.rolling_hash
        if index >= len(self._reference.hashes):
            raise BrokenPromiseError(f"member {place.member_id} applied {index}, not yet committed")
        if self._reference.hashes[index] != state:
            raise BrokenPromiseError(
                f"member {place.member_id} has state {state:#x} after entry {index}, "
                f"which makes {self._reference.hashes[index]:#x}"
            )
