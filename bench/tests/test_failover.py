"""What counts as a lost write; and, slowly, that raftkv loses none."""

import pytest

from bench import failover
from bench.failover import KEYS_A_WRITER, Writer, kills_under_load, leader_loss, missing
from bench.workloads.kv import value_of
from raftkv.pb import kv_pb2, rpc_pb2


def verdict(
    monkeypatch: pytest.MonkeyPatch,
    *,
    stored: tuple[int, int] | None,
    acknowledged: list[int],
    unknown: list[int],
) -> list[str]:
    """What `missing` says of one key that was put `stored[0]` times, `stored[1]` being the last."""
    writer = Writer(["nowhere:1"], "kill-0", 0)
    writer.acknowledged[0] = acknowledged
    writer.unknown[0] = unknown
    kvs = []
    if stored:
        version, number = stored
        kvs.append(kv_pb2.KeyValue(key=writer.keys[0], version=version, value=value_of(number)))
    answer = rpc_pb2.RangeResponse(kvs=kvs).SerializeToString()
    monkeypatch.setattr(failover, "call", lambda *_: answer)
    return missing("nowhere:1", [writer])


@pytest.mark.parametrize(
    ("stored", "acknowledged", "unknown"),
    [
        (None, [], []),
        (None, [], [1]),
        ((1, 1), [], [1]),
        ((2, 21), [1, 21], []),
        ((2, 21), [1, 21], [41]),
        ((3, 41), [1, 21], [41]),
        ((3, 21), [1, 21], [11]),
        ((3, 11), [1, 21], [11]),
    ],
)
def test_what_may_be_there_is_no_loss(
    monkeypatch: pytest.MonkeyPatch,
    stored: tuple[int, int] | None,
    acknowledged: list[int],
    unknown: list[int],
) -> None:
    assert not verdict(monkeypatch, stored=stored, acknowledged=acknowledged, unknown=unknown)


@pytest.mark.parametrize(
    ("stored", "acknowledged", "unknown"),
    [
        (None, [1], []),
        ((1, 1), [1, 21], []),
        ((1, 21), [1, 21], []),
        ((2, 1), [1, 21], []),
        ((3, 21), [1, 21], []),
        ((4, 41), [1, 21], [41]),
    ],
    ids=["missing", "last lost", "lost in between", "went back", "twice", "unknown one twice"],
)
def test_what_must_be_there_and_is_not_is_a_loss(
    monkeypatch: pytest.MonkeyPatch,
    stored: tuple[int, int] | None,
    acknowledged: list[int],
    unknown: list[int],
) -> None:
    assert verdict(monkeypatch, stored=stored, acknowledged=acknowledged, unknown=unknown)


def test_writers_share_no_key() -> None:
    writers = [Writer(["nowhere:1"], "kill-0", number) for number in range(3)]
    keys = {key for writer in writers for key in writer.keys}
    assert len(keys) == 3 * KEYS_A_WRITER


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(10, marks=pytest.mark.slow),
        pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_killed_members_lose_no_acknowledged_write_and_come_back(kills: int) -> None:
    result = kills_under_load("raftkv", kills, seed=kills)
    assert not result.lost
    assert result.hashes_agree
    assert result.acknowledged > 100 * kills, "there was hardly any load"
    assert max(result.back_seconds) < 3


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(10, marks=pytest.mark.slow),
        pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_a_dead_leader_is_replaced_in_time(kills: int) -> None:
    loss = leader_loss("raftkv", kills)
    assert loss.median < 1.5
    assert loss.p99 < 3
