"""What the harness itself asks of members: who leads, who belongs to it; and to change that."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from jepsen_tests.process.grpc_client import GrpcClient
from jepsen_tests.world.ports import M, Refused, Unanswered
from raftkv.pb import rpc_pb2

STATUS_SECONDS_MAX = 1.0
ANSWER_SECONDS_MAX = 3.0
HASH_SECONDS_MAX = 10.0
_POLL_SECONDS = 0.05
_MEMBERS = "/etcdserverpb.Cluster/Member"
_MAINTENANCE = "/etcdserverpb.Maintenance/"
NO_ANSWER = (Refused, Unanswered)


class ClusterStuckError(Exception):
    """The cluster does not do what it must when all is well; the text says what."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a member says of itself."""

    member_id: int
    leader_id: int
    term: int
    commit: int
    applied: int
    revision: int
    is_learner: bool

    @property
    def role(self) -> str:
        """As the timeline has it."""
        if not self.leader_id:
            return "no leader"
        if self.is_learner:
            return "learner"
        return "leader" if self.leader_id == self.member_id else "follower"


class Admin:
    """Asks the members of one cluster, each over a connection that the harness keeps for itself."""

    def __init__(self) -> None:
        self._clients: dict[str, GrpcClient] = {}

    def add(self, member: str, address: str) -> None:
        """Takes up a member."""
        self._clients[member] = GrpcClient(member, address)

    async def close(self) -> None:
        """Ends all connections."""
        for client in self._clients.values():
            await client.close()

    async def status(self, member: str) -> Status:
        """What a member says of itself; raises Refused or Unanswered."""
        answer = await self._ask(
            member,
            f"{_MAINTENANCE}Status",
            rpc_pb2.StatusRequest(),
            rpc_pb2.StatusResponse,
            STATUS_SECONDS_MAX,
        )
        return Status(
            member_id=answer.header.member_id,
            leader_id=answer.leader,
            term=answer.raftTerm,
            commit=answer.raftIndex,
            applied=answer.raftAppliedIndex,
            revision=answer.header.revision,
            is_learner=answer.isLearner,
        )

    async def statuses(self, members: Iterable[str]) -> dict[str, Status]:
        """What all of these say that answer, asked at the same time."""

        async def one(member: str) -> tuple[str, Status | None]:
            try:
                return member, await self.status(member)
            except NO_ANSWER:
                return member, None

        answers = await asyncio.gather(*(one(member) for member in members))
        return {member: status for member, status in answers if status is not None}

    async def leader(self, members: Iterable[str]) -> str:
        """Who leads, by the newest term that anybody knows of; empty: nobody that is known."""
        leader, newest = "", 0
        for member, status in (await self.statuses(members)).items():
            if status.leader_id == status.member_id and status.term > newest:
                leader, newest = member, status.term
        return leader

    async def wait_until_serving(self, member: str, seconds_max: float) -> None:
        """Waits until a member answers a linearizable read.

        Raises:
            ClusterStuckError: It does not in that time.
        """
        request = rpc_pb2.RangeRequest(key=b"ready")
        said = "nothing"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                while True:
                    try:
                        await self._ask(
                            member, "/etcdserverpb.KV/Range", request, rpc_pb2.RangeResponse
                        )
                    except NO_ANSWER as error:
                        said = str(error)
                        await asyncio.sleep(_POLL_SECONDS)
                    else:
                        return
        raise ClusterStuckError(f"{member} does not serve after {seconds_max:g} s: {said}")

    async def members(self, ask: Iterable[str], seconds_max: float) -> Mapping[str, rpc_pb2.Member]:
        """The cluster's members by the address of their peer URL."""
        answer = await self._any(
            ask,
            f"{_MEMBERS}List",
            rpc_pb2.MemberListRequest(linearizable=True),
            rpc_pb2.MemberListResponse,
            seconds_max,
        )
        return {address_of(member): member for member in answer.members}

    async def add_member(
        self, ask: Iterable[str], peer_url: str, *, learner: bool, seconds_max: float
    ) -> None:
        """Adds a member; asked again when nobody knows whether it was."""
        ask = list(ask)
        async with self._until(seconds_max, f"add {peer_url}"):
            while True:
                known = await self.members(ask, seconds_max)
                if any(peer_url in member.peerURLs for member in known.values()):
                    return
                request = rpc_pb2.MemberAddRequest(peerURLs=[peer_url], isLearner=learner)
                await self._try(ask, f"{_MEMBERS}Add", request, rpc_pb2.MemberAddResponse)

    async def remove_member(self, ask: Iterable[str], address: str, seconds_max: float) -> None:
        """Removes a member; asked again when nobody knows whether it was."""
        ask = list(ask)
        async with self._until(seconds_max, f"remove {address}"):
            while (member := (await self.members(ask, seconds_max)).get(address)) is not None:
                request = rpc_pb2.MemberRemoveRequest(ID=member.ID)
                await self._try(ask, f"{_MEMBERS}Remove", request, rpc_pb2.MemberRemoveResponse)

    async def promote(self, ask: Iterable[str], address: str, seconds_max: float) -> None:
        """Makes a voter of a learner, as soon as it has caught up."""
        ask = list(ask)
        async with self._until(seconds_max, f"promote {address}"):
            while (await self.members(ask, seconds_max))[address].isLearner:
                member = (await self.members(ask, seconds_max))[address]
                request = rpc_pb2.MemberPromoteRequest(ID=member.ID)
                await self._try(ask, f"{_MEMBERS}Promote", request, rpc_pb2.MemberPromoteResponse)

    async def transfer(self, leader: str, to: str) -> None:
        """Asks the leader to let another member lead; raises Refused or Unanswered."""
        target = (await self.status(to)).member_id
        request = rpc_pb2.MoveLeaderRequest(targetID=target)
        await self._ask(leader, f"{_MAINTENANCE}MoveLeader", request, rpc_pb2.MoveLeaderResponse)

    async def hashes(self, members: Iterable[str]) -> dict[str, dict[str, int]]:
        """Each member's hash of all keys at the newest revision that all have; {} without one.

        Members compact at their own pace, and hash nothing comparable until all have.
        """
        members = list(members)
        found: dict[str, dict[str, int]] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HASH_SECONDS_MAX):
                while True:
                    known = await self.statuses(members)
                    revision = min((status.revision for status in known.values()), default=0)
                    found = await self._hashes_at(revision, list(known))
                    compacted = {values["compact_revision"] for values in found.values()}
                    if len(found) == len(members) and len(compacted) == 1:
                        break
                    await asyncio.sleep(_POLL_SECONDS)
        return found

    async def _hashes_at(self, revision: int, members: list[str]) -> dict[str, dict[str, int]]:
        request = rpc_pb2.HashKVRequest(revision=revision)
        found = {}
        for member in members:
            with contextlib.suppress(*NO_ANSWER):
                answer = await self._ask(
                    member, f"{_MAINTENANCE}HashKV", request, rpc_pb2.HashKVResponse
                )
                found[member] = {
                    "revision": revision,
                    "compact_revision": answer.compact_revision,
                    "hash": answer.hash,
                }
        return found

    async def _ask(
        self,
        member: str,
        method: str,
        request: Message,
        response_type: type[M],
        seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> M:
        return await self._clients[member].call(method, request, response_type, seconds_max)

    async def _any(
        self,
        ask: Iterable[str],
        method: str,
        request: Message,
        response_type: type[M],
        seconds_max: float,
    ) -> M:
        """The answer of the first member that gives one, in rounds; for what may be done twice."""
        ask, said = list(ask), "nobody was asked"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                while True:
                    for member in ask:
                        try:
                            return await self._ask(member, method, request, response_type)
                        except NO_ANSWER as error:
                            said = f"{member}: {error}"
                    await asyncio.sleep(_POLL_SECONDS)
        raise ClusterStuckError(f"no answer to {method} in {seconds_max:g} s; the last: {said}")

    async def _try(
        self, ask: Iterable[str], method: str, request: Message, response_type: type[M]
    ) -> None:
        """One round of asking until somebody says yes; a no is left to the caller to see."""
        for member in ask:
            with contextlib.suppress(*NO_ANSWER):
                await self._ask(member, method, request, response_type)
                return
        await asyncio.sleep(_POLL_SECONDS)

    @contextlib.asynccontextmanager
    async def _until(self, seconds_max: float, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds_max):
                yield
        except TimeoutError:
            raise ClusterStuckError(f"could not {what} in {seconds_max:g} s") from None


def address_of(member: rpc_pb2.Member) -> str:
    """The address in a member's peer URL."""
    return member.peerURLs[0].removeprefix("http://").partition(":")[0]
