"""Whose mistake an error is: the product's, or that of the harness around it; and where it was."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
_PRODUCT = "raftkv/"
_DISK = "sim/disk:"


def is_of_product(error: Exception) -> bool:
    """Whether the product raised it, and not the harness around it.

    What the simulated disk refuses, a row that is not there or goes twice, is its caller's fault.
    """
    frames = [frame for frame in _frames(error) if not frame.startswith(_DISK)]
    return bool(frames) and frames[-1].startswith(_PRODUCT)


def where(error: Exception) -> str:
    """The innermost function of ours that the error came through: `package/file:function`."""
    return next(reversed(_frames(error)), "")


def _frames(error: Exception) -> list[str]:
    """The functions of ours that the error came through, the innermost last."""
    frame: TracebackType | None = error.__traceback__
    frames = []
    while frame is not None:
        code = frame.tb_frame.f_code
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / ".venv"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = "/".join(parts[parts[0] == "jepsen_tests" :])
            frames.append(f"{name}:{code.co_name.strip('_')}")
        frame = frame.tb_next
    return frames
