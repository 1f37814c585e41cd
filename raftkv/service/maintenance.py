"""etcdserverpb.Maintenance: status, hashes, alarms, handing over leadership.

Defragment answers at once: the store reuses the space of what is deleted by itself. Snapshot and
Downgrade are not supported; their refusals say so.
"""

from functools import partial

from raftkv.command.types import CommandKind, Failure
from raftkv.config import ETCD_VERSION
from raftkv.histogram import Histogram, doubling
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.answers import Answers
from raftkv.service.hash_kv import KeyValueHash
from raftkv.service.header import Headers
from raftkv.service.ports import Call, Host, Node
from raftkv.service.status import STATUS, UNKNOWN_ALARM, fail

STORAGE_VERSION = ".".join((*ETCD_VERSION.split(".")[:2], "0"))
_ALARM_NAMES = {int(number): name for name, number in pb.AlarmType.items()}
_HASH_MASK = 0xFFFFFFFF
_HASH_SECONDS_BOUNDS = doubling(0.01, 15)


class MaintenanceService:
    """The maintenance service of one member; `quota_bytes` is what Status shows."""

    def __init__(self, node: Node, host: Host, headers: Headers, quota_bytes: int) -> None:
        self._node = node
        self._host = host
        self._headers = headers
        self._answer = Answers(headers).answer
        self._quota_bytes = quota_bytes
        self.hash_seconds = Histogram(_HASH_SECONDS_BOUNDS)
        """How long Hash took."""
        self.hash_rev_seconds = Histogram(_HASH_SECONDS_BOUNDS)
        """How long HashKV took, with what went on between its slices."""

    def status(self, call: Call, message: bytes) -> None:
        """Status: this member as it sees itself."""
        pb.StatusRequest.FromString(message)
        now = self._node.status
        state = self._node.state
        errors = [] if now.leader else [STATUS[Failure.NO_LEADER].text]
        errors += [alarm_text(*alarm) for alarm in state.alarms.active()]
        body = pb.StatusResponse(
            version=ETCD_VERSION,
            dbSize=self._host.disk_bytes(),
            leader=now.leader,
            raftIndex=now.commit_index,
            raftTerm=now.term,
            raftAppliedIndex=now.applied_index,
            errors=errors,
            dbSizeInUse=state.store.row_bytes,
            isLearner=now.is_learner,
            storageVersion=STORAGE_VERSION,
            dbSizeQuota=self._quota_bytes,
            downgradeInfo=pb.DowngradeInfo(),
        )
        self._reply(call, body.SerializeToString())

    def hash(self, call: Call, message: bytes) -> None:
        """Hash: chained over all that was ever applied; equal members have equal hashes."""
        pb.HashRequest.FromString(message)
        started = self._host.seconds()
        body = pb.HashResponse(hash=self._node.state.rolling_hash & _HASH_MASK)
        self.hash_seconds.observe(self._host.seconds() - started)
        self._reply(call, body.SerializeToString())

    def hash_kv(self, call: Call, message: bytes) -> None:
        """HashKV: the rows up to a revision (0: the newest)."""
        wanted = pb.HashKVRequest.FromString(message).revision
        store = self._node.state.store
        if 0 < wanted < store.compact_revision:
            fail(call, Failure.COMPACTED)
        elif wanted > store.revision:
            fail(call, Failure.FUTURE_REVISION)
        else:
            work = KeyValueHash(store, wanted if wanted > 0 else store.revision)
            self._hash_slice(call, work, self._host.seconds())

    def _hash_slice(self, call: Call, work: KeyValueHash, started: float) -> None:
        if not work.is_readable or work.store is not self._node.state.store:
            fail(call, Failure.COMPACTED)
            return
        if work.step():
            self._host.defer(partial(self._hash_slice, call, work, started))
            return
        self.hash_rev_seconds.observe(self._host.seconds() - started)
        body = pb.HashKVResponse(
            hash=work.hash,
            compact_revision=max(work.compact_revision, 0),
            hash_revision=work.revision,
        )
        self._reply(call, body.SerializeToString())

    def alarm(self, call: Call, message: bytes) -> None:
        """Alarm: lists, raises or lowers alarms; all through the log, as on etcd."""
        if pb.AlarmRequest.FromString(message).alarm not in _ALARM_NAMES:
            fail(call, UNKNOWN_ALARM)
            return
        self._node.propose(CommandKind.ALARM, message, partial(self._answer, call))

    def move_leader(self, call: Call, message: bytes) -> None:
        """MoveLeader: only the leader can, and only to a voter."""
        target = pb.MoveLeaderRequest.FromString(message).targetID
        now = self._node.status
        if not now.is_leader:
            fail(call, Failure.NOT_LEADER)
        elif target not in self._node.raft.membership.voters:
            fail(call, Failure.BAD_LEADER_TRANSFEREE)
        else:
            self._node.transfer_leadership(target, partial(self._on_moved, call))

    @staticmethod
    def _on_moved(call: Call, failure: Failure | None) -> None:
        # As on etcd, this response and that of Defragment have no header.
        if failure is None:
            call.reply(b"")
        else:
            fail(call, failure)

    @staticmethod
    def defragment(call: Call, message: bytes) -> None:
        """Defragment: there is nothing to do."""
        pb.DefragmentRequest.FromString(message)
        call.reply(b"")

    def _reply(self, call: Call, body: bytes) -> None:
        call.reply(self._headers.field(self._node.state.store.revision) + body)


def alarm_text(member_id: int, kind: int) -> str:
    """An alarm as a status words it: etcdserverpb.AlarmMember in protobuf's text form."""
    return f"memberID:{member_id} alarm:{alarm_name(kind)} "


def alarm_name(kind: int) -> str:
    """The name of a kind of alarm."""
    return _ALARM_NAMES[kind]
