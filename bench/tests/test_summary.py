"""Medians, ratios and verdicts."""

import json

import pytest

from bench.figures import LoadResult, LoadSpec, percentile
from bench.measure import figures_of
from bench.rows import ROWS, THROUGHPUT, rows_named
from bench.summary import Figures, Ratio, keeps, line_of, ratio_of


def figures(etcd: dict[int, float], raftkv: dict[int, float]) -> Figures:
    collected = Figures()
    for store, values in (("etcd", etcd), ("raftkv", raftkv)):
        for number, value in values.items():
            collected.add("put", store, number, {THROUGHPUT: value})
    return collected


def test_a_ratio_is_taken_round_by_round() -> None:
    collected = figures({0: 100.0, 1: 200.0, 2: 300.0}, {0: 200.0, 1: 300.0, 2: 300.0})
    assert ratio_of(collected.get("put", THROUGHPUT)) == Ratio(1.5, 1.0, 2.0)


def test_rounds_that_one_store_failed_in_do_not_count() -> None:
    collected = figures({0: 100.0, 2: 100.0}, {0: 150.0, 1: 900.0})
    assert ratio_of(collected.get("put", THROUGHPUT)) == Ratio(1.5, 1.5, 1.5)


@pytest.mark.parametrize(("etcd", "raftkv"), [({}, {0: 1.0}), ({0: 1.0}, {}), ({0: 0.0}, {0: 1.0})])
def test_no_ratio_without_two_values(etcd: dict[int, float], raftkv: dict[int, float]) -> None:
    assert ratio_of(figures(etcd, raftkv).get("put", THROUGHPUT)) is None


def test_throughput_must_reach_and_latency_must_not_exceed() -> None:
    assert keeps(THROUGHPUT, 1.5, 1.5)
    assert not keeps(THROUGHPUT, 1.49, 1.5)
    assert keeps("p99_ms", 1.0, 1.0)
    assert not keeps("p99_ms", 1.01, 1.0)


def test_a_line_has_all_a_script_needs() -> None:
    collected = figures({0: 100.0, 1: 110.0}, {0: 200.0, 1: 110.0})
    line = json.loads(line_of(collected.get("put", THROUGHPUT), 1.5))
    assert line == {
        "row": "put",
        "figure": THROUGHPUT,
        "etcd": 105.0,
        "etcd_rounds": [100.0, 110.0],
        "raftkv": 155.0,
        "raftkv_rounds": [200.0, 110.0],
        "ratio": 1.5,
        "ratio_min": 1.0,
        "ratio_max": 2.0,
        "promised": 1.5,
        "kept": True,
    }


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 5.0), (0.9, 9.0), (0.99, 10.0), (1.0, 10.0)]
)
def test_percentiles_are_nearest_ranks(share: float, expected: float) -> None:
    assert percentile(list(range(1, 11)), share) == expected


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 0.5) == 0.0


def result(**changes: object) -> LoadResult:
    values: dict[str, object] = {
        "operations": 1000,
        "seconds": 2.0,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "max_ms": 3.0,
        "errors": 0,
        "first_error": "",
        "verified": 10,
        "member_cpu_seconds": [0.1, 0.4, 0.3],
        "generator_cpu_seconds": 0.01,
        "foreign_cpu_seconds": 0.0,
    }
    return LoadResult(**(values | changes))  # type: ignore[arg-type]


def test_cpu_time_is_told_apart_by_role() -> None:
    values = figures_of(result(), leader=1)
    assert values["leader_cpu_us"] == pytest.approx(400)
    assert values["follower_cpu_us"] == pytest.approx(200)
    assert values["generator_cpu_us"] == pytest.approx(10)
    assert values[THROUGHPUT] == 500


def test_a_cluster_elsewhere_has_no_cpu_time() -> None:
    values = figures_of(result(member_cpu_seconds=[]), leader=0)
    assert "leader_cpu_us" not in values
    assert "follower_cpu_us" not in values


def test_specification_and_result_survive_their_line() -> None:
    spec = LoadSpec(workload="put", endpoints=["a:1", "b:2"], clients=3, pids=[4])
    assert LoadSpec.from_json(spec.to_json()) == spec
    assert LoadResult.from_json(result().to_json()) == result()


def test_connections_go_where_the_row_says() -> None:
    endpoints = ["a", "b", "c"]

    def connections(name: str) -> list[str]:
        row = rows_named([name])[0]
        return row.spec("b", endpoints, seconds=1, prefix="p", pids=[]).endpoints

    assert connections("put-leader") == ["b"] * 6
    assert connections("put-spread") == ["b", "a", "c"] * 2
    assert connections("put-1-follower") == ["a"]


def test_rows_have_names_of_their_own_and_can_be_chosen_by_family() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert [row.name for row in rows_named(["get-leader", "txn"])] == [
        "get-leader",
        "txn-leader",
        "txn-spread",
    ]
    with pytest.raises(KeyError):
        rows_named(["pot"])
