"""What a member may call itself: peer and client URLs, by etcd's rules."""

from collections.abc import Iterable
from urllib.parse import urlsplit

_WITH_ADDRESS = frozenset(("http", "https"))
_WITH_PATH = frozenset(("unix", "unixs"))


def parse_urls(texts: Iterable[str]) -> tuple[str, ...] | None:
    """The URLs, without spaces around them and in order; None if one is bad or there is none."""
    urls = sorted(text.strip() for text in texts)
    return tuple(urls) if urls and all(map(_is_good, urls)) else None


def _is_good(url: str) -> bool:
    """Whether it is http or https with host and port and no path, or a unix socket."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None
    except ValueError:
        return False
    if parts.scheme in _WITH_PATH:
        return True
    return parts.scheme in _WITH_ADDRESS and has_port and not parts.path
