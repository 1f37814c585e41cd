"""etcd's strict check of membership changes, as far as the members table can tell.

A member counts as started once it has told its name. A change is refused when fewer than a quorum
of the members after it would have started. Whether they are reachable now, only the leader judges,
in the node.
"""

from collections.abc import Iterable

from raftkv.cluster.members import Member


def may_add_voter(members: Iterable[Member]) -> bool:
    """Whether a voter may be added; it counts as not started."""
    voters = [member for member in members if not member.is_learner]
    started = _started(voters)
    # One member may always get a second one, or a lost cluster could never be rebuilt from one.
    return (started == 1 and len(voters) == 1) or started >= _quorum(len(voters) + 1)


def may_remove(members: Iterable[Member], member_id: int) -> bool:
    """Whether a member may be removed; learners always may."""
    rest = []
    for member in members:
        if member.id == member_id and member.is_learner:
            return True
        if member.id != member_id and not member.is_learner:
            rest.append(member)
    return _started(rest) >= _quorum(len(rest))


def may_promote(members: Iterable[Member]) -> bool:
    """Whether a learner may become a voter; it counts as started."""
    voters = [member for member in members if not member.is_learner]
    return _started(voters) + 1 >= _quorum(len(voters) + 1)


def _started(members: Iterable[Member]) -> int:
    return sum(member.has_started for member in members)


def _quorum(members: int) -> int:
    return members // 2 + 1
