"""What a server offers: methods by path, and grpc-go's words for what it does not offer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from raftkv.wire.message import go_quote

if TYPE_CHECKING:
    from raftkv.wire.server_call import ServerStream, UnaryCall

    UnaryHandler: TypeAlias = Callable[[UnaryCall, bytes], None]
    StreamHandler: TypeAlias = Callable[[ServerStream], None]


class MethodKind(Enum):
    """How requests and responses of a method relate."""

    UNARY = "unary"
    """One request, one response. The handler is called with the call and the request's bytes."""
    STREAM = "stream"
    """Any number of either. The handler is called with the stream when its headers have arrived."""


@dataclass(frozen=True, slots=True)
class Method:
    """One entry of the route table. Handlers are called from inside `receive`, and never wait."""

    handler: Callable[..., Any]
    kind: MethodKind

    @classmethod
    def unary(cls, handler: "UnaryHandler") -> "Method":
        """Returns a method with one request and one response."""
        return cls(handler, MethodKind.UNARY)

    @classmethod
    def stream(cls, handler: "StreamHandler") -> "Method":
        """Returns a method with any number of requests and responses."""
        return cls(handler, MethodKind.STREAM)


Routes: TypeAlias = Mapping[str, Method]
"""Methods by path, `/etcdserverpb.KV/Put`."""


def describe_unknown(routes: Routes, path: str) -> str:
    """Returns grpc-go's text for a path that is not in the table."""
    service, slash, method = path[1:].rpartition("/")
    if not path.startswith("/") or not slash:
        return f"malformed method name: {go_quote(path)}"
    prefix = f"/{service}/"
    if any(known.startswith(prefix) for known in routes):
        return f"unknown method {method} for service {service}"
    return f"unknown service {service}"
