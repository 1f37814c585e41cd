"""How unkind a run is: every fault as a named number, drawn anew for each seed.

Each member's disk has a copy of its own, so that one disk can be slow.
"""

import random
from dataclasses import dataclass

ELECTION_TICKS = 10


@dataclass(slots=True, kw_only=True)
class Faults:
    """Chances a message, a write or a second; delays in microseconds."""

    message_loss: float = 0.0
    message_duplication: float = 0.0
    """Chance that a message of consensus arrives twice."""
    message_overtaking: bool = False
    """Whether messages of consensus overtake each other, as they do when connections change."""
    message_delay_us_min: int = 200
    message_delay_us_max: int = 2_000
    message_delay_spike: float = 0.0
    """Chance of a delay a hundred times as long."""
    write_us_min: int = 100
    write_us_max: int = 3_000
    write_at_once: float = 0.3
    """Chance that a write to an idle disk is durable when it was begun."""
    write_spike: float = 0.0
    """Chance of a write a hundred times as long."""
    turn_us_max: int = 1
    """How long a busy process takes to come to its turn; what arrives meanwhile shares it."""
    clock_drift: float = 0.0
    """How much faster or slower, at most, a member's ticks come."""
    election_spread_ticks: int = ELECTION_TICKS
    """From how many election timeouts chance draws; the fewer, the more votes are split."""
    pre_vote: bool = True
    members: int = 3
    """How many the cluster has at first."""
    requests_per_second: int = 50
    snapshot_count_entries: int = 40
    """How many entries a log may have before it is cut."""
    new_leader_harm: float = 0.0
    """Chance that a new leader crashes, or is cut off, within its first tenth of a second."""
    crashes_per_second: float = 0.0
    power_losses_per_second: float = 0.0
    """Crashes of several members, or of all, in the same moment."""
    partitions_per_second: float = 0.0
    pauses_per_second: float = 0.0
    resets_per_second: float = 0.0
    """Connections that close for no reason; both sides are told."""
    transfers_per_second: float = 0.0
    membership_changes_per_second: float = 0.0
    encode_messages: bool = False
    """Whether messages pass through their bytes, as between real members."""

    def calmed(self) -> "Faults":
        """None of the faults, with all that is no fault as it was."""
        return Faults(
            pre_vote=self.pre_vote,
            members=self.members,
            requests_per_second=self.requests_per_second,
            snapshot_count_entries=self.snapshot_count_entries,
            election_spread_ticks=self.election_spread_ticks,
        )


def draw(chance: random.Random) -> Faults:
    """A mix of faults: each kind is off in about half of the runs, so that all mixes come up."""

    def maybe(most: float) -> float:
        return chance.random() * most if chance.random() < 0.5 else 0.0

    return Faults(
        message_loss=maybe(0.2),
        message_duplication=maybe(0.1),
        message_overtaking=chance.random() < 0.5,
        message_delay_us_max=chance.choice((1_000, 5_000, 50_000)),
        message_delay_spike=maybe(0.05),
        write_us_max=chance.choice((500, 5_000, 50_000)),
        write_spike=maybe(0.05),
        turn_us_max=chance.choice((1, 1, 300, 5_000)),
        clock_drift=maybe(0.3),
        election_spread_ticks=chance.choice((2, ELECTION_TICKS)),
        pre_vote=chance.random() < 0.8,
        members=chance.choice((1, 2, 3, 3, 3, 3, 4, 5, 5)),
        requests_per_second=chance.choice((20, 50, 50, 50, 100)),
        snapshot_count_entries=chance.choice((10, 40, 40)),
        new_leader_harm=maybe(0.9),
        crashes_per_second=maybe(1.0),
        power_losses_per_second=maybe(0.2),
        partitions_per_second=maybe(1.0),
        pauses_per_second=maybe(0.5),
        resets_per_second=maybe(1.0),
        transfers_per_second=maybe(0.5),
        membership_changes_per_second=maybe(0.3),
        encode_messages=chance.random() < 0.3,
    )
