"""Crashes, partitions, pauses, transfers and membership changes, at the rates a run names."""

from collections.abc import Callable

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.world import MILLISECOND, SECOND
from raftkv.command.types import CommandKind
from raftkv.pb import rpc_pb2
from raftkv.raft.events import MembershipChange

INTERVAL_US = 10 * MILLISECOND
NEVER_STARTED = 0.3
"""Chance that a member is added, and its machine never switched on."""
NOBODY = 1 << 50
"""The id of a member that never is."""


class Nemesis:
    """Does harm until it is told to stop; then undoes it all."""

    def __init__(self, cluster: SimCluster, ledger: Ledger) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self.running = True
        self.crashes = 0
        self._term_seen = 0

    def start(self) -> None:
        """Begins."""
        self._cluster.world.after(INTERVAL_US, self._next)

    def heal(self) -> None:
        """Ends every fault: all members run, all links work."""
        self.running = False
        self._cluster.network.cut.clear()
        for place in self._cluster.members.values():
            if place.paused:
                self._cluster.resume(place.member_id)
            if place.node is None and place.starts and not place.removed:
                self._cluster.start(place.member_id)

    def _next(self) -> None:
        if not self.running:
            return
        self._harm_new_leader()
        faults = self._cluster.faults
        for rate, harm in (
            (faults.crashes_per_second, self._crash),
            (faults.power_losses_per_second, self._lose_power),
            (faults.partitions_per_second, self._partition),
            (faults.pauses_per_second, self._pause),
            (faults.resets_per_second, self._reset),
            (faults.transfers_per_second, self._transfer),
            (faults.membership_changes_per_second, self._change_membership),
        ):
            if self._cluster.world.random.random() < rate * INTERVAL_US / SECOND:
                harm()
        self._cluster.world.after(INTERVAL_US, self._next)

    def _harm_new_leader(self) -> None:
        """Strikes soon after an election, when logs differ most."""
        world, leader = self._cluster.world, self._cluster.leader()
        if leader is None or leader.raft.term <= self._term_seen:
            return
        self._term_seen = leader.raft.term
        if world.random.random() < self._cluster.faults.new_leader_harm:
            harm = world.random.choice((self._crash_leader, self._isolate_leader))
            world.after(world.random.randint(0, 10 * INTERVAL_US), harm)

    def _later(self, run: Callable[[], None]) -> None:
        """Undoes a harm after a while: within moments, or when others have had time to elect."""
        world = self._cluster.world
        most = world.random.choice((20 * MILLISECOND, 3 * SECOND, 5 * SECOND))
        world.after(world.random.randint(most // 4, most), run)

    def _victim(self, places: list[SimMember]) -> SimMember:
        """One of them by chance; the leader, if it is there, every other time."""
        chance, leader = self._cluster.world.random, self._cluster.leader()
        leading = [place for place in places if place.node is leader]
        return leading[0] if leading and chance.random() < 0.5 else chance.choice(places)

    def _crash(self) -> None:
        cluster = self._cluster
        running = cluster.running()
        if running:
            self._crash_member(self._victim(running))

    def _lose_power(self) -> None:
        """Crashes a majority, or all, in the same moment."""
        running, chance = self._cluster.running(), self._cluster.world.random
        if running:
            count = chance.choice((len(running) // 2 + 1, len(running)))
            for victim in chance.sample(running, min(count, len(running))):
                self._crash_member(victim)

    def _crash_leader(self) -> None:
        leader = self._cluster.leader()
        if leader is not None and self.running:
            self._crash_member(self._cluster.members[leader.raft.member_id])

    def _crash_member(self, victim: SimMember) -> None:
        cluster = self._cluster
        cluster.crash(victim.member_id)
        self.crashes += 1

        def restart() -> None:
            if victim.node is None and not victim.removed:
                cluster.start(victim.member_id)

        self._later(restart)

    def _partition(self) -> None:
        """Cuts some links, perhaps in one direction only; often those of the leader."""
        chance = self._cluster.world.random
        if chance.random() < 0.5:
            self._isolate_leader()
        else:
            self._cut({member for member in self._cluster.members if chance.random() < 0.5})

    def _isolate_leader(self) -> None:
        """Cuts the leader off, perhaps with a companion."""
        cluster, leader = self._cluster, self._cluster.leader()
        if leader is not None and self.running:
            chance = cluster.world.random
            side = {leader.raft.member_id}
            if chance.random() < 0.3:
                side.add(chance.choice(list(cluster.members)))
            self._cut(side)

    def _cut(self, side: set[int]) -> None:
        cluster, chance = self._cluster, self._cluster.world.random
        members = list(cluster.members)
        cuts = {(a, b) for a in side for b in members if b not in side}
        if chance.random() < 0.7:
            cuts |= {(b, a) for a, b in cuts}
        elif chance.random() < 0.5:
            cuts = {(b, a) for a, b in cuts}
        cluster.network.cut |= cuts
        self._later(lambda: cluster.network.cut.difference_update(cuts))

    def _pause(self) -> None:
        cluster = self._cluster
        reachable = cluster.reachable()
        if not reachable:
            return
        victim = self._victim(reachable)
        starts = victim.starts
        cluster.pause(victim.member_id)

        def resume() -> None:
            if victim.starts == starts and victim.paused and victim.node is not None:
                cluster.resume(victim.member_id)

        self._later(resume)

    def _reset(self) -> None:
        """Closes a connection, often one of the leader's."""
        cluster = self._cluster
        running = cluster.running()
        if len(running) > 1:
            one = self._victim(running)
            other = cluster.world.random.choice([place for place in running if place is not one])
            cluster.lose_connection(one, other.member_id)
            cluster.lose_connection(other, one.member_id)

    def _transfer(self) -> None:
        leader = self._cluster.leader()
        if leader is not None:
            target = self._cluster.world.random.choice(sorted(leader.raft.membership.voters))
            leader.transfer_leadership(target, lambda _: None)

    def _change_membership(self) -> None:
        """Adds a learner or voter on a new machine, promotes one, or removes a member."""
        leader, chance = self._cluster.leader(), self._cluster.world.random
        if leader is None:
            return
        membership = leader.raft.membership
        voters, learners = sorted(membership.voters), sorted(membership.learners)
        action = chance.choice(("learner", "voter", "promote", "remove", "unwise"))
        if action in ("learner", "voter") and len(voters) + len(learners) < 6:
            self._add(is_learner=action == "learner")
        elif action == "promote" and learners:
            promoted = learners[0]
            body = rpc_pb2.MemberPromoteRequest(ID=promoted).SerializeToString()
            self._propose("add_voter", promoted, CommandKind.MEMBER_PROMOTE, body)
        elif action == "remove" and len(voters) > 2:
            removed = chance.choice(voters)
            body = rpc_pb2.MemberRemoveRequest(ID=removed).SerializeToString()
            self._propose("remove", removed, CommandKind.MEMBER_REMOVE, body)
        elif action == "unwise":
            self._ask_the_unwise()

    def _ask_the_unwise(self) -> None:
        """Asks for what is to be refused: to add whom one knows, to remove whom nobody knows."""
        chance = self._cluster.world.random
        known = chance.choice(sorted(self._cluster.members))
        if chance.random() < 0.5:
            member = rpc_pb2.Member(ID=known, peerURLs=["sim://again"], isLearner=True)
            body = member.SerializeToString()
            self._propose("add_learner", known, CommandKind.MEMBER_ADD, body)
        else:
            body = rpc_pb2.MemberRemoveRequest(ID=NOBODY).SerializeToString()
            self._propose("remove", NOBODY, CommandKind.MEMBER_REMOVE, body)

    def _add(self, *, is_learner: bool) -> None:
        added = max(self._cluster.members) + 1  # a plan may have added some, too
        member = rpc_pb2.Member(ID=added, peerURLs=[f"sim://{added}"], isLearner=is_learner)
        self._cluster.add_place(added)
        if self._cluster.world.random.random() >= NEVER_STARTED:
            self._cluster.start(added)
        action = "add_learner" if is_learner else "add_voter"
        self._propose(action, added, CommandKind.MEMBER_ADD, member.SerializeToString())

    def _propose(self, action: str, member: int, kind: CommandKind, body: bytes) -> None:
        """Asks the leader, or now and then another member, for a change, which it must answer."""
        chance, leader = self._cluster.world.random, self._cluster.leader()
        assert leader is not None, "a change without a leader"
        place = self._cluster.members[leader.raft.member_id]
        others = self._cluster.reachable()
        if others and chance.random() < 0.3:
            place = chance.choice(others)
        assert place.node is not None, "who is reachable runs"
        end = self._ledger.begin(place)
        change = (MembershipChange(action, member),)
        place.node.propose_membership(change, kind, body, lambda _: end())
