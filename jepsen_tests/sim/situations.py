"""Situations worth having been in: looked for when a fault is made, and told in the history.

A run in which nothing of the kind happened says little ("sometimes" assertions, as Antithesis has
them). Each is told with the time at which it was met.
"""

from collections.abc import Callable, Iterator

from jepsen_tests.sim.cluster import SimCluster
from raftkv.node.node import Node


def situations(cluster: SimCluster) -> list[str]:
    """Those that hold now."""
    return [name for name, holds in _SITUATIONS.items() if holds(cluster)]


def _nodes(cluster: SimCluster) -> Iterator[Node]:
    return (place.node for place in cluster.running() if place.node is not None)


def _leaders(cluster: SimCluster) -> list[Node]:
    return [node for node in _nodes(cluster) if node.raft.leader == node.raft.member_id]


def _two_lead(cluster: SimCluster) -> bool:
    return len(_leaders(cluster)) > 1


def _nobody_leads(cluster: SimCluster) -> bool:
    return not _leaders(cluster)


def _has_uncommitted(cluster: SimCluster) -> bool:
    leader = cluster.leader()
    return leader is not None and leader.raft.last_index > leader.raft.commit


def _is_alone_with_uncommitted(cluster: SimCluster) -> bool:
    """A leader that nobody hears has entries that are not committed."""
    cut = cluster.network.cut
    for leader in _leaders(cluster):
        me = leader.raft.member_id
        others = leader.raft.membership.voters - {me}
        if leader.raft.last_index > leader.raft.commit and all((me, o) in cut for o in others):
            return bool(others)
    return False


def _is_joint(cluster: SimCluster) -> bool:
    return any(node.raft.membership.voters_outgoing for node in _nodes(cluster))


def _has_learner(cluster: SimCluster) -> bool:
    return any(node.raft.membership.learners for node in _nodes(cluster))


def _needs_snapshot(cluster: SimCluster) -> bool:
    leader = cluster.leader()
    if leader is None:
        return False
    return any(node.raft.last_index + 1 < leader.raft.first_index for node in _nodes(cluster))


def _terms_differ(cluster: SimCluster) -> bool:
    return len({node.raft.term for node in _nodes(cluster)}) > 2


def _has_two_logs(cluster: SimCluster) -> bool:
    """A member has entries that the leader has not."""
    leader = cluster.leader()
    if leader is None:
        return False
    return any(node.raft.last_index > leader.raft.last_index for node in _nodes(cluster))


_SITUATIONS: dict[str, Callable[[SimCluster], bool]] = {
    "two members lead, in two terms": _two_lead,
    "nobody leads": _nobody_leads,
    "the leader has entries that are not committed": _has_uncommitted,
    "a leader is isolated with entries that are not committed": _is_alone_with_uncommitted,
    "a change of membership is under way": _is_joint,
    "there is a learner": _has_learner,
    "a member is so far behind that it needs a snapshot": _needs_snapshot,
    "members are in more than two terms": _terms_differ,
    "a member has a longer log than the leader": _has_two_logs,
}
