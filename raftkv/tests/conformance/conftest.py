"""The two stores under comparison: a real etcd of three members, and ours."""

from collections.abc import Iterator

import pytest

from raftkv.tests.conformance.servers import Cluster


@pytest.fixture(scope="session")
def etcd() -> Iterator[Cluster]:
    cluster = Cluster("etcd", 3)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def raftkv() -> Iterator[Cluster]:
    cluster = Cluster("raftkv", 3)
    yield cluster
    cluster.stop()
