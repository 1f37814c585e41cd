"""A shim between a member and its clocks: their rate, and the wall clock's error.

`shim.c` is loaded into the member (LD_PRELOAD); `control` says how wrong the clocks are. Unlike
libfaketime it changes the rate without a jump of the monotonic clock, which real ones never make.
"""
