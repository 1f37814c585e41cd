"""A shim between a member and its disk: it can lose what was not synced, fail, and be slow.

`shim.c` is loaded into the member (LD_PRELOAD) and keeps journals of what is not durable;
`power_loss` takes that back after the member was killed; `control` makes the disk fail while it
runs. A program that does not call the C library for its writes, as Go's do not, can't be tested so.
"""
