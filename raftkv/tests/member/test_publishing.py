"""A member tells the cluster its name and where clients find it, until the cluster knows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.config import LimitsConfig, MemberConfig
from raftkv.member.publishing import Publishing
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.service.fakes import ME, FakeNode

if TYPE_CHECKING:
    from raftkv.node.node import Node

CONFIG = MemberConfig(name="new name", advertise_client_urls=("http://a:1", "http://b:1"))


class Cluster:
    """A cluster that refuses as often as it is told to."""

    def __init__(self, *failures: Failure) -> None:
        self.node = FakeNode(LimitsConfig())
        self.asked = 0
        self._failures = list(failures)
        self._later: list[Callable[[], None]] = []
        apply = self.node.state.apply

        def propose(kind: int, body: bytes, on_result: Callable[[Result], None]) -> None:
            self.asked += 1
            on_result(self._failures.pop(0) if self._failures else apply(kind, body))

        self.node.propose = propose  # type: ignore[method-assign]
        self.publishing = Publishing(cast("Node", self.node), CONFIG, self._later.append)

    def known(self) -> Member | None:
        return self.node.state.members.get(ME)

    def time_passes(self) -> None:
        later, self._later[:] = list(self._later), []
        for run in later:
            run()


def test_the_cluster_learns_name_and_client_urls() -> None:
    cluster = Cluster()
    cluster.publishing.start()
    known = cluster.known()
    assert known is not None
    assert (known.name, known.client_urls) == ("new name", ("http://a:1", "http://b:1"))


def test_what_the_cluster_knows_is_not_told_again() -> None:
    cluster = Cluster()
    cluster.publishing.start()
    cluster.publishing.start()
    assert cluster.asked == 1


def test_a_refusal_is_met_with_another_try_a_moment_later() -> None:
    cluster = Cluster(Failure.TOO_MANY_REQUESTS, Failure.TIMEOUT)
    cluster.publishing.start()
    assert cluster.asked == 1
    cluster.time_passes()
    cluster.time_passes()
    assert cluster.asked == 3
    known = cluster.known()
    assert known is not None
    assert known.name == "new name"
    cluster.time_passes()
    assert cluster.asked == 3


def test_a_member_that_stops_tries_no_more() -> None:
    cluster = Cluster(Failure.STOPPED)
    cluster.publishing.start()
    cluster.time_passes()
    assert cluster.asked == 1


def test_a_member_that_is_gone_publishes_nothing() -> None:
    cluster = Cluster()
    body = pb.MemberRemoveRequest(ID=ME).SerializeToString()
    cluster.node.state.apply(CommandKind.MEMBER_REMOVE, body)
    cluster.publishing.start()
    assert cluster.known() is None
    cluster.time_passes()
    assert cluster.asked == 1
