"""After the storm: a healed cluster agrees, answers, and has kept every promise."""

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.whole import check_whole
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2

LOG_SLACK_ENTRIES = 100
"""What a log may have beyond the entries at which it is cut."""
PROBE_SECONDS = 2
"""How long a member of a healthy cluster may take to answer."""


class Reckoning:
    """The checks at the end of a run."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self._cluster = cluster
        self._reference = reference
        self._unanswered: dict[tuple[int, str], str] = {}

    def probe(self) -> None:
        """Asks every member of the cluster to write and to read."""
        for place in self._members():
            node, me = place.node, place.member_id
            assert node is not None, "a member of a healed cluster runs"
            put = rpc_pb2.PutRequest(key=b"probe", value=b"%d" % me)
            node.propose(CommandKind.PUT, put.SerializeToString(), self._expect(me, "write"))
            node.read_barrier(self._expect(me, "read"))

    def reckon(self) -> None:
        """Holds every member against the leader, and the leader against the log's meaning."""
        for (member, what), answer in self._unanswered.items():
            raise BrokenPromiseError(f"member {member} of a healed cluster: {what} {answer}")
        leader = self._leader()
        for place in self._members():
            node = place.node
            assert node is not None, "a member of a healed cluster runs"
            if node.applying.index != leader.applying.index:
                raise BrokenPromiseError(
                    f"member {place.member_id} has applied {node.applying.index}, "
                    f"the leader {leader.applying.index}"
                )
            check_whole(place.member_id, node.state, self._reference)
            self._check_tables(place, node)

    def reckon_long_after(self) -> None:
        """When nobody has asked for anything for long: what was begun has ended."""
        for place in self._members():
            assert place.node is not None, "a member of a healed cluster runs"
            self._check_bounds(place, place.node)
        self._check_membership(self._leader())

    def _check_tables(self, place: SimMember, node: Node) -> None:
        theirs, true = node.state, self._reference.state
        if theirs.lessor.ids() != true.lessor.ids() or theirs.members.all() != true.members.all():
            raise BrokenPromiseError(f"member {place.member_id} has other leases or members")

    def _check_bounds(self, place: SimMember, node: Node) -> None:
        """What was begun has ended: compaction, snapshots, requests; the log is short."""
        assert place.storage is not None, "who runs has a disk"
        rows, due = len(place.storage.rows.data), self._reference.plain.kept_rows()
        if rows != due:
            raise BrokenPromiseError(f"member {place.member_id} stores {rows} rows, not {due}")
        entries = node.raft.last_index - node.raft.first_index + 1
        faults = self._cluster.faults
        if entries > faults.snapshot_count_entries + LOG_SLACK_ENTRIES:
            raise BrokenPromiseError(f"the log of member {place.member_id} has {entries} entries")
        if node.sending.under_way or node.proposals.waiting or not node.writes.idle:
            raise BrokenPromiseError(f"member {place.member_id} is not done long after the storm")

    def _check_membership(self, leader: Node) -> None:
        """Consensus and the members table agree on who is there; who caught up votes."""
        membership = leader.raft.membership
        table = {member.id: member.is_learner for member in leader.state.members.all()}
        waiting = {
            member
            for member in membership.learners
            if not table.get(member) and self._cluster.members[member].starts
        }
        voting = {member for member in membership.voters if table.get(member)}
        if table.keys() != membership.members or membership.is_joint or waiting or voting:
            raise BrokenPromiseError(f"the members are {table}, in consensus they are {membership}")

    def _members(self) -> list[SimMember]:
        members = self._leader().raft.membership.members
        places = [self._cluster.members[member] for member in sorted(members)]
        return [place for place in places if place.starts]

    def _leader(self) -> Node:
        leader = self._cluster.leader()
        if leader is None:
            raise BrokenPromiseError("no leader long after the last fault")
        return leader

    def _expect(self, member: int, what: str) -> "Expectation":
        key = (member, what)
        self._unanswered[key] = f"was not answered within {PROBE_SECONDS} s"
        return Expectation(self._unanswered, key)


class Expectation:
    """A probe's callback: a success takes it from the list, a failure is written down."""

    def __init__(self, unanswered: dict[tuple[int, str], str], key: tuple[int, str]) -> None:
        self._unanswered = unanswered
        self._key = key

    def __call__(self, result: Result | None) -> None:
        """Takes the answer."""
        if isinstance(result, Failure):
            self._unanswered[self._key] = f"failed: {result.name}"
        else:
            del self._unanswered[self._key]
