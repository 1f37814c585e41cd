"""--force-new-cluster: the member's data becomes a cluster of one before anything is served."""

import logging

from raftkv.config import MemberConfig
from raftkv.member.errors import StartupError
from raftkv.node.ports import StoredLog, WriteBatch
from raftkv.node.recovery import sole_member_write
from raftkv.pb import rpc_pb2 as pb
from raftkv.storage import DiskStorage, Identity

log = logging.getLogger(__name__)


def force_new_cluster(storage: DiskStorage, identity: Identity, config: MemberConfig) -> None:
    """Makes a cluster of one of what is on the disk; nothing is left to do where it is one already.

    Raises:
        StartupError: The member never heard from its cluster.
        StorageError: The disk does not allow it.
    """
    member = pb.Member(ID=identity.member, peerURLs=config.initial_advertise_peer_urls)

    def amendment(stored: StoredLog) -> WriteBatch | None:
        if not stored.entries and stored.membership is None:
            raise StartupError(nothing_to_force(config))
        batch = sole_member_write(stored, member)
        if batch is not None:
            log.warning(
                "forcing a cluster of one: every other member counts as removed",
                extra={
                    "member_id": f"{identity.member:x}",
                    "commit_index": stored.hard_state.commit,
                    "last_index": batch.hard_state.commit - 1,
                },
            )
        return batch

    storage.amend_log(amendment)


def nothing_to_force(config: MemberConfig) -> str:
    """Why a directory is refused that holds no state of a cluster."""
    return (
        f"--force-new-cluster: {config.data_dir} holds no data of a cluster that could go on with "
        "one member; check --data-dir, or start a new cluster without the flag"
    )
