"""Compiles the shims, once a run."""

from pathlib import Path

from jepsen_tests.process.shell import missing_programs, run

STORAGE = Path(__file__).parent / "storage_shim" / "shim.c"
CLOCK = Path(__file__).parent / "clock_shim" / "shim.c"
COMPILER = "gcc"


def why_not() -> str:
    """Why they can't be compiled here; empty if they can."""
    return f"{COMPILER} is not installed" if missing_programs(COMPILER) else ""


async def compile_shim(source: Path, target: Path) -> None:
    """Makes a library of it; raises ProgramError."""
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    await run(COMPILER, *options, "-o", str(target), str(source), "-ldl", "-lpthread")
