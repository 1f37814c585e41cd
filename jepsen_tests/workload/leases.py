"""etcd's Lease service as recorded operations."""

from typing import TYPE_CHECKING

from jepsen_tests.world.kv_words import text_of
from jepsen_tests.world.ports import KEEP_ALIVE_PATH, Unanswered
from jepsen_tests.world.recording import Answer, Session, operation
from raftkv.pb import rpc_pb2

if TYPE_CHECKING:
    from jepsen_tests.history import Json

_SERVICE = "/etcdserverpb.Lease/"


async def grant(session: Session, lease: int, ttl_seconds: int) -> int:
    """Grants a lease of this number; returns the time to live that it got."""
    request = rpc_pb2.LeaseGrantRequest(ID=lease, TTL=ttl_seconds)

    async def carry_out() -> tuple[Answer, int]:
        response = await session.call(f"{_SERVICE}LeaseGrant", request, rpc_pb2.LeaseGrantResponse)
        return Answer(result=response.TTL, revision=response.header.revision), response.TTL

    return await session.record(operation("grant", "", ttl_seconds, lease=lease), carry_out)


async def revoke(session: Session, lease: int) -> None:
    """Ends a lease, and deletes its keys."""
    request = rpc_pb2.LeaseRevokeRequest(ID=lease)

    async def carry_out() -> tuple[Answer, None]:
        path = f"{_SERVICE}LeaseRevoke"
        response = await session.call(path, request, rpc_pb2.LeaseRevokeResponse)
        return Answer(revision=response.header.revision), None

    await session.record(operation("revoke", lease=lease), carry_out)


async def keep_alive(session: Session, lease: int) -> int:
    """Renews a lease; returns its time to live, 0 if it is gone."""
    request = rpc_pb2.LeaseKeepAliveRequest(ID=lease)

    async def carry_out() -> tuple[Answer, int]:
        response = await session.call(KEEP_ALIVE_PATH, request, rpc_pb2.LeaseKeepAliveResponse)
        if lease != response.ID:
            raise Unanswered(f"the answer is about lease {response.ID}")
        return Answer(result=response.TTL, revision=response.header.revision), response.TTL

    return await session.record(operation("keep-alive", lease=lease), carry_out)


async def time_to_live(session: Session, lease: int, *, keys: bool = False) -> int:
    """How many seconds a lease has left; -1 if it is gone."""
    request = rpc_pb2.LeaseTimeToLiveRequest(ID=lease, keys=keys)

    async def carry_out() -> tuple[Answer, int]:
        path = f"{_SERVICE}LeaseTimeToLive"
        response = await session.call(path, request, rpc_pb2.LeaseTimeToLiveResponse)
        result: Json = {
            "ttl": response.TTL,
            "granted_ttl": response.grantedTTL,
            "keys": [text_of(key) for key in response.keys] if keys else None,
        }
        return Answer(result=result, revision=response.header.revision), response.TTL

    return await session.record(operation("time-to-live", lease=lease), carry_out)
