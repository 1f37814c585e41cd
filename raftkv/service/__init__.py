"""etcd's v3 services: check the request, ask the node, answer. Knows no socket and no loop.

Start at `routes.py`: it says which function answers which path. What the services need of the world
below is in `ports.py`, the exact error texts are in `status.py`, the rules for requests in
`validate.py`.
"""
