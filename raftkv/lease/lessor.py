"""Leases, the keys attached to them, and when they run out.

Which leases there are, and which keys hang on them, is replicated state: every member has the same.
When a lease runs out is not: only the primary, the leader's lessor, keeps deadlines, in ticks of
its own member. A new primary gives every lease its full time again, so a change of leader never
shortens one.

A lease's id and granted TTL are stored in the table `lease`; the attached keys are not stored,
since each row names its lease.
"""

from math import ceil

from raftkv.lease.counts import LeaseCounts
from raftkv.lease.deadlines import Deadlines
from raftkv.mvcc.ports import Tables

NO_LEASE = 0
"""The lease id that stands for no lease."""
RETRY_SECONDS = 3
"""A lease that was reported as expired and still exists after this long is reported again."""
_TABLE = "lease"


class Lessor:
    """The leases of a cluster. TTLs are in seconds, deadlines in ticks."""

    def __init__(self, tables: Tables, ticks_per_second: float) -> None:
        self._tables = tables
        self._ticks_per_second = ticks_per_second
        self._ttls: dict[int, int] = {}
        self._keys: dict[int, dict[bytes, None]] = {}
        """The attached keys of leases that have any."""
        self._lease_by_key: dict[bytes, int] = {}
        self._deadlines: Deadlines | None = None
        """None where this is not the primary."""
        self.counts = LeaseCounts()

    def __len__(self) -> int:
        return len(self._ttls)

    @property
    def is_primary(self) -> bool:
        """Whether this lessor keeps deadlines."""
        return self._deadlines is not None

    # -- replicated state

    def exists(self, lease: int) -> bool:
        """Whether there is such a lease."""
        return lease in self._ttls

    def ids(self) -> list[int]:
        """Every lease, in the order of their ids."""
        return sorted(self._ttls)

    def keys(self, lease: int) -> list[bytes]:
        """The keys attached to a lease, in order; none if there is no such lease."""
        return sorted(self._keys.get(lease, ()))

    def lease_of(self, key: bytes) -> int:
        """The lease that a key is attached to, or NO_LEASE."""
        return self._lease_by_key.get(key, NO_LEASE)

    def granted_ttl(self, lease: int) -> int | None:
        """The TTL that a lease was granted, in seconds; None if there is no such lease."""
        return self._ttls.get(lease)

    def grant(self, lease: int, ttl: int) -> None:
        """Adds a lease that does not exist yet."""
        assert lease != NO_LEASE, "a lease needs an id"
        assert lease not in self._ttls, f"lease {lease:x} exists"
        self._ttls[lease] = ttl
        self.counts.granted += 1
        self.counts.ttl_seconds.observe(ttl)
        self._tables.put(_TABLE, _stored_id(lease), ttl.to_bytes(8, "big", signed=True))
        if self._deadlines is not None:
            self._deadlines.start(lease)

    def revoke(self, lease: int) -> None:
        """Removes a lease that exists and lets go of its keys, which the caller deletes."""
        del self._ttls[lease]
        self.counts.revoked += 1
        for key in self._keys.pop(lease, ()):
            del self._lease_by_key[key]
        self._tables.delete(_TABLE, _stored_id(lease))
        if self._deadlines is not None:
            self._deadlines.forget(lease, len(self._ttls))

    def set_lease(self, key: bytes, lease: int) -> None:
        """Attaches a key to a lease, and to no other; NO_LEASE detaches it."""
        before = self._lease_by_key.get(key, NO_LEASE)
        if before == lease:
            return
        if before != NO_LEASE:
            keys = self._keys[before]
            del keys[key]
            if not keys:
                del self._keys[before]
        if lease != NO_LEASE:
            self._lease_by_key[key] = lease
            self._keys.setdefault(lease, {})[key] = None
        else:
            del self._lease_by_key[key]

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        """Takes in the stored table of leases; the keys come by `set_lease`, before or after."""
        self._ttls = {
            int.from_bytes(lease, "big", signed=True): int.from_bytes(ttl, "big", signed=True)
            for lease, ttl in items
        }

    # -- deadlines: the primary only

    def promote(self, tick: int) -> None:
        """Becomes the primary at `tick`: every lease has its full TTL before it."""
        self._deadlines = Deadlines(self._ttl_ticks, self._ttls, tick)

    def demote(self) -> None:
        """Is no longer the primary: no lease runs out here."""
        self._deadlines = None

    def renew(self, lease: int, tick: int) -> int | None:
        """Gives a lease its full TTL again and returns it; None if it is gone or has run out."""
        ttl = self._ttls.get(lease)
        if ttl is None or not self._primary.renew(lease, tick):
            return None
        return ttl

    def remaining(self, lease: int, tick: int) -> tuple[int, int] | None:
        """(whole seconds left, seconds granted) of a lease; None if there is no such lease."""
        ttl = self._ttls.get(lease)
        if ttl is None:
            return None
        ticks = max(0, self._primary.remaining(lease, tick))
        return min(ttl, int(ticks / self._ticks_per_second)), ttl

    def expired(self, tick: int, leases_max: int) -> list[int]:
        """Up to `leases_max` leases that have run out, to be revoked through the log.

        Called once a tick. What it returned and still exists comes again after `RETRY_SECONDS`.
        """
        retry_ticks = ceil(RETRY_SECONDS * self._ticks_per_second)
        return self._primary.expired(tick, leases_max, retry_ticks)

    @property
    def _primary(self) -> Deadlines:
        assert self._deadlines is not None, "only the primary knows when a lease runs out"
        return self._deadlines

    def _ttl_ticks(self, lease: int) -> int | None:
        ttl = self._ttls.get(lease)
        return None if ttl is None else ceil(ttl * self._ticks_per_second)


def _stored_id(lease: int) -> bytes:
    return lease.to_bytes(8, "big", signed=True)
