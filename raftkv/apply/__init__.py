"""Committed commands become changes and results; deterministic, one verb a file."""
