"""Finds and removes what a dead harness left behind: processes, namespaces, bridges, mounts."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from jepsen_tests.process.shell import ProgramError, run
from jepsen_tests.process.subnets import SUBNETS, Claim, Subnet, subnet_number

NAMESPACES = Path("/run/netns")
_INTERFACES = Path("/sys/class/net")
_MOUNTS = Path("/proc/self/mounts")
_END_SECONDS_MAX = 5.0
_POLL_SECONDS = 0.01


async def clean() -> list[str]:
    """Removes the networks of dead harnesses; returns the names of their bridges.

    Raises:
        ProgramError: Something can't be removed.
    """
    cleaned = []
    for number in sorted(_subnets_in_use()):
        claim = Claim.try_to_take(number)
        if claim is None:
            continue  # Its harness lives.
        try:
            # Another harness may have ended in order just now.
            if number in _subnets_in_use():
                await remove_everything_of(claim.subnet)
                cleaned.append(claim.subnet.bridge)
        finally:
            claim.release()
    return cleaned


async def claim_a_subnet() -> Claim:
    """The first subnet that nobody has, with nothing left of who had it before.

    Raises:
        ProgramError: All are taken, or leftovers can't be removed.
    """
    await clean()
    for number in range(SUBNETS):
        claim = Claim.try_to_take(number)
        if claim is not None:
            return claim
    raise ProgramError(f"all {SUBNETS} subnets are in use")


async def remove_everything_of(subnet: Subnet) -> None:
    """Ends all processes in a subnet's namespaces, then removes those, its bridge and mounts.

    Raises:
        ProgramError: Something can't be removed.
    """
    namespaces = [name for name in _namespaces() if subnet_number(name) == subnet.number]
    for namespace in namespaces:
        await _end_processes(namespace)
        await run("ip", "netns", "delete", namespace)
    for interface in _interfaces():
        # The cables go with the namespaces that they lead into, or went just now.
        if subnet_number(interface) == subnet.number:
            with suppress(ProgramError):
                await run("ip", "link", "delete", interface)
    for source, path in _mounts():
        if subnet_number(source) == subnet.number:
            await run("umount", "--lazy", path)


async def _end_processes(namespace: str) -> None:
    """Kills what runs in a namespace, and waits for it to be gone."""
    for _ in range(int(_END_SECONDS_MAX / _POLL_SECONDS)):
        pids = (await run("ip", "netns", "pids", namespace)).split()
        # A dead child that nobody has asked for yet has no namespace any more.
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        await asyncio.sleep(_POLL_SECONDS)
    raise ProgramError(f"there are processes in {namespace} that do not end")


def _subnets_in_use() -> set[int]:
    names = [*_namespaces(), *_interfaces(), *(source for source, _ in _mounts())]
    numbers = {subnet_number(name) for name in names}
    return {number for number in numbers if number is not None}


def _namespaces() -> list[str]:
    return _names_in(NAMESPACES)


def _interfaces() -> list[str]:
    return _names_in(_INTERFACES)


def _names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def _mounts() -> Iterable[tuple[str, str]]:
    """What is mounted: its source, which a tmpfs may call what it likes, and where."""
    for line in _MOUNTS.read_text().splitlines():
        source, path, *_ = line.split(" ")
        yield source, path.replace("\\040", " ")
