"""One member as a process: the only place that knows disk, sockets, clock and node at once."""

from raftkv.member.errors import StartupError
from raftkv.member.serve import serve

__all__ = ["StartupError", "serve"]
