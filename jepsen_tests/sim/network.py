"""A network that loses, delays, doubles and reorders messages, and falls into parts."""

from typing import TYPE_CHECKING, get_args

from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.world import World
from raftkv.peer.codec import AnyMessage, decode, encode
from raftkv.raft.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

CONSENSUS = get_args(Message)
"""What may arrive twice. A forwarded request may not: the real network is TCP, which never doubles,
and that nothing is carried out twice rests on it."""


class SimNetwork:
    """All links between members; each direction of a link can be cut by itself."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self.faults = faults
        self.cut: set[tuple[int, int]] = set()
        """(sender, receiver) pairs whose messages are lost."""
        self.receivers: dict[int, Callable[[AnyMessage], None]] = {}
        """The members that run."""
        self.messages_sent = 0
        self.on_send: Callable[[AnyMessage], None] = lambda _: None
        """Sees every message at the moment when it leaves."""

    def send(self, message: AnyMessage) -> None:
        """Puts a message on its way; it may never arrive, or arrive twice."""
        self.messages_sent += 1
        self.on_send(message)
        chance, faults = self._world.random, self.faults
        if chance.random() < faults.message_loss:
            return
        copies = 1
        if isinstance(message, CONSENSUS) and chance.random() < faults.message_duplication:
            copies = 2
        if faults.encode_messages:
            message = decode(encode(message))
        for _ in range(copies):
            delay = chance.randint(faults.message_delay_us_min, faults.message_delay_us_max)
            if chance.random() < faults.message_delay_spike:
                delay *= 100
            self._world.after(delay, lambda: self._deliver(message))

    def _deliver(self, message: AnyMessage) -> None:
        if (message.sender, message.to) in self.cut:
            return
        receive = self.receivers.get(message.to)
        if receive is not None:
            receive(message)


class SimTransport:
    """The transport port of one member."""

    def __init__(self, network: SimNetwork, member: int) -> None:
        self._network = network
        self._member = member
        self.lost = False
        """True once the member has crashed: nothing it still has to say is heard."""

    def send(self, messages: list[AnyMessage]) -> None:
        """Sends each message to its receiver."""
        if not self.lost:
            for message in messages:
                self._network.send(message)

    def is_connected(self, member: int) -> bool:
        """Whether the member runs and can be reached."""
        return member in self._network.receivers and (self._member, member) not in self._network.cut

    def active_since_ticks(self, member: int) -> int:
        """Long enough for every check, while connected."""
        return 1_000_000 if self.is_connected(member) else 0
