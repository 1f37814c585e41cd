"""Reads, through the service that clients speak to: linearizable, serializable, of the past.

What a read is answered is held against the plain store at the revision of the answer's header, and
that revision against what was acknowledged before the read was made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import CLUSTER_ID, SimCluster, SimMember
from jepsen_tests.sim.ledger import GIVEN_UP, Ledger
from jepsen_tests.sim.plain import PlainStore
from jepsen_tests.sim.world import SECOND
from raftkv.command.types import Failure
from raftkv.config import LimitsConfig
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2
from raftkv.service.answers import Answers
from raftkv.service.header import Headers
from raftkv.service.kv import KeyValueService
from raftkv.service.quota import Quota
from raftkv.service.ranges import RangeService
from raftkv.service.status import STATUS

_FAILURES = {status.text: failure for failure, status in STATUS.items()}
_HARMLESS = GIVEN_UP | {Failure.STOPPED}


@dataclass(slots=True)
class _Question:
    """A read under way: the ranges that are asked for, in a transaction if there are several."""

    place: SimMember
    starts: int
    ranges: list[rpc_pb2.RangeRequest]
    is_serializable: bool
    must_see: int
    """The answer's revision is no lower."""
    compact_revision: int = 0
    """That of the member when it answered."""
    answer: bytes = b""
    failure: Failure | None = None


class _Call:
    """The call that a service answers."""

    def __init__(self, on_end: Callable[[bytes, Failure | None], None]) -> None:
        self._on_end = on_end

    def reply(self, message: bytes) -> None:
        self._on_end(message, None)

    def fail(self, code: int, text: str) -> None:
        del code
        self._on_end(b"", _FAILURES[text])

    def metadata(self, name: str) -> str | None:
        del name
        return None


class _Host:
    """The process around a member's services."""

    def __init__(self, cluster: SimCluster, place: SimMember, node: Node) -> None:
        self._cluster = cluster
        self._place = place
        self._node = node

    def defer(self, callback: Callable[[], None]) -> None:
        run = partial(self._cluster.run_in, self._place, self._node, callback)
        self._cluster.world.after(1, run)

    def random_id(self) -> int:
        raise NotImplementedError("reads need no ids")

    def unix_seconds(self) -> int:
        raise NotImplementedError("reads need no time of day")

    def seconds(self) -> float:
        return self._cluster.world.now_us / SECOND

    def disk_bytes(self) -> int:
        raise NotImplementedError("reads don't look at the disk")


class Reads:
    """The reads of a run."""

    def __init__(self, cluster: SimCluster, ledger: Ledger, plain: PlainStore) -> None:
        self.count = 0
        self._cluster = cluster
        self._ledger = ledger
        self._plain = plain
        self._told: list[_Question] = []
        self._services: dict[int, tuple[Node, RangeService, KeyValueService]] = {}
        self._seen: dict[tuple[int, int], int] = {}
        """(member, start) -> the highest revision that it answered a read at."""

    def read(self, place: SimMember, ranges: list[rpc_pb2.RangeRequest]) -> None:
        """Asks for ranges; for several in a transaction, which takes them all at one revision."""
        is_serializable = all(request.serializable for request in ranges)
        must_see = self._ledger.newest_revision
        if is_serializable:
            must_see = self._seen.get((place.member_id, place.starts), 0)
        question = _Question(place, place.starts, ranges, is_serializable, must_see)
        end = self._ledger.begin(place)
        node, range_service, kv_service = self._services_of(place)

        def ended(answer: bytes, failure: Failure | None) -> None:
            end()
            question.compact_revision = node.state.store.compact_revision
            question.answer, question.failure = answer, failure
            self._told.append(question)

        if len(ranges) == 1:
            range_service.range(_Call(ended), ranges[0].SerializeToString())
        else:
            operations = [rpc_pb2.RequestOp(request_range=request) for request in ranges]
            txn = rpc_pb2.TxnRequest(success=operations)
            kv_service.txn(_Call(ended), txn.SerializeToString())

    def verify(self) -> None:
        """Holds everything that was told since the last time against the truth."""
        if self._told:
            told, self._told = self._told, []
            for question in told:
                self._verify(question)

    def _services_of(self, place: SimMember) -> tuple[Node, RangeService, KeyValueService]:
        node = place.node
        assert node is not None, f"member {place.member_id} does not run"
        known = self._services.get(place.member_id)
        if known is None or known[0] is not node:
            headers = Headers(CLUSTER_ID, place.member_id, node.raft)
            limits = LimitsConfig()
            known = self._services[place.member_id] = (
                node,
                RangeService(node, _Host(self._cluster, place, node), headers),
                KeyValueService(node, Answers(headers), Quota(node, limits.quota_bytes), limits),
            )
        return known

    def _verify(self, question: _Question) -> None:
        if question.failure is not None:
            self._verify_failure(question, question.failure)
            return
        self.count += 1
        if len(question.ranges) == 1:
            response = rpc_pb2.RangeResponse.FromString(question.answer)
            revision, answers = response.header.revision, [response]
        else:
            txn = rpc_pb2.TxnResponse.FromString(question.answer)
            revision = txn.header.revision
            answers = [operation.response_range for operation in txn.responses]
        self._verify_revision(question, revision)
        for request, answer in zip(question.ranges, answers, strict=True):
            self._verify_range(question, request, answer, revision)

    def _verify_revision(self, question: _Question, revision: int) -> None:
        if revision < question.must_see:
            what = "a serializable" if question.is_serializable else "a"
            raise BrokenPromiseError(
                f"stale read: member {question.place.member_id} answers {what} read at revision "
                f"{revision}, {question.must_see} was told before it was asked"
            )
        if not question.is_serializable:
            self._ledger.newest_revision = max(self._ledger.newest_revision, revision)
        key = (question.place.member_id, question.starts)
        self._seen[key] = max(self._seen.get(key, 0), revision)

    def _verify_range(
        self,
        question: _Question,
        request: rpc_pb2.RangeRequest,
        answer: rpc_pb2.RangeResponse,
        revision: int,
    ) -> None:
        place, wanted = question.place.member_id, request.revision or revision
        if not question.compact_revision <= wanted <= revision and request.revision:
            raise BrokenPromiseError(
                f"member {place}, compacted at {question.compact_revision} and at revision "
                f"{revision}, answers a read at {wanted}"
            )
        due = self._plain.range(request, wanted)
        answer.ClearField("header")
        if answer != due:
            raise BrokenPromiseError(
                f"member {place} answers a read at {wanted} with {answer}, due is {due}: {request}"
            )

    def _verify_failure(self, question: _Question, failure: Failure) -> None:
        asked = [request.revision for request in question.ranges if request.revision]
        is_right = failure in _HARMLESS
        if failure is Failure.COMPACTED:
            is_right = any(revision < self._plain.compact_revision for revision in asked)
        elif failure is Failure.FUTURE_REVISION:
            is_right = any(revision > question.must_see for revision in asked)
        if not is_right:
            raise BrokenPromiseError(
                f"member {question.place.member_id} refuses a read at {asked}: {failure.name}; "
                f"{question.must_see} was told before it was asked"
            )
        self._ledger.failures += 1
