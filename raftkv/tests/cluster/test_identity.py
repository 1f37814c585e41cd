"""Ids against those that etcd prints for the same configuration."""

import pytest

from raftkv.cluster.identity import cluster_id, member_id

PROCFILE = {
    "http://127.0.0.1:12380": 0x8211F1D0F64F3269,
    "http://127.0.0.1:22380": 0x91BC3C398FB3C146,
    "http://127.0.0.1:32380": 0xFD422379FDA50E48,
}


def test_a_default_member_has_the_ids_of_a_default_etcd() -> None:
    only = member_id(["http://localhost:2380"], "etcd-cluster")
    assert only == 0x8E9E05C52164694D
    assert cluster_id([only]) == 0xCDF818194E3A8C32


@pytest.mark.parametrize(("url", "expected"), PROCFILE.items())
def test_the_members_of_etcd_s_local_cluster_have_their_ids(url: str, expected: int) -> None:
    assert member_id([url], "etcd-cluster-1") == expected


def test_the_cluster_s_id_does_not_depend_on_the_order_of_its_members() -> None:
    ids = list(PROCFILE.values())
    assert cluster_id(ids) == cluster_id(reversed(ids)) == 0xEF37AD9DC622A7C4


def test_the_order_of_the_urls_does_not_matter_but_the_time_of_joining_does() -> None:
    urls = ["http://b:2380", "http://a:2380"]
    assert member_id(urls, "token") == member_id(reversed(urls), "token")
    ids = {member_id(urls, "token"), member_id(urls, "other"), member_id(urls, "token", 1)}
    assert len(ids | {member_id(urls, "token", 2)}) == 4
