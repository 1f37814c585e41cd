"""The same random requests to a real etcd and to ours: the same answers, errors and revisions.

The two run through all examples, which count revisions from where they begin (`revisions.py`).
"""

import time
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from hypothesis import Phase, given, settings

from raftkv.tests.conformance.differences import is_known
from raftkv.tests.conformance.servers import Cluster
from raftkv.tests.conformance.steps import sequences
from raftkv.tests.conformance.twins import Twins

BUDGET_SECONDS = 25.0


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    clusters: list[Cluster] = []
    try:
        clusters += [Cluster("etcd"), Cluster("raftkv")]
        twins = Twins((clusters[0].endpoints, clusters[1].endpoints))
        yield twins
        twins.close()
    finally:
        for cluster in clusters:
            cluster.stop()


@pytest.mark.slow
def test_random_requests_get_etcds_answers(twins: Twins) -> None:
    deadline = time.monotonic() + BUDGET_SECONDS

    @settings(max_examples=400, phases=[Phase.generate])
    @given(sequences())
    def run(steps: list[Message]) -> None:
        # On a slow machine fewer examples must do; a failure is reported whenever it is found.
        if time.monotonic() < deadline:
            twins.run(steps, is_known)

    run()


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_more_random_requests_get_etcds_answers(twins: Twins) -> None:
    @settings(max_examples=10_000, derandomize=False)
    @given(sequences())
    def run(steps: list[Message]) -> None:
        twins.run(steps, is_known)

    run()
