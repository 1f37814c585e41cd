"""What the fan-out believes of the events it gets."""

import time

import pytest

from bench.tally import Tally
from bench.workloads.fanout import Board
from bench.workloads.kv import value_of
from bench.workloads.types import WrongAnswerError
from raftkv.pb import kv_pb2, rpc_pb2


def response(watch_id: int, *numbers: int) -> bytes:
    """Events of puts with those numbers at the revisions ten times as high."""
    events = [
        kv_pb2.Event(kv=kv_pb2.KeyValue(key=b"k", value=value_of(n), mod_revision=10 * n))
        for n in numbers
    ]
    header = rpc_pb2.ResponseHeader(revision=1000)
    return rpc_pb2.WatchResponse(
        header=header, watch_id=watch_id, events=events
    ).SerializeToString()


def test_a_put_is_complete_when_every_watcher_has_seen_it() -> None:
    tally = Tally()
    board = Board(watchers=3, tally=tally)
    board.sent(1)
    now = time.perf_counter_ns() + 1000
    board.take(7, response(0, 1), now)
    board.take(7, response(1, 1), now)
    assert board.complete == []
    assert not board.idle
    board.take(8, response(0, 1), now)
    assert board.complete == [1]
    assert board.idle
    assert len(tally.latencies) == 3


def test_several_events_in_one_message_all_count() -> None:
    board = Board(watchers=1, tally=Tally())
    for number in (1, 2, 3):
        board.sent(number)
    board.take(7, response(0, 1, 2, 3), time.perf_counter_ns())
    assert board.complete == [1, 2, 3]


def test_an_event_delivered_too_often_is_caught() -> None:
    board = Board(watchers=1, tally=Tally())
    board.sent(1)
    board.take(7, response(0, 1), 0)
    with pytest.raises(WrongAnswerError, match="oftener"):
        board.take(7, response(0, 1), 0)


def test_an_event_out_of_order_is_caught() -> None:
    board = Board(watchers=2, tally=Tally())
    board.sent(1)
    board.sent(2)
    with pytest.raises(WrongAnswerError, match="went back"):
        board.take(7, response(0, 2, 1), 0)


def test_a_cancelled_watch_is_caught() -> None:
    message = rpc_pb2.WatchResponse(canceled=True, cancel_reason="compacted").SerializeToString()
    with pytest.raises(WrongAnswerError, match="compacted"):
        Board(watchers=1, tally=Tally()).take(7, message, 0)
