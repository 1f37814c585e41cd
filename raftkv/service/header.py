"""The header field of responses, as bytes.

Every response starts with it, so it is put together from cached pieces: what is left for each call
is one comparison of the term and one table look-up for the low bits of the revision.
"""

from raftkv.mvcc.record import varint
from raftkv.service.ports import Consensus

_HEADER = b"\x0a"
_CLUSTER_ID, _MEMBER_ID, _REVISION, _RAFT_TERM = b"\x08", b"\x10", b"\x18", b"\x20"
_LOW_BITS = 7
_LOW_MASK = (1 << _LOW_BITS) - 1
_LOW_WITH_MORE = tuple(bytes([low | 0x80]) for low in range(1 << _LOW_BITS))
"""The first byte of a varint of several bytes, by its seven low bits."""


class Headers:
    """Makes this member's response headers."""

    def __init__(self, cluster_id: int, member_id: int, raft: Consensus) -> None:
        self._ids = _CLUSTER_ID + varint(cluster_id) + _MEMBER_ID + varint(member_id)
        self._raft = raft
        self._term = -1
        self._high = -1
        self._head = b""
        self._tail = b""

    def field(self, revision: int) -> bytes:
        """Field 1 of any response: a ResponseHeader with this revision (0: without one)."""
        if revision >> _LOW_BITS != self._high or self._raft.term != self._term:
            if revision <= _LOW_MASK:
                return self._small(revision)
            self._remember(revision >> _LOW_BITS)
        return self._head + _LOW_WITH_MORE[revision & _LOW_MASK] + self._tail

    def _remember(self, high: int) -> None:
        """Prepares what is common to the 128 revisions with these high bits."""
        self._high = high
        self._term = self._raft.term
        self._tail = varint(high) + self._term_field(self._term)
        size = len(self._ids) + len(_REVISION) + 1 + len(self._tail)
        self._head = _HEADER + varint(size) + self._ids + _REVISION

    def _small(self, revision: int) -> bytes:
        """A header whose revision is one byte or missing."""
        content = self._ids + (_REVISION + varint(revision) if revision else b"")
        content += self._term_field(self._raft.term)
        return _HEADER + varint(len(content)) + content

    @staticmethod
    def _term_field(term: int) -> bytes:
        return _RAFT_TERM + varint(term) if term else b""
