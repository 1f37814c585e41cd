"""Watches: who is told of a change.

`hub.py` is what others call. A watch that is up to date sits in an index (`index.py`) and belongs
to an audience of watches that want the same (`watcher.py`); a change is encoded once for an
audience and a batch joined once (`delivery.py`, `response.py`), so that a watcher more costs one
small join and one send. A watch that starts in the past, or whose client was too slow, reads
history in bounded slices together with others (`history.py`) until it is up to date. Ranges are
found through `range_index.py` over `interval_tree.py`.

This package knows neither sockets nor clocks nor protobuf classes, and keeps at most a bounded
number of bytes for a client that does not read. Its semantics are etcd's
(`server/storage/mvcc/watchable_store.go` and `server/etcdserver/api/v3rpc/watch.go` of version
3.6).
"""
