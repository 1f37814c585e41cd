"""HTTP/2 (RFC 9113), HPACK (RFC 7541) and gRPC framing, without I/O; server and client role.

A connection is given the bytes that arrived (`receive`), the time (`tick`) and the loss of its
socket (`connection_lost`); it calls handlers and callbacks synchronously and collects what is to be
written (`take_output`, announced by `on_output`). It knows bytes and methods by path, not keys.

The way of a call: `server.parse` finds the frames, `header_cache` the meaning of their headers,
`server_call.UnaryCall` carries the request to a handler of the route table and the answer back.
What is not on that way: `connection` (ends, time), `data_frames`, `header_frames`, `control_frames`
(one function a frame), `flow` (windows, queues), `flood` and `keepalive` (what is too much),
`hpack_*`, `huffman`, `static_table` (header compression), `message` (gRPC's framing).

Every bound is a field of `WireConfig`.
"""

from raftkv.wire.client import ClientConnection
from raftkv.wire.client_call import ClientCall, ClientStream
from raftkv.wire.frames import ALPN_PROTOCOL, PREFACE
from raftkv.wire.routes import Method, MethodKind, Routes
from raftkv.wire.server import ServerConnection
from raftkv.wire.server_call import ServerStream, UnaryCall
from raftkv.wire.status import Code

__all__ = [
    "ALPN_PROTOCOL",
    "PREFACE",
    "ClientCall",
    "ClientConnection",
    "ClientStream",
    "Code",
    "Method",
    "MethodKind",
    "Routes",
    "ServerConnection",
    "ServerStream",
    "UnaryCall",
]
