"""Real clusters with real trouble: members in network namespaces, for our store and for etcd.

Each cluster has a private network (`subnets`, `network`): a bridge, and a namespace for each
member. What is wrong with a network (`world/links`) becomes rules of the members' packet filters
(`rules`); what no filter can do, a delay, is done to the packets themselves (`delays`). Members are
processes (`members`) of one kind of server (`servers/`), started with what the faults to come need
of them (`equipment`: small disks, `storage_shim/`, `clock_shim/`). Every kind of fault is a nemesis
of its own (`nemeses/`), which says why when this machine, or this server, can't have it. `cluster`
puts that together, `under_test` shows it through the ports of all worlds, `schedule` draws a plan,
and `run` carries it out. Whatever a harness that died left behind, `leftovers` removes.
"""
