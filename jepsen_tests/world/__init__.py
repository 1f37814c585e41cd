"""One definition, two worlds: what workloads may ask of a world (`ports.py`), and what runs them.

A workload is made of coroutines that await only what the ports give them. `virtual.py` drives them
in virtual time, from one seed; over real processes asyncio does.
"""
