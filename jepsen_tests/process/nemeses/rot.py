"""Damages a member's files while it is stopped: flips bits, writes zeros, or cuts the end off.

A member that then refuses to start, as it should, is replaced by an empty one, which is what its
owner would do. Never more than a minority: nobody can do without a majority.
"""

import random
from pathlib import Path

from jepsen_tests.plan import Corrupt
from jepsen_tests.process.admin import ClusterStuckError
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.targets import chosen

FLIPS = 3
CUT_BYTES_MAX = 4_096
ZERO_BYTES = 4_096
BLOCK_BYTES = 1 << 20


def why_not(_cluster: ProcessCluster) -> str:
    """Files can be damaged everywhere."""
    return ""


async def inflict(cluster: ProcessCluster, fault: Corrupt, chance: random.Random) -> Infliction:
    """Stops members, damages their files, starts them, and sees to it that they serve again."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    if 2 * len(targets) >= len(cluster.names):
        raise NotNowError(f"{len(targets)} of {len(cluster.names)} members are no minority")
    if cluster.damaged:
        raise NotNowError(f"{', '.join(sorted(cluster.damaged))} did not recover yet")
    words = []
    for name in targets:
        data = cluster.members[name].files.data
        files = [path for path in cluster.kind.files(data, fault.file) if path.stat().st_size]
        if not files:
            raise NotNowError(f"{name} has no file of its {fault.file}")
        await cluster.members[name].kill()
        cluster.damaged.add(name)
        words.append(f"{name}: {damage(files[0], fault.how, chance)}")
        await cluster.revive(name)

    try:
        for name in targets:
            await cluster.bring_back(name)
    except ClusterStuckError as error:
        raise NotNowError(f"{'; '.join(words)}; then {error}") from error
    return Infliction(targets, "; ".join(words))


def damage(path: Path, how: str, chance: random.Random) -> str:
    """Damages the part of a file that is in use; says how."""
    size = used_bytes(path)
    match how:
        case "flip":
            with path.open("r+b") as file:
                for _ in range(FLIPS):
                    position = chance.randrange(size)
                    file.seek(position)
                    byte = file.read(1)[0] ^ 1 << chance.randrange(8)
                    file.seek(position)
                    file.write(bytes([byte]))
            return f"{FLIPS} bits of {path.name} flipped"
        case "truncate":
            cut = chance.randint(1, min(size, CUT_BYTES_MAX))
            with path.open("r+b") as file:
                file.truncate(size - cut)
            return f"the last {cut} bytes of {path.name} cut off"
        case "zero":
            length = min(size, ZERO_BYTES)
            position = chance.randint(0, size - length) // ZERO_BYTES * ZERO_BYTES
            with path.open("r+b") as file:
                file.seek(position)
                file.write(bytes(length))
            return f"{length} bytes of {path.name} zeroed from byte {position} on"
        case _:
            raise ValueError(f"files are damaged by `flip`, `truncate` or `zero`, not {how!r}")


def used_bytes(path: Path) -> int:
    """Up to the last byte that is not zero: logs take room before they need it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for start in range((size - 1) // BLOCK_BYTES * BLOCK_BYTES, -1, -BLOCK_BYTES):
            file.seek(start)
            block = file.read(BLOCK_BYTES).rstrip(b"\0")
            if block:
                return start + len(block)
    return size
