"""Simulation: clock, network and disk are ours; everything between them is the production code.

One seed decides everything that happens, so a run that fails can be run again, event by event.
"""
