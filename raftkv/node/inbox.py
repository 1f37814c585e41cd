"""What arrived since the last turn."""

from dataclasses import dataclass, field

from raftkv.peer.messages import PeerMessage
from raftkv.raft.messages import Message


@dataclass(slots=True)
class Inbox:
    """Everything a turn has to look at, beside what clients proposed."""

    messages: list[Message | PeerMessage] = field(default_factory=list)
    ticks: int = 0
    durable: int = 0
    """The newest write that became durable; 0 for none."""
    staged: int = 0
    """The newest chunk of a snapshot that came to lie on the disk; 0 for none."""
    lost: list[int] = field(default_factory=list)
    """Members whose connection closed."""
