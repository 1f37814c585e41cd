"""The members of the cluster: what each is called and where it is reached.

Who votes is up to consensus; this table is what clients see and what members find each other by. An
id that was removed never comes back, unless as the only one that is left.
"""

from collections.abc import Iterable
from typing import NamedTuple

from raftkv.command.types import Failure
from raftkv.mvcc.ports import Tables
from raftkv.pb import rpc_pb2 as pb

_MEMBER_TABLE = "member"
_REMOVED_TABLE = "removed"
_META_TABLE = "meta"
_CLUSTER_ID_KEY = b"cluster_id"


class Member(NamedTuple):
    """A member as the cluster knows it; until it has started, without name and client URLs."""

    id: int
    name: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    is_learner: bool = False

    @property
    def has_started(self) -> bool:
        """Whether the member has ever told its name."""
        return bool(self.name)

    def message(self) -> pb.Member:
        """The member as clients are told of it."""
        return pb.Member(
            ID=self.id,
            name=self.name,
            peerURLs=self.peer_urls,
            clientURLs=self.client_urls,
            isLearner=self.is_learner,
        )


def from_message(message: pb.Member) -> Member:
    """The member that a message tells of."""
    return Member(
        message.ID,
        message.name,
        tuple(message.peerURLs),
        tuple(message.clientURLs),
        message.isLearner,
    )


class Members:
    """The table of members, and the ids that are used up."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._by_id: dict[int, Member] = {}
        self._removed: set[int] = set()
        self.cluster_id = 0
        """0 until the cluster is bootstrapped."""

    def __contains__(self, member_id: int) -> bool:
        return member_id in self._by_id

    def get(self, member_id: int) -> Member | None:
        """A member by its id."""
        return self._by_id.get(member_id)

    def all(self) -> list[Member]:
        """Every member, in the order of their ids."""
        return [self._by_id[member_id] for member_id in sorted(self._by_id)]

    def is_removed(self, member_id: int) -> bool:
        """Whether a member of this id was removed."""
        return member_id in self._removed

    # -- what a change must meet; the checks and their order are etcd's

    def check_add(self, member: Member, learners_max: int | None = None) -> Failure | None:
        """Why `member` can't be added. `learners_max` counts for a learner only; None: no bound."""
        if member.id in self._removed:
            return Failure.MEMBER_NOT_FOUND
        if member.id in self._by_id:
            return Failure.MEMBER_EXISTS
        if self._peer_url_taken(member.peer_urls, member.id):
            return Failure.PEER_URL_EXISTS
        if member.is_learner and learners_max is not None:
            learners = sum(known.is_learner for known in self._by_id.values())
            if learners >= learners_max:
                return Failure.TOO_MANY_LEARNERS
        return None

    def check_exists(self, member_id: int) -> Failure | None:
        """Why a member can't be removed or spoken of."""
        return None if member_id in self._by_id else Failure.MEMBER_NOT_FOUND

    def check_update(self, member_id: int, peer_urls: Iterable[str]) -> Failure | None:
        """Why a member can't be given these peer URLs."""
        if member_id not in self._by_id:
            return Failure.MEMBER_NOT_FOUND
        if self._peer_url_taken(peer_urls, member_id):
            return Failure.PEER_URL_EXISTS
        return None

    def check_promote(self, member_id: int) -> Failure | None:
        """Why a member can't become a voter."""
        member = self._by_id.get(member_id)
        if member is None:
            return Failure.MEMBER_NOT_FOUND
        return None if member.is_learner else Failure.MEMBER_NOT_LEARNER

    def _peer_url_taken(self, peer_urls: Iterable[str], by_other_than: int) -> bool:
        wanted = set(peer_urls)
        return any(
            not wanted.isdisjoint(member.peer_urls)
            for member in self._by_id.values()
            if member.id != by_other_than
        )

    # -- changes; each asserts what its check has checked

    def bootstrap(self, members: Iterable[Member], cluster_id: int) -> None:
        """Sets the first members of a new cluster, alike on each of them."""
        assert not self._by_id, f"{len(self._by_id)} members before the first"
        for member in members:
            self._set(member)
        self.cluster_id = cluster_id
        self._tables.put(_META_TABLE, _CLUSTER_ID_KEY, cluster_id.to_bytes(8, "big"))

    def add(self, member: Member) -> None:
        """Adds a member."""
        assert member.id not in self._removed, f"member {member.id:x} was removed"
        assert member.id not in self._by_id, f"member {member.id:x} exists"
        self._set(member)

    def remove(self, member_id: int) -> None:
        """Removes a member for good."""
        del self._by_id[member_id]
        self._removed.add(member_id)
        self._tables.delete(_MEMBER_TABLE, _stored_id(member_id))
        self._tables.put(_REMOVED_TABLE, _stored_id(member_id), b"")

    def update(self, member_id: int, peer_urls: Iterable[str]) -> None:
        """Changes where the others reach a member."""
        self._set(self._by_id[member_id]._replace(peer_urls=tuple(peer_urls)))

    def promote(self, member_id: int) -> None:
        """Makes a learner a voter."""
        self._set(self._by_id[member_id]._replace(is_learner=False))

    def publish(self, member_id: int, name: str, client_urls: Iterable[str]) -> None:
        """Takes note of what a member says of itself."""
        self._set(self._by_id[member_id]._replace(name=name, client_urls=tuple(client_urls)))

    def keep_only(self, member: Member) -> None:
        """Removes everyone else for good; `member` is a voter, as known or else as given.

        Whatever the table said of it, even that it was removed: its owner knows better.
        """
        for other in [known for known in self._by_id if known != member.id]:
            self.remove(other)
        if member.id in self._removed:
            self._removed.remove(member.id)
            self._tables.delete(_REMOVED_TABLE, _stored_id(member.id))
        self._set(self._by_id.get(member.id, member)._replace(is_learner=False))

    def load(self, tables: dict[str, list[tuple[bytes, bytes]]]) -> None:
        """Takes in the stored tables."""
        stored = tables.get(_MEMBER_TABLE, [])
        members = [from_message(pb.Member.FromString(value)) for _, value in stored]
        self._by_id = {member.id: member for member in members}
        self._removed = {int.from_bytes(key, "big") for key, _ in tables.get(_REMOVED_TABLE, [])}
        meta = dict(tables.get(_META_TABLE, []))
        self.cluster_id = int.from_bytes(meta.get(_CLUSTER_ID_KEY, b""), "big")

    def _set(self, member: Member) -> None:
        self._by_id[member.id] = member
        encoded = member.message().SerializeToString(deterministic=True)
        self._tables.put(_MEMBER_TABLE, _stored_id(member.id), encoded)


def _stored_id(member_id: int) -> bytes:
    return member_id.to_bytes(8, "big")
