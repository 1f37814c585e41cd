"""Who this member is: from its flags in a new cluster, from the other members when it joins one."""

from collections.abc import Iterable
from dataclasses import dataclass

from raftkv.cluster.identity import cluster_id, member_id
from raftkv.config import MemberConfig
from raftkv.member.errors import StartupError
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.handshake import ClusterInfo


@dataclass(frozen=True, slots=True)
class Origin:
    """What a member that starts on an empty disk knows."""

    cluster: int
    member: int
    first_members: tuple[pb.Member, ...]
    """The first members of a new cluster; empty for a member that joins."""
    peer_urls: dict[int, tuple[str, ...]]
    """Where the other members are, until the log tells."""


def of_new_cluster(config: MemberConfig) -> Origin:
    """The ids that every first member derives from the same --initial-cluster.

    Raises:
        StartupError: --initial-cluster does not name this member.
    """
    urls: dict[str, list[str]] = {}
    for name, url in config.initial_cluster:
        urls.setdefault(name, []).append(url)
    if config.name not in urls:
        raise StartupError(
            f'couldn\'t find local name "{config.name}" in the initial cluster configuration: '
            "--initial-cluster must list this member's --name"
        )
    ids = {name: member_id(sorted(u), config.initial_cluster_token) for name, u in urls.items()}
    members = tuple(pb.Member(ID=ids[name], peerURLs=sorted(u)) for name, u in urls.items())
    return Origin(
        cluster_id(ids.values()),
        ids[config.name],
        members,
        {ids[name]: tuple(u) for name, u in urls.items() if name != config.name},
    )


def of_joining(config: MemberConfig, info: ClusterInfo) -> Origin:
    """The id that the cluster gave to whoever has this member's peer URLs.

    Raises:
        StartupError: The cluster knows no such member.
    """
    own = set(config.initial_advertise_peer_urls)
    for member in info.members:
        if own & set(member.peer_urls):
            others = {m.member: m.peer_urls for m in info.members if m.member != member.member}
            return Origin(info.cluster, member.member, (), others)
    raise StartupError(
        f"the running cluster has no member with the peer URLs {_listed(own)}: "
        "add it first (etcdctl member add), with --initial-advertise-peer-urls as given there"
    )


def seed_urls(config: MemberConfig) -> list[str]:
    """The peer URLs of the others in --initial-cluster: whom a joining member asks."""
    own = set(config.initial_advertise_peer_urls)
    return [url for _, url in config.initial_cluster if url not in own]


def _listed(urls: Iterable[str]) -> str:
    return ", ".join(sorted(urls))
