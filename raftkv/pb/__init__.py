"""etcd's messages: our .proto files and the code that `generate.py` makes from them.

The generated modules live in a descriptor pool of their own (`pool.py`), so that a process may hold
another package that also registers etcd's message names.
"""
