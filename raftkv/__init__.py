"""A Raft-replicated key-value store that is etcd to its clients.

The packages, from the bottom up: `wire` (HTTP/2 and gRPC), `raft` (consensus), `command`, `mvcc`,
`lease`, `watch`, `cluster`, `apply` (the replicated state machine), `storage` (LMDB), `peer` and
`transport` (members among themselves), `node` (the loop), `service` and `gateway` (what clients
see), `member` (the wiring).
"""
