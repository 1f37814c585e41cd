"""The members' logs: what figure 3 of the paper says of them, and of the configurations in them.

A copy of each log is kept, and only what differs from it is looked at. The copies, the entries ever
seen and the candidacies are the harness's own record; nothing a member says of another is believed.
"""

from dataclasses import dataclass, field

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.reference import Reference
from raftkv.node.node import Node
from raftkv.raft.membership import decode_membership
from raftkv.raft.messages import RequestVote
from raftkv.raft.types import (
    NO_MEMBER,
    EntryKind,
    Membership,
    entry_index,
    entry_kind,
    entry_payload,
    entry_term,
)

CAUGHT_UP = 0.8
"""A new voter has this share of the leader's log; the product asks for more, but by hearsay."""


@dataclass(slots=True)
class _Copy:
    """A member's log as it was looked at last."""

    starts: int
    term: int = 0
    vote: int = NO_MEMBER
    leads: bool = False
    offset: int = 0
    offset_term: int = 0
    entries: list[bytes] = field(default_factory=list)
    membership: Membership | None = None
    """What is due to rule; None when that has to be looked up."""

    @property
    def last(self) -> tuple[int, int]:
        """What decides whose log is more up-to-date (section 5.4.1)."""
        term = entry_term(self.entries[-1]) if self.entries else self.offset_term
        return term, self.offset + len(self.entries)


