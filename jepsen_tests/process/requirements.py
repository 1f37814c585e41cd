"""What a machine must have for clusters in namespaces, and what it lacks."""

import os
from pathlib import Path

from jepsen_tests.process.shell import missing_programs

_PROGRAMS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
}
"""Each program with the Debian package that has it."""
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
"""What the root of a container often lacks (capabilities(7)), by the kernel's numbers."""


def missing_for_networks() -> str:
    """What is missing, in one sentence; empty when nothing is."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if lacking := [name for name, bit in _CAPABILITIES.items() if not _capabilities() >> bit & 1]:
        return f"network namespaces need what this root may not do: {', '.join(lacking)}"
    missing = sorted({_PROGRAMS[name] for name in missing_programs(*_PROGRAMS)})
    if missing:
        return f"not installed: {', '.join(missing)} (apt-get install {' '.join(missing)})"
    return ""


def _capabilities() -> int:
    """The capabilities of this process, a bit each."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
