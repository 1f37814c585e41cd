"""A member tells the cluster its name and where clients reach it, until the cluster knows."""

from collections.abc import Callable

from raftkv.command.types import CommandKind, Failure, Result
from raftkv.config import MemberConfig
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2 as pb


class Publishing:
    """Proposes the member's attributes whenever they differ from what the cluster knows."""

    def __init__(
        self, node: Node, config: MemberConfig, later: Callable[[Callable[[], None]], None]
    ) -> None:
        """`later` calls back after a moment."""
        self._node = node
        self._config = config
        self._later = later

    def start(self) -> None:
        """Publishes; tries again when that fails, which it may while there is no leader."""
        status = self._node.status
        known = self._node.state.members.get(status.member_id)
        urls = self._config.advertise_client_urls
        if known is not None and (known.name, known.client_urls) == (self._config.name, urls):
            return
        member = pb.Member(ID=status.member_id, name=self._config.name, clientURLs=urls)
        self._node.propose(CommandKind.MEMBER_PUBLISH, member.SerializeToString(), self._done)

    def _done(self, result: Result) -> None:
        if isinstance(result, Failure) and result is not Failure.STOPPED:
            self._later(self.start)
