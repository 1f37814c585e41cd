"""Messages between members over TCP: framed, bounded, dropped when a peer can't take them."""

from raftkv.transport.joining import fetch_cluster_info
from raftkv.transport.network import TcpTransport

__all__ = ["TcpTransport", "fetch_cluster_info"]
