"""etcd's KV service as recorded operations, in the words that the checkers know.

`check/etcd_operations.py` and `check/effects.py` say what each function's value and result are.
"""

from collections.abc import Sequence
from typing import TypeAlias

from jepsen_tests.history import Json, Operation
from jepsen_tests.world.kv_words import bytes_of, recorded, text_of
from jepsen_tests.world.recording import Answer, Session, operation
from raftkv.pb import kv_pb2, rpc_pb2

ALL_KEYS_END = "\0"
_SERVICE = "/etcdserverpb.KV/"

Part: TypeAlias = tuple[str, str, str | None]
"""("r" key None), ("w" key value) or ("d" key None)."""
Guard: TypeAlias = tuple[str, str, str, int | str]
"""(target, key, relation, value)."""


def end_of_prefix(prefix: str) -> str:
    """The range end that makes a range of all keys with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


async def put(
    session: Session, key: str, value: str, *, lease: int = 0, function: str = "put"
) -> int:
    """Puts a key; returns the revision."""
    request = rpc_pb2.PutRequest(key=bytes_of(key), value=bytes_of(value), lease=lease)

    async def carry_out() -> tuple[Answer, int]:
        response = await session.call(f"{_SERVICE}Put", request, rpc_pb2.PutResponse)
        revision = response.header.revision
        return Answer(revision=revision), revision

    return await session.record(operation(function, key, value, lease=lease), carry_out)


async def get(
    session: Session,
    key: str,
    range_end: str = "",
    *,
    limit: int = 0,
    at_revision: int = 0,
    serializable: bool = False,
) -> rpc_pb2.RangeResponse:
    """Reads a key or a range."""
    request = _range_request(key, range_end, limit, at_revision, serializable=serializable)

    async def carry_out() -> tuple[Answer, rpc_pb2.RangeResponse]:
        response = await session.call(f"{_SERVICE}Range", request, rpc_pb2.RangeResponse)
        revision = response.header.revision
        answer = Answer(result=recorded(response.kvs), revision=revision, count=response.count)
        return answer, response

    asked = _asked("range", request)
    return await session.record(asked, carry_out)


async def read(session: Session, key: str, *, serializable: bool = False) -> str | None:
    """Reads a key's value alone."""
    request = _range_request(key, "", 0, 0, serializable=serializable)

    async def carry_out() -> tuple[Answer, str | None]:
        response = await session.call(f"{_SERVICE}Range", request, rpc_pb2.RangeResponse)
        value = text_of(response.kvs[0].value) if response.kvs else None
        return Answer(result=value, revision=response.header.revision), value

    return await session.record(_asked("read", request), carry_out)


async def delete(session: Session, key: str, range_end: str = "") -> int:
    """Deletes a key or a range; returns how many keys there were."""
    request = rpc_pb2.DeleteRangeRequest(key=bytes_of(key), range_end=bytes_of(range_end))

    async def carry_out() -> tuple[Answer, int]:
        response = await session.call(
            f"{_SERVICE}DeleteRange", request, rpc_pb2.DeleteRangeResponse
        )
        return Answer(result=response.deleted, revision=response.header.revision), response.deleted

    value: Json = {"range_end": range_end} if range_end else None
    return await session.record(operation("delete", key, value, range_end=range_end), carry_out)


async def compare_and_set(session: Session, key: str, expected: str, new: str) -> bool:
    """Puts a key if it has the value that is expected."""
    request = rpc_pb2.TxnRequest(
        compare=[compare(("value", key, "=", expected))], success=[_operation(("w", key, new))]
    )

    async def carry_out() -> tuple[Answer, bool]:
        response = await session.call(f"{_SERVICE}Txn", request, rpc_pb2.TxnResponse)
        answer = Answer(result=response.succeeded, revision=response.header.revision)
        return answer, response.succeeded

    return await session.record(operation("cas", key, [expected, new]), carry_out)


