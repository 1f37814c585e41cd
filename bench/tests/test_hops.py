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
        ("run (threading.py:9);<lambda> (queue.py:1)", "interpreter", "interpreter"),
    ],
)
def test_a_stack_belongs_to_its_innermost_frame_of_ours(stack: str, hop: str, file: str) -> None:
    assert hop_of(stack, files=False) == hop
    assert hop_of(stack, files=True) == file


def test_shares_add_up_and_begin_with_the_greatest() -> None:
    samples = f"{LOOP} 1\n{LOOP};feed (raftkv/wire/hpack.py:3) 3\n"
    assert shares(samples, files=False) == {"wire": 0.75, "node": 0.25}
    assert list(shares(samples, files=False)) == ["wire", "node"]
