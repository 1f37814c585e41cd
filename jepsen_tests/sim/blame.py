"""Whose mistake an error is: the product's, or that of the harness around it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[2]
_PRODUCT = "raftkv"


def is_of_product(error: Exception) -> bool:
    """Whether the product raised it, and not the harness around it."""
    frame: TracebackType | None = error.__traceback__
    package = ""
    while frame is not None:
        path = Path(frame.tb_frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            package = path.relative_to(ROOT).parts[0]
        frame = frame.tb_next
    return package == _PRODUCT
