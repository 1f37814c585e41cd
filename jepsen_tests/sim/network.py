"""A network that loses, delays, doubles and reorders messages, and falls into parts.

The real one is TCP: what arrives between two members does so in order, once. Consensus must do with
less; requests and snapshots, on which more rests, may be lost here, but are not disordered, and do
not reach a process that was started after they were sent.
"""

from typing import TYPE_CHECKING, get_args

from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.world import World
from raftkv.peer.codec import AnyMessage, decode, encode
from raftkv.raft.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = 0
"""The other end of the links between members and clients, in `SimNetwork.cut`."""
CONSENSUS = get_args(Message)
"""What may arrive twice, and out of order."""


class SimNetwork:
    """All links between members; each direction of a link can be cut by itself."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self.faults = faults
        self.cut: set[tuple[int, int]] = set()
        """(sender, receiver) pairs whose messages are lost."""
        self.disturbed: dict[int, Faults] = {}
        """The members whose links have other faults than the rest."""
        self.receivers: dict[int, Callable[[AnyMessage], None]] = {}
        """The members that run."""
        self._due_us: dict[tuple[int, int], int] = {}
        """When the last message of each link arrives: none that is sent later comes before."""
        self._starts: dict[int, int] = {}
        """How often each member's connections went with its process."""
        self.messages_sent = 0
        self.on_send: Callable[[AnyMessage], None] = lambda _: None
        """Sees every message at the moment when it leaves."""

    def send(self, message: AnyMessage) -> None:
        """Puts a message on its way; it may never arrive, or arrive twice."""
        self.messages_sent += 1
        self.on_send(message)
        chance, faults = self._world.random, self.faults
        if self.disturbed:
            of = self.disturbed
            faults = of.get(message.sender) or of.get(message.to) or faults
        if chance.random() < faults.message_loss:
            return
        is_consensus = isinstance(message, CONSENSUS)
        if not is_consensus and message.to not in self.receivers:
            return  # there is no connection
        copies = 2 if is_consensus and chance.random() < faults.message_duplication else 1
        if faults.encode_messages:
            message = decode(encode(message))
        starts = None if is_consensus else self._starts.get(message.to, 0)
        for _ in range(copies):
            delay = chance.randint(faults.message_delay_us_min, faults.message_delay_us_max)
            if chance.random() < faults.message_delay_spike:
                delay *= 100
            if not (is_consensus and faults.message_overtaking):
                delay = self._in_order((message.sender, message.to), delay)
            self._world.after(delay, lambda: self._deliver(message, starts))

    def forget(self, member: int) -> None:
        """The connections of a member are gone; new ones owe nothing to the order of the old."""
        self._starts[member] = self._starts.get(member, 0) + 1
        for link in [link for link in self._due_us if member in link]:
            del self._due_us[link]

    def _in_order(self, link: tuple[int, int], delay: int) -> int:
        now = self._world.now_us
        due = self._due_us[link] = max(self._due_us.get(link, 0), now + delay)
        return due - now

    def _deliver(self, message: AnyMessage, starts: int | None) -> None:
        """Hands a message over, unless its link is cut or, if `starts` is given, was broken."""
        if (message.sender, message.to) in self.cut:
            return
        if starts is not None and starts != self._starts.get(message.to, 0):
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
