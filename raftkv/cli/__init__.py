"""The `raftkv` command: `serve` (one member) and `cluster` (a local cluster of them).

Reads flags, environment and files, and hands data down. Nothing here knows what a member does.
"""
