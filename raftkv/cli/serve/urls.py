"""URLs of members: what etcd accepts as an address to listen on, and as one to tell others."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from raftkv.cli.serve.settings import FlagError, Settings


def listen_urls(settings: Settings, name: str) -> tuple[str, ...]:
    """The URLs to listen on; each names an IP address or localhost, as etcd asks for it."""
    urls = _urls(settings.text(name), settings.origin(name))
    for url in urls:
        host = urlsplit(url).hostname or ""
        if host not in ("", "localhost") and not _is_ip_address(host):
            origin = settings.origin(name)
            raise FlagError(f"{origin}: {url} must name an IP address to listen on, not {host!r}")
    return urls


def advertised_urls(settings: Settings, name: str) -> tuple[str, ...]:
    """The URLs that others are told; each names a host."""
    urls = _urls(settings.text(name), settings.origin(name))
    for url in urls:
        if not urlsplit(url).hostname:
            raise FlagError(f"{settings.origin(name)}: {url} names no host that others could reach")
    if not urls:
        raise FlagError(f"{settings.origin(name)}: must not be empty")
    return urls


def cluster_members(text: str, origin: str) -> tuple[tuple[str, str], ...]:
    """The (name, peer URL) pairs of `a=http://...,b=http://...`; a name may come several times.

    Raises:
        FlagError: A part is no such pair, or two of them have the same URL.
    """
    members = []
    for part in text.split(","):
        name, equals, url = part.strip().partition("=")
        if not (name and equals and url):
            raise FlagError(f"{origin}: {part!r} does not have the form name=http://host:port")
        members.append((name, _checked(url, origin)))
    urls = [url for _, url in members]
    for url in urls:
        if urls.count(url) > 1:
            raise FlagError(f"{origin}: {url} is there twice")
    return tuple(members)


def are_same_addresses(urls: set[str], others: set[str]) -> bool:
    """Whether two sets of URLs lead to the same places, once their host names are looked up."""
    import socket  # only for URLs that differ in their text

    def addresses(of: set[str]) -> set[object]:
        parts = [urlsplit(url) for url in of]
        return {
            address[4][:2]
            for part in parts
            for address in socket.getaddrinfo(part.hostname, part.port, type=socket.SOCK_STREAM)
        }

    try:
        return addresses(urls) == addresses(others)
    except OSError:
        return False


def _urls(text: str, origin: str) -> tuple[str, ...]:
    """The URLs of a list separated by commas."""
    return tuple(_checked(url.strip(), origin) for url in text.split(",") if url.strip())


def _checked(url: str, origin: str) -> str:
    """The URL, when it is one of ours: http, a host, a port and nothing else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FlagError(f"{origin}: {url}: {error}") from error
    if parts.scheme in ("https", "unixs"):
        raise FlagError(f"{origin}: {url} is refused: TLS is not supported yet")
    if parts.scheme == "unix":
        raise FlagError(f"{origin}: {url} is refused: unix sockets are not supported yet")
    if parts.scheme != "http":
        raise FlagError(f"{origin}: {url!r} must start with http://")
    if port is None:
        raise FlagError(f"{origin}: {url} does not end with a port: http://host:port")
    if _has_more(parts):
        raise FlagError(f"{origin}: {url} must contain no path, user or query")
    return url


def _has_more(parts: SplitResult) -> bool:
    """Whether a URL has anything besides scheme, host and port."""
    return bool(parts.path or parts.query or parts.fragment or "@" in parts.netloc)


def _is_ip_address(host: str) -> bool:
    """Whether the host is an address already, IPv6 zones included."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
