"""All bugs that can be planted."""

from jepsen_tests.planted.in_node import NODE_BUGS
from jepsen_tests.planted.in_raft import RAFT_BUGS

BUGS = (*RAFT_BUGS, *NODE_BUGS)
