"""The faults of a plan on simulated members, a kind of harm a file."""
