"""Consensus: a deterministic function of (state, event).

No clock, randomness, socket, thread or file. Start reading at `core.py`.
"""
