"""The client port: sockets, the choice between HTTP/2 (gRPC) and HTTP/1.1, and the latter.

`listener.py` owns the sockets, `http1.py` the HTTP/1.1 protocol, `pages.py` says which path answers
what, `checks.py` decides about health, `metrics.py` and `figures.py` make the metrics page.
"""
