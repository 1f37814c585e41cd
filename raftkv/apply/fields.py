"""Fields of etcd's responses as bytes: what every verb puts its answer together from.

An answer is the response message without its header, which is field 1 and put before it by the
service.
"""

from raftkv.mvcc.record import delimited, varint

_HEADER = b"\x0a"
_REVISION = b"\x18"
EMPTY_HEADER = b"\x0a\x00"
"""The header inside a nested transaction's response: there, and empty, as etcd's is."""


def header(revision: int) -> bytes:
    """The header inside a transaction's response: it has nothing but a revision."""
    return delimited(_HEADER, _REVISION + varint(revision))


def number(tag: bytes, value: int) -> bytes:
    """An integer field; nothing at all if it is 0."""
    return tag + varint(value) if value else b""
