"""Real clusters with real trouble: members in network namespaces, for our store and for etcd.

Each cluster has a private network (`subnets`, `network`): a bridge, and a namespace for each
member. The network's trouble is data (`links`) that becomes rules of the members' packet filters
(`rules`); what no filter can do, a delay, is done to the packets themselves (`delays`). Members are
processes (`members`) of one kind of server (`servers/`), and every kind of fault is a nemesis of
its own (`nemeses/`), which says why when this machine can't do it. `cluster` puts all of it
together into what the world's ports ask of a cluster.
"""
