"""Whether the addresses to listen on are free, before a start changes anything."""

import socket
from urllib.parse import urlsplit

from raftkv.config import MemberConfig
from raftkv.member.errors import StartupError


def check_addresses(config: MemberConfig) -> None:
    """Binds every address for a moment.

    Raises:
        StartupError: One of them can't be bound.
    """
    urls = {
        "--listen-peer-urls": config.listen_peer_urls,
        "--listen-client-urls": config.listen_client_urls,
        "--listen-client-http-urls": config.listen_client_http_urls,
        "--listen-metrics-urls": config.listen_metrics_urls,
    }
    for flag, given in urls.items():
        for url in given:
            try:
                _bind(url)
            except OSError as error:
                reason = error.strerror or str(error)
                raise StartupError(
                    f"{flag} {url}: {reason.lower()}; stop what uses it, or choose another"
                ) from error


def _bind(url: str) -> None:
    parts = urlsplit(url)
    found = socket.getaddrinfo(
        parts.hostname, parts.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
