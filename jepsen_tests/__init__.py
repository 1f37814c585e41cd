"""The consistency test harness: the production code under a virtual clock, one seed and many faults."""
