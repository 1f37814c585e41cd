"""The nemeses: each makes one kind of trouble, and ends it; `table` says which makes which.

`why_not(cluster)` is the reason why this machine, or this kind of server, can't have the fault;
empty when it can. `inflict(cluster, fault, chance)` makes it, and returns how it is ended.
"""
