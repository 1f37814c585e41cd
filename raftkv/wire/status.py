"""gRPC's status codes, and what they are called when HTTP alone has to say it."""

from enum import IntEnum

from raftkv.wire.errors import ErrorCode


class Code(IntEnum):
    """The outcome of a call, as the `grpc-status` trailer carries it."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


DEADLINE_TEXT = "context deadline exceeded"
"""What Go's context package calls it; clients match on the text."""

_FROM_RESET = {
    ErrorCode.REFUSED_STREAM: Code.UNAVAILABLE,
    ErrorCode.CANCEL: Code.CANCELLED,
    ErrorCode.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
}

_FROM_HTTP = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    429: Code.UNAVAILABLE,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


def code_of_reset(error_code: int) -> Code:
    """Says how a call ended whose stream the server reset (gRPC over HTTP/2, "Errors")."""
    return _FROM_RESET.get(error_code, Code.INTERNAL)  # type: ignore[call-overload, no-any-return]


def code_of_http_status(http_status: int) -> Code:
    """Says how a call ended that was answered by something that does not speak gRPC."""
    return _FROM_HTTP.get(http_status, Code.UNKNOWN)
