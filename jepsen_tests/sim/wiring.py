"""The way between a client and a member: its delays, and what partitions do to it."""

from collections.abc import Callable

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.network import CLIENTS
from jepsen_tests.sim.world import MILLISECOND

SENT_AGAIN_US = 100 * MILLISECOND
"""What a partition holds up is tried again so much later, as TCP does."""


def member_id_of(name: str) -> int:
    """A member's id by its name."""
    return int(name.removeprefix("m"))


def name_of_member(member_id: int) -> str:
    """A member's name in plans and histories."""
    return f"m{member_id}"


class Wire:
    """Both directions between one client and one member."""

    def __init__(self, cluster: SimCluster, member_id: int) -> None:
        self._cluster = cluster
        self._member_id = member_id

    @property
    def place(self) -> SimMember:
        """The member's place."""
        return self._cluster.members[self._member_id]

    @property
    def is_cut_towards_client(self) -> bool:
        """Whether nothing that the member says arrives."""
        return (self._member_id, CLIENTS) in self._cluster.network.cut

    def delay_us(self) -> int:
        """How long the next message takes."""
        faults = self._cluster.network.faults
        return self._cluster.world.random.randint(
            faults.message_delay_us_min, faults.message_delay_us_max
        )

    def to_member(self, arrive: Callable[[SimMember], None], is_over: Callable[[], bool]) -> None:
        """Runs `arrive` in the member's process, when it gets there, unless it is over before."""
        cluster, link = self._cluster, (CLIENTS, self._member_id)

        def run() -> None:
            place = self.place
            if link in cluster.network.cut:
                if not is_over():
                    cluster.world.after(SENT_AGAIN_US, run)
            elif place.node is None:
                arrive(place)
            else:
                cluster.run_in(place, place.node, lambda: arrive(place))

        cluster.world.after(self.delay_us(), run)

    def to_client(self, arrive: Callable[[], None], is_over: Callable[[], bool]) -> None:
        """Runs `arrive` at the client, when it gets there, unless it is over before."""
        world = self._cluster.world

        def run() -> None:
            if is_over():
                return
            if self.is_cut_towards_client:
                world.after(SENT_AGAIN_US, run)
            else:
                arrive()

        world.after(self.delay_us(), run)
