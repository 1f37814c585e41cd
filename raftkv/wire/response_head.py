"""What the header list of a response or its trailers means to a client; shared by its calls."""

from typing import Final

from raftkv.wire.message import CONTENT_TYPE, ENCODINGS, unquote
from raftkv.wire.request_head import is_valid_list
from raftkv.wire.static_table import Field
from raftkv.wire.status import Code, code_of_http_status

_RESPONSE_PSEUDO_FIELDS: Final = frozenset((":status",))


class ResponseHead:
    """The meaning of one header list: response headers, trailers, or both in one."""

    __slots__ = (
        "code",
        "encoding",
        "is_informational",
        "is_malformed",
        "is_plain_headers",
        "is_plain_trailers",
        "metadata",
        "text",
    )

    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        """The fields by name; the first one counts."""
        self.code: int | None = None
        """How the call ended, if this says so."""
        self.text = ""
        self.encoding = ENCODINGS[0]
        self.is_informational = False
        """Status 1xx: the real headers follow (RFC 9113, section 8.1)."""
        self.is_malformed = False
        self.is_plain_headers = False
        """Headers of a response that goes on, not compressed."""
        self.is_plain_trailers = False
        """Trailers with status OK and nothing else of note."""


def interpret_response(fields: list[Field]) -> ResponseHead:
    """Returns what a response's header list means."""
    head = ResponseHead()
    for field in fields:
        head.metadata.setdefault(field.name, field.value)
    metadata = head.metadata
    http_status = metadata.get(":status")
    if not is_valid_list(fields, _RESPONSE_PSEUDO_FIELDS):
        head.is_malformed = True
        return head
    head.encoding = metadata.get("grpc-encoding", head.encoding)
    head.is_informational = http_status is not None and http_status.startswith("1")
    grpc_status = metadata.get("grpc-status")
    if grpc_status is not None:
        head.code = int(grpc_status) if grpc_status.isdecimal() else Code.UNKNOWN
        head.text = unquote(metadata.get("grpc-message", ""))
    elif http_status is not None and not head.is_informational:
        _judge_without_status(head, http_status)
    head.is_plain_headers = http_status == "200" and head.code is None
    head.is_plain_trailers = http_status is None and head.code == Code.OK
    return head


def _judge_without_status(head: ResponseHead, http_status: str) -> None:
    """Finds out whether the answer comes from something that does not speak gRPC."""
    if http_status != "200":
        head.code = code_of_http_status(int(http_status) if http_status.isdecimal() else 0)
        head.text = f"unexpected HTTP status code received from server: {http_status}"
    elif not head.metadata.get("content-type", "").startswith(CONTENT_TYPE):
        head.code = Code.UNKNOWN
        head.text = "the server's answer is not gRPC"
