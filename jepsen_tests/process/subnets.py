"""Which addresses and names a cluster's network has, so that no two clusters share any.

The addresses are of 198.18.0.0/15, which RFC 2544 sets aside for tests of network devices: no
network that a machine is really on should use them. A cluster takes one /24 of it by locking a
file, which the kernel unlocks when the process ends, however it ends: names whose number nobody has
locked are leftovers.
"""

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SUBNETS = 512
"""So many /24 there are in 198.18.0.0/15."""
LOCKS = Path("/run/lock/jepsen_tests")
CLIENT_PORT = 2379
PEER_PORT = 2380
"""Each member has all ports to itself, so these are etcd's usual ones."""
_NAME = re.compile(r"jt(\d{1,3})(?:$|[-v])")
_MEMBER_ADDRESSES = range(10, 250)


@dataclass(frozen=True, slots=True)
class Subnet:
    """The names and addresses of one cluster's network."""

    number: int

    @property
    def bridge(self) -> str:
        """The bridge's interface; the other names begin with it."""
        return f"jt{self.number}"

    @property
    def client_address(self) -> str:
        """Where the clients are: the bridge's own address."""
        return self._host(1)

    def namespace(self, member: str) -> str:
        """A member's network namespace."""
        return f"{self.bridge}-{member}"

    def port_of_bridge(self, index: int) -> str:
        """The end of a member's cable that is at the bridge; index counts members from 0."""
        return f"{self.bridge}v{index}"

    def member_address(self, index: int) -> str:
        """A member's address; index counts members from 0."""
        return self._host(_MEMBER_ADDRESSES[index])

    def _host(self, number: int) -> str:
        return f"198.{18 + self.number // 256}.{self.number % 256}.{number}"


def subnet_number(name: str) -> int | None:
    """The number of the subnet that a bridge, namespace, interface or mount is named after."""
    match = _NAME.match(name)
    return int(match.group(1)) if match else None


class Claim:
    """A subnet that is ours until `release`, or until this process ends."""

    def __init__(self, subnet: Subnet, handle: int) -> None:
        self.subnet = subnet
        self._handle = handle

    @classmethod
    def try_to_take(cls, number: int) -> Self | None:
        """Takes this subnet unless a living process has it."""
        LOCKS.mkdir(parents=True, exist_ok=True)
        handle = os.open(LOCKS / str(number), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return cls(Subnet(number), handle)

    def release(self) -> None:
        """Gives it back."""
        os.close(self._handle)