async def transact(
    session: Session,
    guards: Sequence[Guard],
    then: Sequence[Part],
    otherwise: Sequence[Part] = (),
    *,
    lease: int = 0,
) -> rpc_pb2.TxnResponse:
    """A transaction with comparisons, recorded with them."""
    request = txn_request(guards, then, otherwise, lease=lease)

    async def carry_out() -> tuple[Answer, rpc_pb2.TxnResponse]:
        response = await session.call(f"{_SERVICE}Txn", request, rpc_pb2.TxnResponse)
        done = _filled(then if response.succeeded else otherwise, response)
        result: Json = {"succeeded": response.succeeded, "operations": done}
        return Answer(result=result, revision=response.header.revision), response

    value: Json = {
        "compare": [list(guard) for guard in guards],
        "then": [list(part) for part in then],
        "else": [list(part) for part in otherwise],
    }
    return await session.record(operation("txn", "", value), carry_out)


def txn_request(
    guards: Sequence[Guard],
    then: Sequence[Part],
    otherwise: Sequence[Part] = (),
    *,
    lease: int = 0,
) -> rpc_pb2.TxnRequest:
    """The request of a transaction; what it puts hangs on the lease."""
    return rpc_pb2.TxnRequest(
        compare=[compare(guard) for guard in guards],
        success=[_operation(part, lease) for part in then],
        failure=[_operation(part, lease) for part in otherwise],
    )


def compare(guard: Guard) -> rpc_pb2.Compare:
    """A comparison as etcd has it."""
    target, key, relation, value = guard
    result = _RELATIONS[relation]
    comparison = rpc_pb2.Compare(key=bytes_of(key), result=result, target=_TARGETS[target])
    setattr(comparison, target, bytes_of(value) if isinstance(value, str) else value)
    return comparison


_RELATIONS = {
    "=": rpc_pb2.Compare.EQUAL,
    "!=": rpc_pb2.Compare.NOT_EQUAL,
    ">": rpc_pb2.Compare.GREATER,
    "<": rpc_pb2.Compare.LESS,
}
_TARGETS = {
    "version": rpc_pb2.Compare.VERSION,
    "create_revision": rpc_pb2.Compare.CREATE,
    "mod_revision": rpc_pb2.Compare.MOD,
    "value": rpc_pb2.Compare.VALUE,
}


def values_read(response: rpc_pb2.TxnResponse) -> list[list[kv_pb2.KeyValue]]:
    """What each range of a transaction found."""
    return [
        list(part.response_range.kvs)
        for part in response.responses
        if part.HasField("response_range")
    ]


def _filled(parts: Sequence[Part], response: rpc_pb2.TxnResponse) -> list[Json]:
    """The parts that were carried out, with what was read."""
    done: list[Json] = []
    for (verb, key, value), part in zip(parts, response.responses, strict=True):
        if verb == "r":
            kvs = part.response_range.kvs
            done.append([verb, key, text_of(kvs[0].value) if kvs else None])
        else:
            done.append([verb, key, value])
    return done


def _operation(part: Part, lease: int = 0) -> rpc_pb2.RequestOp:
    verb, key, value = part
    name = bytes_of(key)
    match verb:
        case "r":
            return rpc_pb2.RequestOp(request_range=rpc_pb2.RangeRequest(key=name))
        case "d":
            deletion = rpc_pb2.DeleteRangeRequest(key=name)
            return rpc_pb2.RequestOp(request_delete_range=deletion)
        case _:
            new = rpc_pb2.PutRequest(key=name, value=bytes_of(value or ""), lease=lease)
            return rpc_pb2.RequestOp(request_put=new)


def _range_request(
    key: str, range_end: str, limit: int, at_revision: int, *, serializable: bool
) -> rpc_pb2.RangeRequest:
    return rpc_pb2.RangeRequest(
        key=bytes_of(key),
        range_end=bytes_of(range_end),
        limit=limit,
        revision=at_revision,
        serializable=serializable,
    )


def _asked(function: str, request: rpc_pb2.RangeRequest) -> Operation:
    """A read as its record has it: options twice, since they are read as fields and as a value."""
    options: dict[str, Json] = {}
    if request.range_end:
        options["range_end"] = text_of(request.range_end)
    if request.limit:
        options["limit"] = request.limit
    if request.revision:
        options["revision"] = request.revision
    if request.serializable:
        options["serializable"] = True
    return operation(
        function,
        text_of(request.key),
        options or None,
        range_end=text_of(request.range_end),
        limit=request.limit,
        at_revision=request.revision,
        serializable=request.serializable,
    )
