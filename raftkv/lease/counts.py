"""What became of leases since the member started."""

from raftkv.histogram import Histogram, doubling

_TTL_SECONDS_BOUNDS = doubling(1, 24)


class LeaseCounts:
    """Counts grants and revocations, as this member applies them."""

    __slots__ = ("granted", "revoked", "ttl_seconds")

    def __init__(self) -> None:
        self.granted = 0
        self.revoked = 0
        self.ttl_seconds = Histogram(_TTL_SECONDS_BOUNDS)
        """For how long leases were granted."""
