"""Changes of membership and of leadership, asked of the leader as its clients would."""

from typing import Literal

from jepsen_tests.plan import MemberChange, Transfer
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.sim.wiring import member_id_of, name_of_member
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.virtual import VirtualFuture
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.pb import rpc_pb2
from raftkv.raft.events import MembershipChange

MEMBERS_MAX = 7
ANSWER_SECONDS_MAX = 10.0
_Action = Literal["add_voter", "add_learner", "remove"]


async def change(scene: Scene, fault: MemberChange) -> Infliction:
    """Adds, removes, replaces or promotes a member."""
    return await _CHANGES[fault.change](scene)


async def _add(scene: Scene, action: _Action = "add_voter") -> Infliction:
    leader = scene.leader()
    membership = leader.raft.membership
    if len(membership.members) >= MEMBERS_MAX:
        raise NotNowError(f"there are {MEMBERS_MAX} members")
    if action == "add_learner" and membership.learners:
        raise NotNowError("there is a learner")
    added = max(scene.cluster.members) + 1
    url = f"sim://{added}"
    is_learner = action == "add_learner"
    member = rpc_pb2.Member(ID=added, peerURLs=[url], isLearner=is_learner)
    scene.cluster.add_place(added)
    scene.cluster.start(added)
    body = member.SerializeToString()
    outcome = await _propose(scene, action, added, CommandKind.MEMBER_ADD, body)
    return Infliction([name_of_member(added)], detail=f"{action}: {outcome}")


async def _add_learner(scene: Scene) -> Infliction:
    return await _add(scene, "add_learner")


async def _remove(scene: Scene) -> Infliction:
    names = scene.names
    if len(names) < 3:
        raise NotNowError(f"of {len(names)} members none can be spared")
    name = scene.chance.choice(names)
    member = member_id_of(name)
    body = rpc_pb2.MemberRemoveRequest(ID=member).SerializeToString()
    outcome = await _propose(scene, "remove", member, CommandKind.MEMBER_REMOVE, body)
    return Infliction([name], detail=f"remove: {outcome}")


async def _replace(scene: Scene) -> Infliction:
    removed = await _remove(scene)
    added = await _add(scene)
    targets = [*removed.targets, *added.targets]
    return Infliction(targets, detail=f"{removed.detail}; {added.detail}")


async def _promote(scene: Scene) -> Infliction:
    learners = sorted(scene.leader().raft.membership.learners)
    if not learners:
        raise NotNowError("there is no learner")
    learner = learners[0]
    body = rpc_pb2.MemberPromoteRequest(ID=learner).SerializeToString()
    outcome = await _propose(scene, "add_voter", learner, CommandKind.MEMBER_PROMOTE, body)
    return Infliction([name_of_member(learner)], detail=f"promote: {outcome}")


_CHANGES = {
    "add": _add,
    "learner": _add_learner,
    "remove": _remove,
    "replace": _replace,
    "promote": _promote,
}


async def transfer(scene: Scene, fault: Transfer) -> Infliction:
    """Asks the leader to let another member lead."""
    (name, *_) = scene.targets(fault.target)
    outcome: VirtualFuture[str] = VirtualFuture()

    def told(failure: Failure | None) -> None:
        outcome.set("done" if failure is None else failure.name)

    scene.leader().transfer_leadership(member_id_of(name), told)
    return Infliction([name], detail=await _outcome(scene, outcome))


async def _propose(
    scene: Scene, action: _Action, member: int, kind: CommandKind, body: bytes
) -> str:
    outcome: VirtualFuture[str] = VirtualFuture()

    def told(result: Result) -> None:
        outcome.set(result.name if isinstance(result, Failure) else "done")

    scene.leader().propose_membership((MembershipChange(action, member),), kind, body, told)
    return await _outcome(scene, outcome)


async def _outcome(scene: Scene, outcome: VirtualFuture[str]) -> str:
    async def wait() -> str:
        return await outcome

    try:
        return await scene.world.within(ANSWER_SECONDS_MAX, wait())
    except TimeoutError:
        return "no answer"
