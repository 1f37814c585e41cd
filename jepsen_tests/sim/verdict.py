"""What a seed came to: every promise kept, one broken, or a harness that stumbled."""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from jepsen_tests.sim.blame import is_of_product, where
from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.run import STORM_SECONDS, Outcome, Run
from jepsen_tests.sim.world import SECOND


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
    check: str = ""
    """What found it: a check of the harness, or an assertion of the product."""


def judge(
    seed: int, storm_seconds: int = STORM_SECONDS, trouble: Mapping[str, Any] | None = None
) -> Verdict:
    """Runs a seed to its verdict; `trouble` as of `Run`."""
    run = Run(seed, trouble)
    try:
        return Verdict(seed, State.VALID, run.carry_out(storm_seconds))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the verdict
        is_broken = isinstance(error, BrokenPromiseError)
        state = State.INVALID if is_broken or is_of_product(error) else State.TROUBLE
        what = str(error) if is_broken else f"{type(error).__name__}: {error}"
        reason = f"after {run.world.now_us / SECOND:.3f} s: {what}"
        details = "".join(traceback.format_exception(error))
        return Verdict(seed, state, None, reason, details, where(error))
