"""What the header list of a request means: which method, which limits, or why not.

Computed once for each list that a client sends and then shared by all its calls, so nothing here is
about a single call. The rules are those of RFC 9113 section 8 (a request that breaks them is
malformed: its stream is reset) and of gRPC over HTTP/2 (a request that breaks those gets an answer,
in grpc-go's words).
"""

import re
from typing import TYPE_CHECKING, NamedTuple

from raftkv.wire.message import CONTENT_TYPE, ENCODINGS, go_quote, parse_timeout
from raftkv.wire.routes import Method, MethodKind, Routes, describe_unknown
from raftkv.wire.static_table import Field
from raftkv.wire.status import DEADLINE_TEXT, Code

if TYPE_CHECKING:
    from raftkv.wire.routes import UnaryHandler

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_BAD_VALUE = re.compile(r"[\x00\r\n]|^[ \t]|[ \t]$").search
_REQUEST_PSEUDO_FIELDS = frozenset((":method", ":scheme", ":path", ":authority"))
_CONNECTION_FIELDS = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade")
)
_CONTENT_LENGTH_DIGITS_MAX = 18
_SHARED_HEADER_BYTES = 1_024
"""Lists up to this size are not counted against what a connection may make us hold."""


class Refusal(NamedTuple):
    """The answer to a request that does not reach a method."""

    http_status: int
    code: Code
    text: str


class RequestHead:
    """The meaning of one header list."""

    __slots__ = (
        "content_length",
        "encoding",
        "held_bytes",
        "is_malformed",
        "metadata",
        "method",
        "path",
        "refusal",
        "timeout_ms",
        "unary",
    )

    def __init__(self) -> None:
        self.path = ""
        self.method: Method | None = None
        self.unary: UnaryHandler | None = None
        """The handler of a unary method, when nothing about the request asks for a second look."""
        self.metadata: dict[str, str] = {}
        """The fields by name; the first one counts."""
        self.timeout_ms: int | None = None
        self.encoding = ENCODINGS[0]
        """How messages with the compressed flag are compressed."""
        self.content_length: int | None = None
        self.is_malformed = False
        self.refusal: Refusal | None = None
        self.held_bytes = 0
        """What a call with this head counts against `WireConfig.held_bytes_max`."""


def is_valid_list(fields: list[Field], pseudo_fields: frozenset[str]) -> bool:
    """Says whether a header list obeys RFC 9113 sections 8.2 and 8.3."""
    seen: set[str] = set()
    for field in fields:
        name = field.name
        if name.startswith(":"):
            # Section 8.3: known, once, and before all others ("" stands for the first of those).
            if name not in pseudo_fields or name in seen or "" in seen:
                return False
            seen.add(name)
        else:
            seen.add("")
            if not _NAME(name) or name in _CONNECTION_FIELDS:
                return False
            if name == "te" and field.value != "trailers":
                return False
        if _BAD_VALUE(field.value):
            return False
    return True


def interpret_request(fields: list[Field], routes: Routes) -> RequestHead:
    """Returns what a request's header list means."""
    head = RequestHead()
    for field in fields:
        head.metadata.setdefault(field.name, field.value)
    bytes_held = sum([field.size for field in fields])
    head.held_bytes = bytes_held if bytes_held > _SHARED_HEADER_BYTES else 0
    if not is_valid_list(fields, _REQUEST_PSEUDO_FIELDS) or not _read_http(head, fields):
        head.is_malformed = True
        return head
    head.refusal = _read_grpc(head, routes)
    method = head.method
    if (
        head.refusal is None
        and method is not None
        and method.kind is MethodKind.UNARY
        and head.content_length is None
        and not head.held_bytes
    ):
        head.unary = method.handler
    return head


def _read_http(head: RequestHead, fields: list[Field]) -> bool:
    """Reads what HTTP itself says; False when the request is malformed (sections 8.1.1, 8.3.1)."""
    metadata = head.metadata
    head.path = metadata.get(":path", "")
    if metadata.get(":method") != "CONNECT" and not (
        ":method" in metadata and ":scheme" in metadata and head.path
    ):
        return False
    lengths = {field.value for field in fields if field.name == "content-length"}
    if lengths:
        length = lengths.pop()
        if lengths or not length.isdecimal() or len(length) > _CONTENT_LENGTH_DIGITS_MAX:
            return False
        head.content_length = int(length)
    return True


def _read_grpc(head: RequestHead, routes: Routes) -> Refusal | None:
    """Reads what gRPC says; returns the answer to a request that no method gets to see."""
    metadata = head.metadata
    content_type = metadata.get("content-type", "")
    if content_type != CONTENT_TYPE and not content_type.startswith(
        (CONTENT_TYPE + "+", CONTENT_TYPE + ";")
    ):
        text = f"invalid gRPC request content-type {go_quote(content_type)}"
        return Refusal(415, Code.INVALID_ARGUMENT, text)
    timeout = metadata.get("grpc-timeout")
    if timeout is not None:
        try:
            head.timeout_ms = parse_timeout(timeout)
        except ValueError as error:
            return refuse_timeout(error)
    if metadata[":method"] != "POST":
        method = go_quote(metadata[":method"])
        text = f"Received a HEADERS frame with :method {method} which should be POST"
        return Refusal(405, Code.INTERNAL, text)
    head.method = routes.get(head.path)
    if head.method is None:
        return Refusal(200, Code.UNIMPLEMENTED, describe_unknown(routes, head.path))
    head.encoding = metadata.get("grpc-encoding", head.encoding)
    if head.encoding not in ENCODINGS:
        text = f"grpc: Decompressor is not installed for grpc-encoding {go_quote(head.encoding)}"
        return Refusal(200, Code.UNIMPLEMENTED, text)
    return EXPIRED if head.timeout_ms == 0 else None


def refuse_timeout(error: ValueError) -> Refusal:
    """Returns the answer to a `grpc-timeout` that can't be read."""
    return Refusal(400, Code.INTERNAL, f"malformed grpc-timeout: {error}")


def refused_head(refusal: Refusal) -> RequestHead:
    """Returns the head of a single call that is refused for its own deadline."""
    head = RequestHead()
    head.refusal = refusal
    return head


EXPIRED = Refusal(200, Code.DEADLINE_EXCEEDED, DEADLINE_TEXT)
"""The answer to a call that has no time at all."""
