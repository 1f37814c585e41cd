"""A process that wants to join asks who is there."""

import asyncio

import pytest

from raftkv.tests.transport.harness import CONFIG, Site, run
from raftkv.transport import ClusterInfoError, fetch_cluster_info


def test_the_first_member_that_answers_tells() -> None:
    async def body() -> None:
        async with Site(1) as site:
            urls = ["http://127.0.0.1:1", "nonsense", site.url]
            assert await fetch_cluster_info(urls, 10, CONFIG) == site.info()

    run(body)


def test_members_that_start_later_are_asked_again() -> None:
    async def body() -> None:
        site = Site(1)
        await site.listen()
        port = site.port
        await site.transport.close()
        asking = asyncio.create_task(fetch_cluster_info([f"http://127.0.0.1:{port}"], 20, CONFIG))
        await asyncio.sleep(0)
        again = Site(1)
        await again.listen(port)
        assert (await asking).cluster == again.cluster
        await again.transport.close()

    run(body)


@pytest.mark.parametrize(
    ("urls", "reason"),
    [
        ([], "no URL to ask at"),
        (["http://127.0.0.1:1"], "Connect call failed"),
        (["https://127.0.0.1:1"], "needs a certificate"),
    ],
)
def test_when_nobody_tells_the_error_says_why(urls: list[str], reason: str) -> None:
    with pytest.raises(ClusterInfoError, match=reason):
        asyncio.run(fetch_cluster_info(urls, 0.05, CONFIG))
