"""Every error a client can see: etcd's gRPC code and its exact text, which clients match on.

The texts are part of the protocol (etcd's `api/v3rpc/rpctypes`); nothing else in the project spells
them.
"""

from typing import NamedTuple

from raftkv.command.types import Failure
from raftkv.service.ports import Call, Stream
from raftkv.wire.status import Code


class Status(NamedTuple):
    """How a call ends that does not succeed."""

    code: Code
    text: str


BAD_MESSAGE = Status(Code.INTERNAL, "grpc: error unmarshalling request")
EMPTY_KEY = Status(Code.INVALID_ARGUMENT, "etcdserver: key is not provided")
VALUE_PROVIDED = Status(Code.INVALID_ARGUMENT, "etcdserver: value is provided")
LEASE_PROVIDED = Status(Code.INVALID_ARGUMENT, "etcdserver: lease is provided")
INVALID_SORT_OPTION = Status(Code.INVALID_ARGUMENT, "etcdserver: invalid sort option")
INVALID_CLIENT_VERSION = Status(Code.INVALID_ARGUMENT, "etcdserver: invalid client api version")
BAD_MEMBER_URLS = Status(Code.INVALID_ARGUMENT, "etcdserver: given member URLs are invalid")
AUTH_NOT_ENABLED = Status(Code.FAILED_PRECONDITION, "etcdserver: authentication is not enabled")
NOT_FOR_LEARNERS = Status(Code.FAILED_PRECONDITION, "etcdserver: rpc not supported for learner")
UNKNOWN_ALARM = Status(Code.INVALID_ARGUMENT, "raftkv: unknown kind of alarm")
WATCH_CANCELED = Status(Code.CANCELLED, "etcdserver: watch canceled")

STATUS: dict[Failure, Status] = {
    Failure.KEY_NOT_FOUND: Status(Code.INVALID_ARGUMENT, "etcdserver: key not found"),
    Failure.LEASE_NOT_FOUND: Status(Code.NOT_FOUND, "etcdserver: requested lease not found"),
    Failure.LEASE_EXISTS: Status(Code.FAILED_PRECONDITION, "etcdserver: lease already exists"),
    Failure.LEASE_TTL_TOO_LARGE: Status(Code.OUT_OF_RANGE, "etcdserver: too large lease TTL"),
    Failure.COMPACTED: Status(
        Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"
    ),
    Failure.FUTURE_REVISION: Status(
        Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision"
    ),
    Failure.NO_SPACE: Status(Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"),
    Failure.CORRUPT: Status(Code.DATA_LOSS, "etcdserver: corrupt cluster"),
    Failure.MEMBER_NOT_FOUND: Status(Code.NOT_FOUND, "etcdserver: member not found"),
    Failure.MEMBER_EXISTS: Status(Code.FAILED_PRECONDITION, "etcdserver: member ID already exist"),
    Failure.PEER_URL_EXISTS: Status(
        Code.FAILED_PRECONDITION, "etcdserver: Peer URLs already exists"
    ),
    Failure.MEMBER_NOT_LEARNER: Status(
        Code.FAILED_PRECONDITION, "etcdserver: can only promote a learner member"
    ),
    Failure.LEARNER_NOT_READY: Status(
        Code.FAILED_PRECONDITION,
        "etcdserver: can only promote a learner member which is in sync with leader",
    ),
    Failure.TOO_MANY_LEARNERS: Status(
        Code.FAILED_PRECONDITION, "etcdserver: too many learner members in cluster"
    ),
    # etcd answers these two with an error that carries no gRPC status, which grpc-go sends as
    # UNKNOWN.
    Failure.NOT_ENOUGH_STARTED_MEMBERS: Status(
        Code.UNKNOWN, "etcdserver: re-configuration failed due to not enough started members"
    ),
    Failure.TOO_MANY_REQUESTS: Status(Code.UNKNOWN, "etcdserver: too many requests"),
    Failure.UNHEALTHY: Status(Code.UNAVAILABLE, "etcdserver: unhealthy cluster"),
    Failure.NO_LEADER: Status(Code.UNAVAILABLE, "etcdserver: no leader"),
    Failure.NOT_LEADER: Status(Code.FAILED_PRECONDITION, "etcdserver: not leader"),
    Failure.LEADER_CHANGED: Status(Code.UNAVAILABLE, "etcdserver: leader changed"),
    Failure.BAD_LEADER_TRANSFEREE: Status(
        Code.FAILED_PRECONDITION, "etcdserver: bad leader transferee"
    ),
    Failure.TIMEOUT: Status(Code.UNAVAILABLE, "etcdserver: request timed out"),
    Failure.TIMEOUT_LEADER_FAILED: Status(
        Code.UNAVAILABLE,
        "etcdserver: request timed out, possibly due to previous leader failure",
    ),
    Failure.TIMEOUT_CONNECTION_LOST: Status(
        Code.UNAVAILABLE, "etcdserver: request timed out, possibly due to connection lost"
    ),
    Failure.STOPPED: Status(Code.UNAVAILABLE, "etcdserver: server stopped"),
    Failure.REQUEST_TOO_LARGE: Status(Code.INVALID_ARGUMENT, "etcdserver: request is too large"),
    Failure.DUPLICATE_KEY: Status(
        Code.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request"
    ),
    Failure.TOO_MANY_OPERATIONS: Status(
        Code.INVALID_ARGUMENT, "etcdserver: too many operations in txn request"
    ),
}


def fail(call: Call, why: Failure | Status) -> None:
    """Ends a call with etcd's code and text for `why`."""
    code, text = STATUS[why] if isinstance(why, Failure) else why
    call.fail(code, text)


def finish(stream: Stream, why: Failure | Status) -> None:
    """Ends a stream with etcd's code and text for `why`."""
    code, text = STATUS[why] if isinstance(why, Failure) else why
    stream.finish(code, text)


def unimplemented(method: str) -> Status:
    """The status of a call to a method of etcd's that this store does not have."""
    return Status(Code.UNIMPLEMENTED, f"raftkv: {method} is not supported")


def refuse(why: Failure | Status, call: Call, _message: bytes) -> None:
    """Answers every call with the same error."""
    fail(call, why)
