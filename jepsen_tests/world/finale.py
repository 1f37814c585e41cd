"""What is read when a run is over: all keys from each member, and its whole history by a watch.

A watch from the first revision on is the store's log as a client can see it. It tells what became
of the writes that got no answer, and whether all members have the same history.
"""

from contextlib import aclosing, suppress

from jepsen_tests.history import Operation
from jepsen_tests.world.kv_words import recorded
from jepsen_tests.world.ports import Refused, Unanswered
from jepsen_tests.world.recording import Answer, Session, Watching, operation
from jepsen_tests.world.requests import current_revision
from jepsen_tests.world.trial import Trial
from raftkv.pb import rpc_pb2

ALL = ("\0", "\0")
"""The key and range end that mean all keys."""
WATCH_SECONDS_MAX = 20.0
ANSWER_SECONDS_MAX = 10.0


async def read_everything(trial: Trial) -> None:
    """Reads all keys, and all of history, from each member."""
    chance = trial.chance("finale")
    for member in trial.cluster.names:
        session = trial.session(chance, member)
        await trial.insist(read_all, member=member, seconds_max=ANSWER_SECONDS_MAX)
        with suppress(Refused, Unanswered, TimeoutError):
            newest = await current_revision(session)
            await trial.world.within(WATCH_SECONDS_MAX, follow(session, 1, newest))


async def read_all(session: Session) -> None:
    """A linearizable read of all keys."""
    request = rpc_pb2.RangeRequest(key=b"\0", range_end=b"\0")

    async def carry_out() -> tuple[Answer, None]:
        response = await session.call("/etcdserverpb.KV/Range", request, rpc_pb2.RangeResponse)
        revision = response.header.revision
        answer = Answer(result=recorded(response.kvs), revision=revision, count=response.count)
        return answer, None

    await session.record(_read_of_all(), carry_out)


async def follow(session: Session, start: int, last: int) -> None:
    """Watches all keys from a revision on, until everything up to the last one was told."""
    asked = Watching(key=ALL[0], range_end=ALL[1], start_revision=start, prev_kv=True)
    if last < start:
        return None
    async with aclosing(session.watch(asked)) as responses:
        async for response in responses:
            if response.canceled and response.compact_revision:
                return await follow(session, response.compact_revision, last)
            told = max((event.kv.mod_revision for event in response.events), default=0)
            if told >= last or response.canceled:
                return None
    return None


def _read_of_all() -> Operation:
    return operation("range", ALL[0], {"range_end": ALL[1]}, range_end=ALL[1])
