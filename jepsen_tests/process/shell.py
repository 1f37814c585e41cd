"""Runs the system's own programs (ip, nft, tc, iptables, mount) and says what went wrong."""

import asyncio
import shutil

SECONDS_MAX = 30.0
"""None of these programs takes longer unless the machine is stuck."""


class ProgramError(Exception):
    """A program failed; the text has its command line and what it said."""


def missing_programs(*names: str) -> list[str]:
    """Those of these programs that are not installed."""
    return [name for name in names if shutil.which(name) is None]


async def run(*command: str, stdin: str = "") -> str:
    """Runs a program to its end and returns what it printed.

    Raises:
        ProgramError: It is not installed, failed, or took too long.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise ProgramError(f"{command[0]} is not installed") from error
    try:
        output, errors = await asyncio.wait_for(process.communicate(stdin.encode()), SECONDS_MAX)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise ProgramError(f"{' '.join(command)}: took over {SECONDS_MAX:g} s") from error
    if process.returncode:
        said = (errors or output).decode(errors="replace").strip()
        raise ProgramError(f"{' '.join(command)}: exit code {process.returncode}: {said}")
    return output.decode(errors="replace")


async def run_in_namespace(namespace: str, *command: str, stdin: str = "") -> str:
    """Runs a program in a network namespace; raises as `run`."""
    return await run(*into_namespace(namespace), *command, stdin=stdin)


def into_namespace(namespace: str) -> list[str]:
    """What to put before a command so that it runs in a network namespace, in the same process."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]
