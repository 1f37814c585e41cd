"""Bugs that simulation has found, each as the smallest scenario that showed it."""
