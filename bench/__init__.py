"""Side-by-side measurements of etcd and raftkv, over the wire and nothing but the wire.

    python -m bench            both clusters, every row, three rounds, one table with ratios
    python -m bench --quick    six rows, one round: under a minute
    python -m bench.hops       CPU microseconds an operation, by package
    python -m bench.restart    restart with a million keys, and the longest pause after it
    python -m bench.failover   killed leaders, killed members, and whether a write was lost

Who does what, in the order of imports:

    figures, rows, summary     what to measure, what came out, what was promised; arithmetic
    requests, replies          the bytes of HTTP/2 and gRPC, both ways; no socket
    link, channel              a connection that never blocks; blocking calls on top of it
    workloads/                 what clients send and how they check answers, a workload a file
    tally, load                the closed loop and its clocks: the generator's process
    processes, clusters        what the kernel knows of the members; starting and stopping them
    measure                    one row once: runs a generator, makes figures of its result
    run                        all rounds: which store is awake, what is repeated, what is noted
    table, progress, __main__  what a person sees

How it stays fair. Both stores get the same flags, the same generator, keys and values, and data on
the same file system; who begins changes from round to round; while one cluster is measured the
other stands still. CPU time that other processes used meanwhile is measured too, and a disturbed
run says so. The generator opens wide receive windows, as a client with fixed window sizes does, and
sends no pings of its own; nothing in it knows which store it talks to. An answer counts if its
status is 0 and its content is right, and what was acknowledged is read back in the end.
"""
