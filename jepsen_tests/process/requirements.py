"""What a machine must have for clusters in namespaces, and what it lacks."""

import os

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


def missing_for_networks() -> str:
    """What is missing, in one sentence; empty when nothing is."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = sorted({_PROGRAMS[name] for name in missing_programs(*_PROGRAMS)})
    if missing:
        return f"not installed: {', '.join(missing)} (apt-get install {' '.join(missing)})"
    return ""
