"""Peer URLs as addresses."""

from urllib.parse import urlsplit


def parse_peer_url(url: str) -> tuple[str, int]:
    """(host, port) of `http://host:port`; an empty host means every address.

    Raises:
        ValueError: It is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.port is None or parts.path not in {"", "/"}:
        raise ValueError(f"{url}: a peer URL looks like http://host:port")
    return parts.hostname or "", parts.port
