"""Clusters under faults drawn from a seed: Raft's promises hold, and work goes on afterwards.

A failing seed replays exactly: `run(seed)` in this file. Each seed draws its own mix of faults, so
that some runs are all loss and others all crashes.
"""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from raftkv.config import RaftConfig
from raftkv.raft.events import (
    MembershipChange,
    PeerLost,
    Propose,
    ProposeMembership,
    ReadIndex,
    Tick,
    TransferLeadership,
)
from raftkv.raft.messages import Message
from raftkv.raft.state import Role
from raftkv.raft.types import Membership, entry_payload
from raftkv.tests.raft.describe import Parcel, StateTransfer
from raftkv.tests.raft.invariants import Invariants
from raftkv.tests.raft.world import Member, World

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 2_000
SEEDS = 300


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances per step, or per message."""

    lose: float
    reorder: float
    repeat: float
    together: float
    crash: float
    partition: float
    compact: float
    reconfigure: float
    transfer: float
    lose_connection: float


def draw_faults(chance: random.Random) -> Faults:
    """A mix: each fault is absent from half of the runs."""

    def up_to(most: float) -> float:
        return chance.random() * most if chance.random() < 0.5 else 0.0

    return Faults(
        lose=up_to(0.3),
        reorder=up_to(0.8),
        repeat=up_to(0.2),
        together=up_to(0.5),
        crash=up_to(0.03),
        partition=up_to(0.01),
        compact=up_to(0.05),
        reconfigure=up_to(0.05),
        transfer=up_to(0.03),
        lose_connection=up_to(0.05),
    )


class Run:
    """One cluster, one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.faults = draw_faults(self.chance)
        self.checks = Invariants()
        config = RaftConfig(
            election_timeout_ticks=5,
            append_bytes_max=self.chance.choice([60, 200, 1_000_000]),
            inflight_messages_max=self.chance.choice([1, 3, 256]),
            inflight_bytes_max=self.chance.choice([100, 1_000_000]),
            pre_vote=self.chance.random() < 0.8,
            check_quorum=self.chance.random() < 0.8,
        )
        count = self.chance.choice([1, 2, 3, 3, 3, 4, 5])
        self.world = World(
            range(1, count + 1),
            config=config,
            election_timeout=lambda _: self.chance.randint(5, 9),
            observer=self.checks,
        )
        self.checks.world = self.world
        for member in self.world.members.values():
            member.slow_disk = self.chance.random() < 0.7
        self.common = [
            *[self.tick] * self.chance.choice([1, 4, 8]),
            *[self.network] * self.chance.choice([3, 6, 10]),
            *[self.write] * self.chance.choice([1, 2]),
            self.propose,
            self.read,
        ]
        self.cut_off: set[int] = set()
        self.proposed = 0
        self.asked: dict[int, int] = {}
        """Read -> how much was committed anywhere when it was asked."""

    def running(self) -> list[Member]:
        """Members that are up."""
        return [m for m in self.world.members.values() if m.raft is not None]

    def leaders(self) -> list[Member]:
        """Members that take themselves for leader."""
        return [m for m in self.running() if m.raft and m.raft.role is Role.LEADER]

    def go(self) -> None:
        """Lets faults happen, then heals everything and expects progress."""
        for _ in range(STEPS):
            self.one_step()
        self.heal()

    def one_step(self) -> None:
        """Something happens."""
        chance, faults = self.chance, self.faults
        rare: list[tuple[float, Callable[[], None]]] = [
            (faults.crash, self.crash_or_restart),
            (faults.partition, self.partition),
            (faults.compact, self.compact),
            (faults.reconfigure, self.reconfigure),
            (faults.transfer, self.transfer),
            (faults.lose_connection, self.lose_connection),
        ]
        for likelihood, action in rare:
            if likelihood and chance.random() < likelihood:
                action()
        chance.choice(self.common)()
        self.check_reads()

    def tick(self) -> None:
        """A clock ticks."""
        if self.running():
            self.world.step(self.chance.choice(self.running()).member_id, Tick())

    def propose(self) -> None:
        """A client writes."""
        for leader in self.leaders():
            payloads = [b"%d" % (self.proposed + at) for at in range(self.chance.randint(1, 3))]
            self.proposed += len(payloads)
            self.world.step(leader.member_id, Propose(payloads))

    def read(self) -> None:
        """A client reads."""
        for leader in self.leaders():
            context = len(self.asked) + 1
            self.asked[context] = len(self.checks.committed)
            self.world.step(leader.member_id, ReadIndex(context))

    def check_reads(self) -> None:
        """A read sees everything that was committed before it was asked (thesis 6.4)."""
        for _, context, index in self.world.reads:
            assert index >= self.asked[context], f"read {context} at {index} is stale"
        self.world.reads.clear()

    def write(self) -> None:
        """A disk finishes a write."""
        writing = [member for member in self.running() if member.writes]
        if writing:
            self.world.finish_write(self.chance.choice(writing).member_id)

    def network(self) -> None:
        """A message arrives, or doesn't."""
        waiting = self.world.network
        if not waiting:
            return
        chance, faults = self.chance, self.faults
        at = chance.randrange(len(waiting)) if chance.random() < faults.reorder else 0
        parcel = waiting[at]
        if self.is_cut(parcel) or chance.random() < faults.lose:
            self.world.drop(parcel)
        elif chance.random() < faults.together and not isinstance(parcel, StateTransfer):
            self.deliver_together(parcel)
        else:
            self.world.deliver(parcel, keep=chance.random() < faults.repeat)

    def deliver_together(self, first: Message) -> None:
        """Several messages arrive before their receiver takes its next turn."""
        receiver = self.world.members.get(first.to)
        if receiver is None or receiver.raft is None:
            self.world.drop(first)
            return
        waiting = self.world.network
        same = [
            parcel
            for parcel in waiting
            if parcel.to == first.to
            and not isinstance(parcel, StateTransfer)
            and not self.is_cut(parcel)
        ]
        self.world.deliver_together(same[: self.chance.randint(1, 4)])

    def is_cut(self, parcel: Parcel) -> bool:
        """Whether a partition lies between sender and receiver."""
        return (parcel.sender in self.cut_off) != (parcel.to in self.cut_off)

    def crash_or_restart(self) -> None:
        """A member loses what was not written, or comes back."""
        member = self.chance.choice(list(self.world.members.values()))
        if member.raft is None:
            member.start()
        else:
            member.crash(self.chance.randint(0, len(member.writes)))

    def partition(self) -> None:
        """Some members are cut off from the others, or nobody any longer."""
        members = list(self.world.members)
        count = self.chance.randint(0, len(members) // 2)
        self.cut_off = set(self.chance.sample(members, count))

    def compact(self) -> None:
        """A member cuts its log."""
        if self.running():
            member = self.chance.choice(self.running())
            if member.disk.state:
                index = self.chance.randint(1, len(member.disk.state))
                self.world.compact(member.member_id, index)

    def reconfigure(self) -> None:
        """An operator changes who belongs to the cluster."""
        for leader in self.leaders():
            assert leader.raft is not None, "a leader runs"
            count = self.chance.choice([1, 1, 2, 3])
            members = self.chance.sample(range(1, 7), count)
            changes = tuple(
                MembershipChange(
                    self.chance.choice(["add_voter", "add_voter", "add_learner", "remove"]), member
                )
                for member in members
            )
            for change in changes:
                if change.action != "remove" and change.member not in self.world.members:
                    self.world.add_member(change.member, Membership(frozenset()))
            self.world.step(leader.member_id, ProposeMembership(changes, b"change"))

    def transfer(self) -> None:
        """An operator moves the leader."""
        for leader in self.leaders():
            target = self.chance.choice(list(self.world.members))
            self.world.step(leader.member_id, TransferLeadership(target))

    def lose_connection(self) -> None:
        """A connection closes."""
        if self.running():
            member = self.chance.choice(self.running())
            other = self.chance.choice(list(self.world.members))
            if other != member.member_id:
                self.world.step(member.member_id, PeerLost(other))

    def heal(self) -> None:
        """With everything repaired a leader is found and everybody catches up."""
        self.cut_off = set()
        for member in self.world.members.values():
            if member.raft is None:
                member.start()
            member.slow_disk = False
            while member.writes:
                self.world.finish_write(member.member_id)
        for _ in range(200):
            for member in self.running():
                self.world.step(member.member_id, Tick())
                self.world.settle()
            if self.is_well():
                break
        else:
            pytest.fail(f"no progress: {[m.raft and m.raft.status for m in self.running()]}")
        self.check_reads()

    def is_well(self) -> bool:
        """Whether a leader commits a new entry, and all its members apply it."""
        leaders = self.leaders()
        if len(leaders) != 1 or leaders[0].raft is None:
            return False
        raft = leaders[0].raft
        if raft.membership.is_joint or raft.status.transfer_target:
            return False
        self.world.step(raft.member_id, Propose([b"after all"]))
        self.world.settle()
        states = [self.world.members[member].state for member in raft.membership.members]
        return all(state and entry_payload(state[-1]) == b"after all" for state in states)


def run(seed: int) -> Run:
    """Replays a seed."""
    result = Run(seed)
    result.go()
    return result


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_promises_hold_under_every_mix_of_faults(first: int) -> None:
    for seed in range(first, first + 50):
        try:
            run(seed)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


def test_the_same_seed_gives_the_same_run() -> None:
    assert run(7).checks.committed == run(7).checks.committed
