"""Messages between members over TCP or TLS: sends without waiting, and may lose what it sends.

Every member dials every other, so two connections join two members and each carries messages one
way. `peer` is the outgoing one, `listener` takes the incoming ones, `network` is the port the loop
sees. What a connection says is in `raftkv/peer`; here are only sockets, time and bounds.
"""

from raftkv.transport.cluster_info import ClusterInfoError, fetch_cluster_info
from raftkv.transport.network import TcpTransport
from raftkv.transport.settings import TransportHooks, TransportSettings

__all__ = [
    "ClusterInfoError",
    "TcpTransport",
    "TransportHooks",
    "TransportSettings",
    "fetch_cluster_info",
]
