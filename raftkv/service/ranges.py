"""KV.Range: one key at once, a large range in slices.

A linearizable read waits for a round with the leader, a serializable one takes what is here. A
range that takes longer than one slice goes on in the next turns of the loop, at the revision at
which it began.
"""

from collections.abc import Generator
from functools import partial

from raftkv.apply.range import RangeAnswer, execute_range, range_steps
from raftkv.command.types import Failure
from raftkv.mvcc.store import Store
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.header import Headers
from raftkv.service.ports import Call, Host, Node
from raftkv.service.status import fail
from raftkv.service.validate import check_range

STEPS_PER_SLICE = 4
"""Steps of some hundred keys (`apply.range.KEYS_PER_STEP`) in one turn: a millisecond or less."""
RESTARTS_MAX = 3
"""How often a range at the newest revision begins again when that is compacted meanwhile."""

_parse = pb.RangeRequest.FromString


class RangeService:
    """Answers ranges from this member's state."""

    def __init__(self, node: Node, host: Host, headers: Headers) -> None:
        self._node = node
        self._host = host
        self._field = headers.field
        self._read_barrier = node.read_barrier

    def range(self, call: Call, message: bytes) -> None:
        """Range."""
        request = _parse(message)
        refusal = check_range(request)
        if refusal is not None:
            fail(call, refusal)
        elif request.serializable:
            self._read(call, request, None)
        else:
            self._read_barrier(partial(self._read, call, request))

    def _read(self, call: Call, request: pb.RangeRequest, failure: Failure | None) -> None:
        """Reads; the state is fresh enough unless there is a failure."""
        if failure is not None:
            fail(call, failure)
            return
        if request.range_end:
            self._begin(call, request, RESTARTS_MAX)
            return
        answer = execute_range(self._node.state.store, request)
        if isinstance(answer, tuple):
            revision, body = answer
            call.reply(self._field(revision) + body)
        else:
            fail(call, answer)

    def _begin(self, call: Call, request: pb.RangeRequest, restarts: int) -> None:
        store = self._node.state.store
        self._slice(call, request, store, range_steps(store, request), restarts)

    def _slice(
        self,
        call: Call,
        request: pb.RangeRequest,
        store: Store,
        steps: Generator[None, None, RangeAnswer],
        restarts: int,
    ) -> None:
        """Reads one slice and comes back for the next, until there is an answer."""
        if store is not self._node.state.store:
            # A received snapshot has taken the state's place; the rows of the old one are gone.
            self._begin(call, request, restarts)
            return
        try:
            for _ in range(STEPS_PER_SLICE):
                next(steps)
        except StopIteration as end:
            self._end(call, request, end.value, restarts)
        else:
            self._host.defer(partial(self._slice, call, request, store, steps, restarts))

    def _end(
        self, call: Call, request: pb.RangeRequest, answer: RangeAnswer, restarts: int
    ) -> None:
        if isinstance(answer, tuple):
            revision, body = answer
            call.reply(self._field(revision) + body)
        elif answer is Failure.COMPACTED and request.revision <= 0 and restarts:
            self._begin(call, request, restarts - 1)
        else:
            fail(call, answer)
