"""Readers of histories that were recorded elsewhere, one format a file."""
