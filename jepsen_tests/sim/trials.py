"""What a healed cluster must bear: one trial a run, when the storm is over and clients are quiet.

In a storm anything may be excused by the next fault. Here nothing is: the cluster has settled, one
known thing happens to it, and its leader is not moved by it, or another one is there in time.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster
from raftkv.command.types import Failure
from raftkv.node.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

TRIAL_SECONDS = 7
"""Longer than two election timeouts of the slowest clock, one after the other."""
DARK_US = 100_000
"""How long power is off."""


@dataclass(frozen=True, slots=True)
class _Reign:
    """Who leads."""

    leader: int
    term: int


class Trials:
    """The trial of a run."""

    def __init__(self, cluster: SimCluster) -> None:
        self.name = ""
        self._cluster = cluster
        self._before = _Reign(0, 0)
        self._stays = True
        """Whether the leader must not change."""
        self._pre_vote = cluster.faults.pre_vote
        self._cuts: set[tuple[int, int]] = set()
        self._unread: set[int] = set()
        """Members whose read is not answered yet."""

    def begin(self) -> None:
        """Settles who leads, and begins."""
        leader = self._leader()
        self._before = _reign(leader)
        trials: list[Callable[[Node], None]] = [self._nothing, self._power_loss]
        if len(leader.raft.membership.voters) >= 3:
            trials += [self._lose_a_link, self._lose_a_follower, self._silence]
        if len(leader.raft.membership.voters) >= 3 and self._pre_vote:
            # Without pre-votes who hears nobody asks for votes for ever, and nobody can lead.
            trials.append(self._deafen)
        trial = self._cluster.world.random.choice(trials)
        self.name = trial.__name__.strip("_")
        trial(leader)
        self._cluster.network.cut |= self._cuts

    def end(self) -> None:
        """Holds what became of it against what may; undoes the trial.

        Raises:
            BrokenPromiseError: The leader was moved without need, or there is none in time.
        """
        self._cluster.network.cut -= self._cuts
        now = _reign(self._leader())
        if self._stays and now != self._before:
            raise BrokenPromiseError(f"{self.name}: {now} follows {self._before} without need")
        if not self._stays and now.term <= self._before.term:
            raise BrokenPromiseError(f"{self.name}: still {now} after {TRIAL_SECONDS} s")
        if self._unread:
            raise BrokenPromiseError(
                f"{self.name}: members {sorted(self._unread)} did not answer a read"
            )
        # Who was cut off comes back with a higher term, unless it asks for pre-votes.
        if not self._pre_vote and self._cuts:
            self._stays = False
        self._before = now

    def reckon(self) -> None:
        """Later: the leader that was there after the trial still is.

        Raises:
            BrokenPromiseError: It is not.
        """
        now = _reign(self._leader())
        if self._stays and now != self._before:
            raise BrokenPromiseError(f"after {self.name}: {now} follows {self._before}")

    def _leader(self) -> Node:
        leader = self._cluster.leader()
        if leader is None:
            raise BrokenPromiseError("no leader long after the last fault")
        return leader

    # -- the trials

    def _nothing(self, _: Node) -> None:
        """Nothing happens, and nothing may come of it."""

    def _lose_a_link(self, leader: Node) -> None:
        """One voter does not reach the leader, though all others do: no reason to depose it."""
        one = self._another_voter(leader)
        me = leader.raft.member_id
        self._cuts = {(me, one), (one, me)}

    def _lose_a_follower(self, leader: Node) -> None:
        """One voter reaches nobody."""
        one = self._another_voter(leader)
        self._cuts = self._links(one, into=True) | self._links(one, into=False)

    def _deafen(self, leader: Node) -> None:
        """The leader is heard and hears nobody: it must step down by itself."""
        self._cuts = self._links(leader.raft.member_id, into=True)
        self._stays = False

    def _silence(self, leader: Node) -> None:
        """The leader hears and is not heard."""
        self._cuts = self._links(leader.raft.member_id, into=False)
        self._stays = False

    def _power_loss(self, leader: Node) -> None:
        """All lose power in the same moment; reads are answered though nobody writes anything."""
        self._stays = False
        cluster, members = self._cluster, leader.raft.membership.members
        down = [place.member_id for place in cluster.running()]
        for member in down:
            cluster.crash(member)
        for member in down:
            cluster.world.after(DARK_US, partial(self._start, member, is_read=member in members))

    def _start(self, member: int, *, is_read: bool) -> None:
        cluster = self._cluster
        cluster.start(member)
        node = cluster.members[member].node
        assert node is not None, "it was just started"
        if is_read:
            self._unread.add(member)
            node.read_barrier(lambda failure: self._read(member, failure))

    def _read(self, member: int, failure: Failure | None) -> None:
        if failure is None:
            self._unread.discard(member)

    def _another_voter(self, leader: Node) -> int:
        others = sorted(leader.raft.membership.voters - {leader.raft.member_id})
        return self._cluster.world.random.choice(others)

    def _links(self, member: int, *, into: bool) -> set[tuple[int, int]]:
        others = [other for other in self._cluster.members if other != member]
        return {(other, member) if into else (member, other) for other in others}


def _reign(leader: Node) -> _Reign:
    return _Reign(leader.raft.member_id, leader.raft.term)
