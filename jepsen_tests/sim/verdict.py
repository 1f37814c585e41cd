"""What a seed came to: every promise kept, one broken, or a harness that stumbled."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.run import STORM_SECONDS, Outcome, Run
from jepsen_tests.sim.world import SECOND

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
_PRODUCT = "raftkv"


class State(IntEnum):
    """How a seed ended; the number is the command's exit code."""

    VALID = 0
    INVALID = 1
    TROUBLE = 3
    """The harness itself failed, so nothing is known of the product."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a seed."""

    seed: int
    state: State
    outcome: Outcome | None
    """Of a valid seed."""
    reason: str = ""
    """Why it is not valid, in a line."""
    details: str = ""
    """The stack of whatever was raised."""


def judge(
    seed: int, storm_seconds: int = STORM_SECONDS, trouble: Mapping[str, Any] | None = None
) -> Verdict:
    """Runs a seed to its verdict; `trouble` as of `Run`."""
    run = Run(seed, trouble)
    try:
        return Verdict(seed, State.VALID, run.carry_out(storm_seconds))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict
        is_broken = isinstance(error, BrokenPromiseError)
        state = State.INVALID if is_broken or _is_of_product(error) else State.TROUBLE
        what = str(error) if is_broken else f"{type(error).__name__}: {error}"
        reason = f"after {run.world.now_us / SECOND:.3f} s: {what}"
        return Verdict(seed, state, None, reason, "".join(traceback.format_exception(error)))


def _is_of_product(error: Exception) -> bool:
    """Whether the product raised it, and not the harness around it."""
    frame: TracebackType | None = error.__traceback__
    package = ""
    while frame is not None:
        path = Path(frame.tb_frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            package = path.relative_to(ROOT).parts[0]
        frame = frame.tb_next
    return package == _PRODUCT
