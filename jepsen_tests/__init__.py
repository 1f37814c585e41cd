"""The consistency test harness: the production code, a virtual clock, one seed, many faults."""
