"""Turns what is wrong with the network into commands for one member's namespace.

Packets are dropped where they arrive, so that their sender notices nothing, as with a broken cable;
those to the clients, which are in no namespace of their own, where they leave.
"""

from collections.abc import Mapping

from jepsen_tests.world.links import CLIENTS, Disturbance, Link

TABLE = "inet faults"
INTERFACE = "eth0"
"""What a member's end of its cable is called in its namespace."""
_LOSS_STEPS = 10_000
_BURST_BYTES = 16_000
_QUEUE_MILLISECONDS = 200


def filter_script(member: str, addresses: Mapping[str, str], disturbance: Disturbance) -> str:
    """The `nft` script after which a member's namespace drops what it should, and nothing else.

    Args:
        member: whose namespace it is for.
        addresses: of all members and of the clients.
        disturbance: what is wrong with the network as a whole.
    """
    arriving, leaving = [], []
    for other, address in sorted(addresses.items()):
        arriving += _drops(f"ip saddr {address}", Link(other, member), disturbance)
    leaving = _drops(f"ip daddr {addresses[CLIENTS]}", Link(member, CLIENTS), disturbance)
    # The table is created before it is deleted, since deleting what isn't there is an error.
    return "\n".join(
        [
            f"table {TABLE}",
            f"delete table {TABLE}",
            f"table {TABLE} {{",
            *_chain("input", arriving),
            *_chain("output", leaving),
            "}",
            "",
        ]
    )


def _chain(hook: str, rules: list[str]) -> list[str]:
    opening = f"  chain {hook} {{ type filter hook {hook} priority 0; policy accept;"
    return [opening, *(f"    {rule}" for rule in rules), "  }"]


def _drops(packets: str, link: Link, disturbance: Disturbance) -> list[str]:
    """The rules for one link; none when it is well."""
    if link in disturbance.cut:
        return [f"{packets} drop"]
    steps = round(disturbance.loss.get(link, 0.0) * _LOSS_STEPS)
    if not steps:
        return []
    return [f"{packets} numgen random mod {_LOSS_STEPS} < {steps} drop"]


def rate_command(member: str, disturbance: Disturbance) -> list[str]:
    """The `tc` command that limits what a member sends, or ends the limit."""
    kilobits = disturbance.rate_kilobits.get(member)
    if kilobits is None:
        # Unlike `del`, this is no error when there was no limit.
        return ["tc", "qdisc", "replace", "dev", INTERFACE, "root", "pfifo"]
    limit = [f"rate {kilobits}kbit", f"burst {_BURST_BYTES}", f"latency {_QUEUE_MILLISECONDS}ms"]
    return ["tc", "qdisc", "replace", "dev", INTERFACE, "root", "tbf", *" ".join(limit).split()]


def queue_script(queues: Mapping[str, int]) -> str:
    """The `iptables-restore` script that hands arriving packets to queues, by sender's address.

    When nobody reads a queue its packets pass, so that a harness that died leaves a network.
    """
    rules = [
        f"-A INPUT -s {address} -j NFQUEUE --queue-num {queue} --queue-bypass"
        for address, queue in sorted(queues.items())
    ]
    return "\n".join(["*filter", ":INPUT ACCEPT", *rules, "COMMIT", ""])