class Logs:
    """What is known of all logs."""

    def __init__(self, cluster: SimCluster, reference: Reference, committed: list[bytes]) -> None:
        self._cluster = cluster
        self._reference = reference
        self._committed = committed
        """Every entry ever committed, by index - 1; kept by whom this is given from."""
        self._committed_terms: set[int] = set()
        self._terms_seen = 0
        self._copies: dict[int, _Copy] = {}
        self._entries: dict[tuple[int, int], tuple[bytes, int]] = {}
        """(index, term) -> the entry there, and the term of the one before."""
        self._candidacies: dict[tuple[int, int], tuple[int, int]] = {}
        """(member, term) -> last term and index of the candidate's log."""

    def asked(self, message: RequestVote) -> None:
        """Takes note of a candidate's log."""
        self._candidacies[message.sender, message.term] = (message.last_term, message.last_index)

    def look(self, place: SimMember, node: Node) -> None:
        """Looks at what is new in a member's log since the last time."""
        raft = node.raft
        log = raft._state.log  # noqa: SLF001 - through the front door each look would cost a copy
        entries = log._entries  # noqa: SLF001
        copy = self._copies.get(place.member_id)
        if copy is None or copy.starts != place.starts:
            self._forget_unheard(copy, raft.term)
            copy = self._copies[place.member_id] = _Copy(place.starts)
            copy.offset, copy.offset_term = log.offset, log.offset_term
        elif (raft.term, raft.vote) != (copy.term, copy.vote):
            self._check_vote(place.member_id, raft.term, raft.vote, copy)
        leads = raft.leader == place.member_id
        if copy.entries != entries or copy.offset != log.offset:
            self._compare(place, node, copy, leads=leads and copy.leads and copy.term == raft.term)
            copy.offset, copy.offset_term = log.offset, log.offset_term
            copy.entries = list(entries)
        if copy.membership is None:
            copy.membership = self._due(place, copy)
        if copy.membership != raft.membership:
            raise BrokenPromiseError(
                f"at member {place.member_id} rules {raft.membership}, in its log is "
                f"{copy.membership}"
            )
        copy.term, copy.vote, copy.leads = raft.term, raft.vote, leads

    def _forget_unheard(self, copy: _Copy | None, stored_term: int) -> None:
        """Forgets what a crash took away together with its term: nobody else ever heard of it.

        So it is with a member that is alone, and leads before its first write is durable.
        """
        for entry in copy.entries if copy is not None else ():
            if entry_term(entry) > stored_term:
                self._entries.pop((entry_index(entry), entry_term(entry)), None)

    def _check_vote(self, member: int, term: int, vote: int, copy: _Copy) -> None:
        """Section 5.4.1: the candidate's log is at least as new as the voter's."""
        log = self._candidacies.get((vote, term))
        if vote not in {NO_MEMBER, member} and log is not None and log < copy.last:
            raise BrokenPromiseError(
                f"member {member} with the log {copy.last} votes in term {term} for {vote}, whose "
                f"log is {log}"
            )

    def _compare(self, place: SimMember, node: Node, copy: _Copy, *, leads: bool) -> None:
        log = node.raft._state.log  # noqa: SLF001
        known = copy.entries[max(log.offset - copy.offset, 0) :]
        entries = log._entries  # noqa: SLF001
        same = 0
        for old, new in zip(known, entries, strict=False):
            if old is not new and old != new:
                break
            same += 1
        first = log.offset + same + 1
        if same < len(known) or not same:
            copy.membership = None
        if same < len(known):
            self._check_removed(place, first, known[same:], leads=leads)
        before = entry_term(entries[same - 1]) if same else log.offset_term
        for index, entry in enumerate(entries[same:], start=first):
            self._check_entry(place, index, entry, before)
            before = entry_term(entry)
            if entry_kind(entry) == EntryKind.MEMBERSHIP:
                copy.membership = None
                self._check_change(place, node, index, entry)

    def _check_removed(
        self, place: SimMember, first: int, removed: list[bytes], *, leads: bool
    ) -> None:
        if leads:
            raise BrokenPromiseError(
                f"leader {place.member_id} removes its entries from {first} on"
            )
        for index, entry in enumerate(removed, start=first):
            if self._committed[index - 1 : index] == [entry]:
                raise BrokenPromiseError(
                    f"member {place.member_id} removes entry {index}, which is committed"
                )

    def _check_entry(self, place: SimMember, index: int, entry: bytes, before: int) -> None:
        """Log Matching, by induction: index and term decide on the entry and the term before."""
        term = entry_term(entry)
        if entry_index(entry) != index or term < before:
            raise BrokenPromiseError(
                f"member {place.member_id} has at {index}, after term {before}, entry "
                f"{entry_index(entry)} of term {term}"
            )
        known = self._entries.setdefault((index, term), (entry, before))
        if known != (entry, before):
            raise BrokenPromiseError(
                f"two logs differ at {index}, term {term}: {known[0]!r} after term {known[1]}; at "
                f"member {place.member_id} {entry!r} after term {before}"
            )

    def _check_change(self, place: SimMember, node: Node, index: int, entry: bytes) -> None:
        """Thesis 4.1, of a change that this member has just begun as a leader."""
        raft, term = node.raft, entry_term(entry)
        if raft.leader != place.member_id or term != raft.term:
            return
        for committed in self._committed[self._terms_seen :]:
            self._committed_terms.add(entry_term(committed))
        self._terms_seen = len(self._committed)
        if term not in self._committed_terms:
            raise BrokenPromiseError(
                f"leader {place.member_id} begins a change of membership at {index} before an "
                f"entry of its term {term} is committed"
            )
        for pending in range(len(self._committed) + 1, index):
            if entry_kind(raft.entry_at(pending)) == EntryKind.MEMBERSHIP:
                raise BrokenPromiseError(
                    f"leader {place.member_id} begins a change of membership at {index} while that "
                    f"of {pending} is not committed"
                )
        before, after = raft.membership_at(index - 1), decode_membership(entry_payload(entry))
        if not _overlap(before, after):
            raise BrokenPromiseError(f"{after} follows {before}: their quorums may be disjoint")
        for voter in after.voters - before.voters:
            self._has_caught_up(voter, index - 1)

    def _has_caught_up(self, voter: int, last_index: int) -> None:
        """Thesis 4.2.1: who is to vote has nearly all of the log, and so weakens no quorum."""
        stored = self._cluster.members[voter].image.last_index
        if stored < last_index * CAUGHT_UP - 1:
            raise BrokenPromiseError(
                f"member {voter} is to vote, and has stored {stored} of {last_index} entries"
            )

    def _due(self, place: SimMember, copy: _Copy) -> Membership:
        """Section 6: the newest configuration in the log rules, committed or not."""
        for entry in reversed(copy.entries):
            if entry_kind(entry) == EntryKind.MEMBERSHIP:
                return decode_membership(entry_payload(entry))
        if copy.offset >= len(self._reference.memberships):
            raise BrokenPromiseError(
                f"the log of member {place.member_id} starts after {copy.offset}, which is not "
                "committed"
            )
        return self._reference.memberships[copy.offset]


def _overlap(before: Membership, after: Membership) -> bool:
    """Whether every quorum of one shares a member with every quorum of the other."""
    if after.is_joint:
        return after.voters_outgoing == before.voters
    if before.is_joint:
        return after.voters == before.voters
    return len(before.voters ^ after.voters) <= 1
