"""What a transport is told when it is made, and what it counts."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from raftkv.config import TransportConfig
from raftkv.histogram import Histogram, doubling
from raftkv.peer.codec import AnyMessage
from raftkv.peer.handshake import ClusterInfo

_ROUND_TRIP_SECONDS_BOUNDS = doubling(0.0001, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """What a transport is told when it is made."""

    config: TransportConfig
    cluster: int
    member: int
    """Whose transport this is."""
    jitter: Callable[[], float]
    """A random number from 0 to 1: members that lost each other do not all dial at once."""
    ssl_incoming: ssl.SSLContext | None = None
    """For URLs that start with `https`; None refuses them."""
    ssl_outgoing: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportHooks:
    """What a transport calls, on the loop's thread."""

    on_message: Callable[[AnyMessage], None]
    on_peer_lost: Callable[[int], None]
    """A connection with the member ended, either way; it is made again without being asked."""
    is_removed: Callable[[int], bool]
    """Whether the cluster has removed a member: it is told so when it dials."""
    on_removed: Callable[[], None]
    """The cluster has removed this member."""
    cluster_info: Callable[[], ClusterInfo]
    """What a process is told that wants to join."""


@dataclass(slots=True)
class PeerStatistics:
    """What went between this member and one other."""

    sent_bytes: int = 0
    received_bytes: int = 0
    sent_failures: int = 0
    """Messages dropped: no connection, or too much waiting."""
    received_failures: int = 0
    """Incoming connections closed because of what came."""
    disconnects: int = 0
    round_trip_seconds: Histogram = field(
        default_factory=lambda: Histogram(_ROUND_TRIP_SECONDS_BOUNDS)
    )
    """The kernel's smoothed round-trip time, looked at now and then."""
