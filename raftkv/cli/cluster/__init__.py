"""`raftkv cluster`: a local cluster; its members run in the background, a process each.

A cluster is a directory. `layout` says what is in it and how a member is started; `processes`
finds, starts and signals the members; `ports` finds free ones and who holds the others; `probe`
asks a member how it is, over the wire; `operations` puts these together; `progress` and `table`
show it; `command` reads the words. The members are started with etcd's flags only, so a real etcd
can stand in for ours (`--server etcd`).
"""
