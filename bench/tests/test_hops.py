"""Stacks are counted for the package they were in."""

import pytest

from bench.hops import hop_of, shares

LOOP = "main (raftkv/cli/main.py:9);run (asyncio/base_events.py:600);turn (raftkv/node/loop.py:40)"


@pytest.mark.parametrize(
    ("stack", "hop", "file"),
    [
        (LOOP, "node", "node/loop"),
        (f"{LOOP};feed (raftkv/wire/hpack.py:3)", "wire", "wire/hpack"),
        (f"{LOOP};feed (raftkv/wire/hpack.py:3);join (enum.py:5)", "wire", "wire/hpack"),
        ("main (/src/raftkv/raftkv/member.py:7)", "member", "member"),
        ("serve (raftkv/member/serve.py:1);run (asyncio/runners.py:2)", "event loop", "event loop"),
        ("run (threading.py:9);<lambda> (queue.py:1)", "interpreter", "interpreter"),
    ],
)
def test_a_stack_belongs_to_its_innermost_frame_of_ours(stack: str, hop: str, file: str) -> None:
    assert hop_of(stack, files=False) == hop
    assert hop_of(stack, files=True) == file


def test_shares_add_up_and_begin_with_the_greatest() -> None:
    samples = f"""\
thread (7): MainThread;{LOOP} 1
thread (7): MainThread;{LOOP};feed (raftkv/wire/hpack.py:3) 3
"""
    found = shares(samples, {7: 2.0}, files=False)
    assert found == {"wire": 0.75, "node": 0.25}
    assert list(found) == ["wire", "node"]


def test_a_thread_counts_by_its_cpu_time_not_by_its_samples() -> None:
    samples = f"""\
thread (7): MainThread;{LOOP} 10
thread (8): storage;commit (raftkv/storage/writer.py:5) 90
thread (9): gone;commit (raftkv/storage/writer.py:5) 5
"""
    assert shares(samples, {7: 3.0, 8: 1.0}, files=False) == {"node": 0.75, "storage": 0.25}
