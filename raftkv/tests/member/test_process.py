"""`raftkv serve` as a process: how it ends, and the one line that says why."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from raftkv.config import MemberConfig
from raftkv.tests.member.given import Served, configs, get, put

pytestmark = pytest.mark.slow


def put_now(config: MemberConfig, key: bytes, value: bytes) -> int:
    return asyncio.run(put(config, key, value))


def get_now(config: MemberConfig, key: bytes) -> bytes | None:
    return asyncio.run(get(config, key))


def test_a_member_that_is_told_to_stop_exits_with_0_and_keeps_its_data(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    served = Served(config)
    served.ready()
    put_now(config, b"k", b"v")
    assert served.terminate()[0] == 0

    served = Served(config)
    served.ready()
    assert get_now(config, b"k") == b"v"
    assert served.terminate()[0] == 0


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    served = Served(config)
    served.ready()
    for number in range(20):
        put_now(config, b"k", b"%d" % number)
    served.kill()

    served = Served(config)
    served.ready()
    assert get_now(config, b"k") == b"19"
    served.terminate()


def test_a_second_process_on_the_same_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    served = Served(config)
    served.ready()
    (other,) = configs(tmp_path)

    second = Served(replace(other, data_dir=config.data_dir))
    code, line = second.ended()

    assert code == 1
    assert len(second.lines) == 1
    assert line.startswith(f"raftkv serve: {config.data_dir}")
    assert "in use" in line
    assert get_now(config, b"nothing") is None
    assert served.terminate()[0] == 0


@pytest.mark.parametrize("taken", ["listen_client_urls", "listen_peer_urls"])
def test_a_taken_port_is_named_and_leaves_the_disk_as_it_was(tmp_path: Path, taken: str) -> None:
    (config,) = configs(tmp_path / "first")
    served = Served(config)
    served.ready()
    (other,) = configs(tmp_path / "second")

    second = Served(replace(other, **{taken: getattr(config, taken)}))
    code, line = second.ended()

    flag = "--" + taken.replace("_", "-")
    assert (code, len(second.lines)) == (1, 1)
    assert line.startswith(f"raftkv serve: {flag} {getattr(config, taken)[0]}: address already in")
    assert not Path(other.data_dir).exists()
    served.terminate()


def test_a_member_that_joins_a_cluster_which_does_not_know_it_is_told_what_to_do(
    tmp_path: Path,
) -> None:
    (config,) = configs(tmp_path / "first")
    served = Served(config)
    served.ready()
    (other,) = configs(tmp_path / "second")
    stranger = replace(
        other,
        name="stranger",
        initial_cluster=(*config.initial_cluster, ("stranger", other.listen_peer_urls[0])),
        initial_cluster_state="existing",
    )

    joining = Served(stranger)
    code, line = joining.ended()

    assert code == 1
    assert line.startswith("raftkv serve: the running cluster has no member with the peer URLs")
    served.terminate()


def test_a_member_whose_name_is_not_in_its_cluster_is_told_so(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    code, line = Served(replace(config, name="other")).ended()
    assert code == 2
    assert line == "raftkv serve: --initial-cluster does not contain --name=other"


def test_a_member_that_lost_its_disk_is_not_let_in_as_if_it_were_new(tmp_path: Path) -> None:
    given = configs(tmp_path, 3)
    members = [Served(config) for config in given]
    for served in members:
        served.ready()
    put_now(given[0], b"k", b"v")
    members[2].kill()

    blank = Served(replace(given[2], data_dir=str(tmp_path / "blank")))
    code, line = blank.ended()

    assert code == 1
    assert "has already been bootstrapped" in line
    for served in members[:2]:
        assert served.terminate()[0] == 0


def test_a_process_without_assertions_refuses_to_start(tmp_path: Path) -> None:
    (config,) = configs(tmp_path)
    code, line = Served(config, "-O").ended()
    assert code == 1
    assert line.startswith("raftkv serve: assertions are off")
