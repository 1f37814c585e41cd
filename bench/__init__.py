"""Side-by-side measurements of etcd and raftkv, over the wire."""
