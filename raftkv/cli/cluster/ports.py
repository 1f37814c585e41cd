"""Which ports a local cluster takes, whether they are free, and who has them otherwise."""

import random
import socket
from pathlib import Path

from raftkv.cli.cluster.layout import HOST, ClusterError, Member

CLIENT_PORT = 2379
PEER_PORT = 12380
PORTS_BETWEEN_MEMBERS = 10_000
"""etcd's own example cluster: clients at 2379, 22379, 32379, peers at 12380, 22380, 32380."""
MEMBERS_MAX = 6
"""So many members fit between the usual ports and the largest one."""
FREE_PORTS = range(20_000, 32_000)
"""Below the range from which Linux takes ports for outgoing connections."""


def usual_ports(members: int) -> list[tuple[int, int]]:
    """The fixed (client port, peer port) pairs that scripts and people expect.

    Raises:
        ClusterError: There are no such ports for so many members.
    """
    if members > MEMBERS_MAX:
        raise ClusterError(
            f"the usual ports are enough for {MEMBERS_MAX} members; choose others with"
            " --base-port or --free-ports"
        )
    pairs = [(CLIENT_PORT, PEER_PORT)]
    for number in range(1, members):
        step = PORTS_BETWEEN_MEMBERS * number
        pairs.append((CLIENT_PORT + PORTS_BETWEEN_MEMBERS + step, PEER_PORT + step))
    return pairs


def ports_from(base: int, members: int) -> list[tuple[int, int]]:
    """Neighbouring pairs: base and base + 1 for the first member, and so on."""
    return [(base + 2 * number, base + 2 * number + 1) for number in range(members)]


def free_ports(members: int) -> list[tuple[int, int]]:
    """Pairs of ports that nobody listens on now.

    Raises:
        ClusterError: There are none.
    """
    candidates = iter(random.sample(FREE_PORTS, len(FREE_PORTS)))
    free = [next(port for port in candidates if is_free(port)) for _ in range(2 * members)]
    return list(zip(free[::2], free[1::2], strict=True))


def is_free(port: int) -> bool:
    """Whether a member could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def check_free(members: list[Member]) -> None:
    """Makes sure that these members can listen.

    Raises:
        ClusterError: A port is taken; says by whom, and what to do.
    """
    for member in members:
        for port, use in ((member.client_port, "clients"), (member.peer_port, "peers")):
            if not is_free(port):
                raise ClusterError(
                    f"port {port} ({member.name}'s for {use}) is in use{_by_whom(port)};"
                    " stop that, or choose other ports with --base-port or --free-ports"
                )


def _by_whom(port: int) -> str:
    """The process that listens on a port, as far as we may know it."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if handle.readlink().name in sockets:
                process = handle.parents[1]
                name = (process / "comm").read_text().strip()
                return f" by process {process.name} ({name})"
        except OSError:
            continue  # It was closed, or belongs to someone else.
    return ""


def _listening_inodes(port: int) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
        except OSError:
            continue
        listening = "0A"
        inodes |= {
            row[9] for row in rows if row[3] == listening and row[1].endswith(f":{port:04X}")
        }
    return inodes
