"""What every command shares: exit codes and the text of `--version`."""

import sys

from raftkv.config import ETCD_VERSION, VERSION

SUCCESS = 0
FAILED = 1
USAGE_ERROR = 2


def version_text() -> str:
    """What `--version` prints: our version, and the etcd release whose API we answer to."""
    python = ".".join(str(number) for number in sys.version_info[:3])
    return f"raftkv Version: {VERSION}\netcd Version: {ETCD_VERSION}\nPython Version: {python}\n"
