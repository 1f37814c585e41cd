"""Addresses as URLs, and the options of a socket between members."""

import socket
import ssl
import struct
from typing import NamedTuple
from urllib.parse import urlsplit

from raftkv.config import TransportConfig

_KEEPALIVE_PROBES = 3
_TCP_INFO_RTT = struct.Struct("=I")
_TCP_INFO_RTT_OFFSET = 68
"""In Linux' struct tcp_info: eight bytes, then fifteen counters of four."""


class Address(NamedTuple):
    """Where a peer URL points."""

    host: str
    port: int
    secure: bool


def parse_url(url: str) -> Address:
    """The address of `http://HOST:PORT` or `https://HOST:PORT`; ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port is None:
        raise ValueError(f"{url!r} is not http://HOST:PORT or https://HOST:PORT")
    return Address(parts.hostname, parts.port, parts.scheme == "https")


def context_for(address: Address, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The TLS context that an address needs; ValueError when it needs one and there is none."""
    if not address.secure:
        return None
    if context is None:
        raise ValueError(f"https://{address.host}:{address.port} needs a certificate")
    return context


def tune(connection: socket.socket, config: TransportConfig) -> None:
    """Lets the kernel find out soon that the other side is gone.

    After a partition TCP waits longer and longer before it tries again, up to minutes. A connection
    that is closed instead is dialed again within `reconnect_milliseconds_max`.
    """
    silence = config.silence_milliseconds_max
    probe_seconds = max(silence // 1_000 // _KEEPALIVE_PROBES, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, probe_seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, probe_seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, silence)


def round_trip_seconds(connection: socket.socket) -> float:
    """The kernel's smoothed round-trip time."""
    size = _TCP_INFO_RTT_OFFSET + _TCP_INFO_RTT.size
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
    (microseconds,) = _TCP_INFO_RTT.unpack_from(info, _TCP_INFO_RTT_OFFSET)
    return float(microseconds) / 1e6
