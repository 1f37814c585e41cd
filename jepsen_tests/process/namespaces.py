"""Opens sockets inside other network namespaces (setns(2), which Python has only from 3.12 on)."""

import ctypes
import os
import socket
import threading

_CLONE_NEWNET = 0x4000_0000


def socket_in(namespace: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that belongs to a network namespace for good; this process stays where it is.

    Raises:
        OSError: There is no such namespace, or entering it is not allowed.
    """
    opened: list[socket.socket] = []
    failures: list[OSError] = []

    def open_there() -> None:
        try:
            opened.append(_socket_in(namespace, family, kind, protocol))
        except OSError as error:
            failures.append(error)

    # A thread of its own enters the namespace, and ends there.
    thread = threading.Thread(target=open_there)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return opened[0]


def _socket_in(namespace: str, family: int, kind: int, protocol: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(handle, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"entering {namespace}: {os.strerror(number)}")
        return socket.socket(family, kind, protocol)
    finally:
        os.close(handle)
