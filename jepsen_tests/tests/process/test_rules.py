"""What is wrong with the network becomes rules for the right links, in the right direction."""

from jepsen_tests.process.rules import filter_script, queue_script, rate_command
from jepsen_tests.process.subnets import SUBNETS, Subnet, subnet_number
from jepsen_tests.world.links import (
    CLIENTS,
    Disturbance,
    Lateness,
    Link,
    both_ways,
    one_way,
    total,
)

ADDRESSES = {CLIENTS: "198.18.7.1", "m1": "198.18.7.10", "m2": "198.18.7.11", "m3": "198.18.7.12"}


def rules(member: str, disturbance: Disturbance) -> list[str]:
    """The rules in a member's namespace, with their chain."""
    chain, found = "", []
    for line in filter_script(member, ADDRESSES, disturbance).splitlines():
        words = line.split()
        if words[:1] == ["chain"]:
            chain = words[1]
        elif words[:1] == ["ip"]:
            found.append(f"{chain}: {line.strip()}")
    return found


def test_a_healthy_network_has_no_rules() -> None:
    assert [rules(member, Disturbance()) for member in ("m1", "m2", "m3")] == [[], [], []]


def test_a_cut_in_one_direction_is_made_where_the_packets_arrive() -> None:
    cut = Disturbance(cut=one_way(["m1"], ["m2"]))
    assert rules("m1", cut) == []
    assert rules("m2", cut) == ["input: ip saddr 198.18.7.10 drop"]
    assert rules("m3", cut) == []


def test_a_cut_in_both_directions_is_made_at_both_ends() -> None:
    cut = Disturbance(cut=both_ways(["m1"], ["m2", "m3"]))
    assert rules("m1", cut) == [
        "input: ip saddr 198.18.7.11 drop",
        "input: ip saddr 198.18.7.12 drop",
    ]
    assert rules("m2", cut) == rules("m3", cut) == ["input: ip saddr 198.18.7.10 drop"]


def test_what_clients_do_not_get_is_dropped_where_it_leaves() -> None:
    cut = Disturbance(cut=both_ways(["m1"], [CLIENTS]))
    assert rules("m1", cut) == [
        "input: ip saddr 198.18.7.1 drop",
        "output: ip daddr 198.18.7.1 drop",
    ]
    assert rules("m2", cut) == []


def test_loss_is_a_chance_for_each_packet() -> None:
    lossy = Disturbance(loss={Link("m3", "m2"): 0.125})
    assert rules("m2", lossy) == ["input: ip saddr 198.18.7.12 numgen random mod 10000 < 1250 drop"]


def test_a_rate_is_set_and_taken_back() -> None:
    slow = Disturbance(rate_kilobits={"m2": 500})
    assert "tbf rate 500kbit" in " ".join(rate_command("m2", slow))
    assert rate_command("m1", slow)[-1] == "pfifo"


def test_queues_let_packets_pass_when_nobody_reads_them() -> None:
    assert "-A INPUT -s 198.18.7.10 -j NFQUEUE --queue-num 1 --queue-bypass" in queue_script(
        {"198.18.7.10": 1}
    )


def test_faults_add_up_to_the_worst_of_them() -> None:
    link, other = Link("m1", "m2"), Link("m2", "m1")
    both = total(
        [
            Disturbance(cut=frozenset({link}), loss={other: 0.1}, rate_kilobits={"m1": 100}),
            Disturbance(
                loss={other: 0.3}, lateness={link: Lateness(50)}, rate_kilobits={"m1": 900}
            ),
            Disturbance(lateness={link: Lateness(20, 5)}),
        ]
    )
    assert both == Disturbance(
        cut=frozenset({link}),
        loss={other: 0.3},
        lateness={link: Lateness(50)},
        rate_kilobits={"m1": 100},
    )


def test_everything_of_a_subnet_is_recognised_by_its_name() -> None:
    for number in (0, 7, 255, 256, SUBNETS - 1):
        subnet = Subnet(number)
        names = [subnet.bridge, subnet.namespace("m1"), subnet.port_of_bridge(4)]
        assert {subnet_number(name) for name in names} == {number}
        assert all(len(name) <= 15 for name in names), "the kernel's limit for interfaces"
    for name in ("eth0", "jt", "jtx-m1", "my-jt7", "jt7x", "tmpfs"):
        assert subnet_number(name) is None


def test_no_two_subnets_share_an_address() -> None:
    addresses = {
        address
        for number in range(SUBNETS)
        for address in (Subnet(number).client_address, Subnet(number).member_address(0))
    }
    assert len(addresses) == 2 * SUBNETS
    assert Subnet(511).member_address(3) == "198.19.255.13"
