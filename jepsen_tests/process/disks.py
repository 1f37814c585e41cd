"""A small disk a member, which can be full: a tmpfs, and a file that takes all the room."""

import contextlib
import os
import shutil
from pathlib import Path

from jepsen_tests.process.shell import run

SIZE_MEBIBYTES = 512
"""Room for the data of some minutes, in memory."""
_BALLAST = "ballast"


async def mount(name: str, path: Path) -> None:
    """Puts an empty file system at a directory; its name tells whose it is (`leftovers`)."""
    path.mkdir(parents=True, exist_ok=True)
    await run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MEBIBYTES}m", name, str(path))


async def unmount(path: Path) -> None:
    """Takes it away; its files stay, in the directory where it was."""
    free(path)
    kept = path.with_name(f"{path.name}.kept")
    shutil.copytree(path, kept)
    await run("umount", str(path))
    path.rmdir()
    kept.rename(path)


def fill(path: Path) -> int:
    """Takes all the room that is left; returns how many bytes that was."""
    space = os.statvfs(path)
    count = space.f_bavail * space.f_frsize
    with (path / _BALLAST).open("wb") as ballast:
        if count:
            os.posix_fallocate(ballast.fileno(), 0, count)
    return count


def free(path: Path) -> None:
    """Gives the room back."""
    with contextlib.suppress(FileNotFoundError):
        (path / _BALLAST).unlink()
