"""The ids of members and clusters, computed as etcd computes them.

All first members of a cluster derive the same ids from the same configuration, without asking each
other.
"""

from collections.abc import Iterable
from hashlib import sha1


def member_id(peer_urls: Iterable[str], cluster_token: str, unix_seconds: int | None = None) -> int:
    """A member's id, from its peer URLs and the token of its cluster.

    `unix_seconds` is given for a member that joins a running cluster, so that a URL which was used
    before leads to a new id.
    """
    text = "".join(sorted(peer_urls)) + cluster_token
    if unix_seconds is not None:
        text += str(unix_seconds)
    return _first_number(text.encode())


def cluster_id(member_ids: Iterable[int]) -> int:
    """A cluster's id, from the ids of its first members."""
    return _first_number(b"".join(number.to_bytes(8, "big") for number in sorted(member_ids)))


def _first_number(data: bytes) -> int:
    return int.from_bytes(sha1(data, usedforsecurity=False).digest()[:8], "big")
