"""Locks and elections, after etcd's recipes (its client's `concurrency` package).

Who wants the lock puts a key of its own under the lock's name, attached to its lease, and waits
until no older key is left; then it looks once more whether its own is still there. The key's create
revision is the fencing number: a transaction that compares it has no effect once the lock is lost.
"""

from contextlib import aclosing
from typing import TYPE_CHECKING

from jepsen_tests.workload import kv
from jepsen_tests.world.kv_words import bytes_of, recorded, text_of
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Answer, Session, Watching, operation
from raftkv.pb import kv_pb2, rpc_pb2

if TYPE_CHECKING:
    from jepsen_tests.history import Json

_RANGE = "/etcdserverpb.KV/Range"
_TXN = "/etcdserverpb.KV/Txn"
_DELETE = "/etcdserverpb.KV/DeleteRange"
OBSERVE_SECONDS = 0.1
OBSERVATIONS_MAX = 20
"""So often an observer looks for something new before it gives up."""
WAIT_SECONDS_MAX = 6.0
"""So long somebody waits in line before they give up."""


class Owned:
    """A lock that is held, as far as its owner knows."""

    def __init__(self, name: str, key: str, create_revision: int) -> None:
        self.name = name
        self.key = key
        self.create_revision = create_revision

    @property
    def guard(self) -> kv.Guard:
        """The comparison that holds as long as the lock does."""
        return ("create_revision", self.key, "=", self.create_revision)


async def acquire(
    session: Session, name: str, lease: int, *, value: str = "", function: str = "acquire"
) -> Owned:
    """Waits for the lock; refused when that takes too long, or the lease is over."""
    key = f"{name}/{lease:x}"

    async def carry_out() -> tuple[Answer, Owned]:
        created = await _stand_in_line(session, key, value, lease)
        try:
            await session.world.within(WAIT_SECONDS_MAX, _until_first(session, f"{name}/", created))
        except TimeoutError:
            await _delete(session, key)
            raise Refused("ABORTED", "waited too long") from None
        found = await _get(session, key)
        if not found.kvs or found.kvs[0].create_revision != created:
            raise Refused("ABORTED", "the lease ended meanwhile")
        result: Json = {"key": key, "create_revision": created}
        answer = Answer(result=result, revision=found.header.revision)
        return answer, Owned(name, key, created)

    return await session.record(operation(function, name, lease=lease), carry_out)


async def release(session: Session, owned: Owned, *, function: str = "release") -> None:
    """Gives the lock up."""

    async def carry_out() -> tuple[Answer, None]:
        return Answer(revision=await _delete(session, owned.key)), None

    await session.record(operation(function, owned.name, owned.key), carry_out)


async def observe(session: Session, name: str, seen: tuple[int, int]) -> tuple[int, int]:
    """Waits for a leader, or a word of it, that was not seen yet: the oldest key under the name.

    Args:
        session: Who observes.
        name: The election.
        seen: What this returned before: the key's create and mod revision; (0, 0): nothing.
    """
    request = _in_line(f"{name}/", 0)
    request.sort_order = rpc_pb2.RangeRequest.ASCEND

    async def carry_out() -> tuple[Answer, tuple[int, int]]:
        for _ in range(OBSERVATIONS_MAX):
            response = await session.call(_RANGE, request, rpc_pb2.RangeResponse)
            for kv_now in response.kvs:
                now = (kv_now.create_revision, kv_now.mod_revision)
                if now != seen:
                    result = recorded(response.kvs)[0]
                    return Answer(result=result, revision=response.header.revision), now
            await session.world.sleep(OBSERVE_SECONDS)
        raise Refused("ABORTED", "nothing new")

    return await session.record(operation("observe", name), carry_out)


async def _stand_in_line(session: Session, key: str, value: str, lease: int) -> int:
    """Puts the own key unless it is there; returns its create revision."""
    guards: list[kv.Guard] = [("create_revision", key, "=", 0)]
    request = kv.txn_request(guards, [("w", key, value)], [("r", key, None)], lease=lease)
    response = await session.call(_TXN, request, rpc_pb2.TxnResponse)
    if response.succeeded:
        return response.header.revision
    return kv.values_read(response)[0][0].create_revision


async def _until_first(session: Session, prefix: str, created: int) -> None:
    """Returns when no key under the prefix is older; watches the next older one till then."""
    while True:
        response = await session.call(_RANGE, _in_line(prefix, created - 1), rpc_pb2.RangeResponse)
        if not response.kvs:
            return
        key = text_of(response.kvs[0].key)
        await _until_deleted(session, key, response.header.revision + 1)


async def _until_deleted(session: Session, key: str, start_revision: int) -> None:
    """Returns when the key was deleted, or might have been."""
    asked = Watching(key=key, start_revision=start_revision)
    async with aclosing(session.watch(asked)) as responses:
        async for response in responses:
            deletes = (event.type == kv_pb2.Event.DELETE for event in response.events)
            if response.canceled or any(deletes):
                return


def _in_line(prefix: str, max_create_revision: int) -> rpc_pb2.RangeRequest:
    """The youngest key under a prefix that is not younger than this; 0: whatever its age."""
    return rpc_pb2.RangeRequest(
        key=bytes_of(prefix),
        range_end=bytes_of(kv.end_of_prefix(prefix)),
        max_create_revision=max_create_revision,
        sort_target=rpc_pb2.RangeRequest.CREATE,
        sort_order=rpc_pb2.RangeRequest.DESCEND,
        limit=1,
    )


async def _get(session: Session, key: str) -> rpc_pb2.RangeResponse:
    """A read whose answer decides nothing that was not written before."""
    request = rpc_pb2.RangeRequest(key=bytes_of(key))
    return await session.call(_RANGE, request, rpc_pb2.RangeResponse)


async def _delete(session: Session, key: str) -> int:
    request = rpc_pb2.DeleteRangeRequest(key=bytes_of(key))
    try:
        response = await session.call(_DELETE, request, rpc_pb2.DeleteRangeResponse)
    except Refused as error:
        raise Unanswered(f"may still stand in line: {error}") from error
    return response.header.revision
