"""LeaseGrant and LeaseRevoke."""

from raftkv.apply.delete_range import delete_keys
from raftkv.apply.fields import number
from raftkv.apply.parts import Parts
from raftkv.command.types import Failure, Result
from raftkv.lease.lessor import NO_LEASE
from raftkv.pb.rpc_pb2 import LeaseGrantRequest, LeaseRevokeRequest

_ID = b"\x10"
_TTL = b"\x18"


def apply_lease_grant(parts: Parts, body: bytes) -> Result:
    """Applies a LeaseGrantRequest, its id chosen; the answer is a LeaseGrantResponse."""
    request = LeaseGrantRequest.FromString(body)
    lease, ttl = request.ID, request.TTL
    if lease == NO_LEASE:
        return Failure.LEASE_NOT_FOUND
    if ttl > parts.limits.lease_ttl_seconds_max:
        return Failure.LEASE_TTL_TOO_LARGE
    if parts.lessor.exists(lease):
        return Failure.LEASE_EXISTS
    parts.lessor.grant(lease, ttl)
    return parts.store.revision, number(_ID, lease) + number(_TTL, ttl)


def apply_lease_revoke(parts: Parts, body: bytes) -> Result:
    """Applies a LeaseRevokeRequest: the lease goes, and its keys with it, all at one revision."""
    lease = LeaseRevokeRequest.FromString(body).ID
    lessor = parts.lessor
    if not lessor.exists(lease):
        return Failure.LEASE_NOT_FOUND
    transaction = parts.begin()
    keys = lessor.keys(lease)
    parts.store.counts.deletes += len(keys)
    delete_keys(parts, transaction, keys)
    lessor.revoke(lease)
    return parts.end(transaction), b""
