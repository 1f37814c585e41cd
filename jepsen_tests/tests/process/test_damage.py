"""Files are damaged where something is in them, and by as much as was said."""

import random
from pathlib import Path

import pytest

from jepsen_tests.process.nemeses.rot import FLIPS, ZERO_BYTES, damage, used_bytes

CONTENT = bytes(range(1, 256)) * 100


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file that has taken more room than it uses."""
    path = tmp_path / "log"
    path.write_bytes(CONTENT + bytes(3 << 20))
    return path


def test_what_is_in_use_ends_with_the_last_byte_that_is_not_zero(log: Path) -> None:
    assert used_bytes(log) == len(CONTENT)
    log.write_bytes(bytes(10))
    assert used_bytes(log) == 10


@pytest.mark.parametrize("seed", range(20))
def test_bits_are_flipped_where_something_is(log: Path, seed: int) -> None:
    damage(log, "flip", random.Random(seed))
    damaged = log.read_bytes()
    flipped = sum((a ^ b).bit_count() for a, b in zip(CONTENT, damaged, strict=False))
    assert 1 <= flipped <= FLIPS
    assert not any(damaged[len(CONTENT) :])


@pytest.mark.parametrize("seed", range(20))
def test_the_end_that_is_cut_off_was_in_use(log: Path, seed: int) -> None:
    damage(log, "truncate", random.Random(seed))
    assert len(CONTENT) - 4_096 <= log.stat().st_size < len(CONTENT)


@pytest.mark.parametrize("seed", range(20))
def test_a_page_of_zeros_is_written(log: Path, seed: int) -> None:
    damage(log, "zero", random.Random(seed))
    assert log.read_bytes()[: len(CONTENT)].count(0) == ZERO_BYTES


def test_there_is_no_other_damage(log: Path) -> None:
    with pytest.raises(ValueError, match="not 'melt'"):
        damage(log, "melt", random.Random(1))
