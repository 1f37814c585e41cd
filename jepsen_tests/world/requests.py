"""The few requests that every run makes, whatever its workload."""

from jepsen_tests.world.ports import Client
from jepsen_tests.world.recording import Answer, Session, operation
from raftkv.pb import rpc_pb2

_RANGE = "/etcdserverpb.KV/Range"
_COMPACT = "/etcdserverpb.KV/Compact"
_NOBODYS_KEY = b"\0"


async def current_revision(session: Session) -> int:
    """The newest revision, by a linearizable read that is not recorded."""
    request = rpc_pb2.RangeRequest(key=_NOBODYS_KEY)
    response = await session.call(_RANGE, request, rpc_pb2.RangeResponse)
    return response.header.revision


async def compact(session: Session, revision: int, *, physical: bool = False) -> None:
    """Gives up the history before a revision."""
    request = rpc_pb2.CompactionRequest(revision=revision, physical=physical)

    async def carry_out() -> tuple[Answer, None]:
        response = await session.call(_COMPACT, request, rpc_pb2.CompactionResponse)
        return Answer(revision=response.header.revision), None

    await session.record(operation("compact", "", revision), carry_out)


async def hash_of(client: Client, revision: int, timeout_seconds: float) -> rpc_pb2.HashKVResponse:
    """A member's hash of all its rows up to a revision."""
    request = rpc_pb2.HashKVRequest(revision=revision)
    path = "/etcdserverpb.Maintenance/HashKV"
    return await client.call(path, request, rpc_pb2.HashKVResponse, timeout_seconds)
