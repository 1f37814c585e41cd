"""Real clusters under real faults, end to end: what they do is valid, and all of it is recorded."""

import asyncio
import random
from pathlib import Path

import pytest

from jepsen_tests.commands.judging import judge
from jepsen_tests.commands.real_run import etcd_program
from jepsen_tests.history import FaultBand, History, Status
from jepsen_tests.plan import At, ClientDeath, Kill, Partition, Plan, PowerLoss, name_of
from jepsen_tests.process import compiling
from jepsen_tests.process.requirements import missing_for_networks
from jepsen_tests.process.run import Setting, carry_out
from jepsen_tests.process.schedule import DRAWS, schedule
from jepsen_tests.process.servers.etcd import EtcdServer
from jepsen_tests.process.servers.kind import ServerKind
from jepsen_tests.process.servers.raftkv import RaftkvServer
from jepsen_tests.verdict import State, worst
from jepsen_tests.workload.catalogue import WORKLOADS
from jepsen_tests.world.trial import Load

REGISTER = WORKLOADS["register"]
TARGETS = ("raftkv", "etcd")


def server(target: str) -> ServerKind:
    return RaftkvServer() if target == "raftkv" else EtcdServer(etcd_program())


def history_of(
    kind: ServerKind, plan: Plan, seconds: float, directory: Path, settle_seconds: float = 2
) -> History:
    """A run of the register workload."""
    if missing := missing_for_networks():
        pytest.skip(missing)
    history = History()
    load = Load(
        seed=1,
        seconds=seconds,
        clients=5,
        operations_per_second=100,
        settle_seconds=settle_seconds,
    )
    setting = Setting(
        kind=kind, members=3, workload=REGISTER, plan=plan, load=load, directory=directory
    )
    asyncio.run(carry_out(setting, history))
    return history


def assert_valid(history: History) -> None:
    """Every checker is content, and there was something to be content with."""
    wrong = [
        each
        for each in judge(history, REGISTER)
        # Unknown is no fault of the store; a short run ends too soon to say that all went on.
        if each.state not in (State.VALID, State.UNKNOWN)
    ]
    assert not wrong, wrong
    assert sum(operation.status is Status.OK for operation in history.operations) > 50


def band(history: History, name: str) -> FaultBand:
    return next(band for band in history.faults if band.name == name)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_a_store_that_is_killed_and_cut_apart_stays_valid(target: str, tmp_path: Path) -> None:
    plan = (
        At(0.5, Kill("leader"), 1.5),
        At(2.5, Partition("leader-isolated"), 4.5),
        At(4.8, ClientDeath()),
    )
    history = history_of(server(target), plan, 5.5, tmp_path)
    assert_valid(history)
    assert {band.name for band in history.faults} == {"kill", "partition", "client-death"}
    assert not any(band.skipped for band in history.faults)
    assert (band(history, "kill").end_ns or 0) / 1e9 - band(history, "kill").begin_ns / 1e9 > 0.9
    hashed = {str(fact.value) for fact in history.facts if fact.name == "hash_kv"}
    assert len(hashed) == 3, "a hash of each member"
    assert {state.role for state in history.members} >= {"leader", "follower"}
    assert all((tmp_path / name / "log").stat().st_size for name in ("m1", "m2", "m3"))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_every_fault_is_made_or_says_why_not(target: str, tmp_path: Path) -> None:
    kinds = [name_of(kind) for kind in DRAWS]
    kinds.remove("corrupt")  # No store promises to notice every damage.
    if target == "etcd":
        kinds.remove("compact")  # It can lose a watch's event then (the track record).
    plan = schedule(kinds, 120, random.Random(5))
    history = history_of(server(target), plan, 120, tmp_path, settle_seconds=16)
    assert_valid(history)
    made = {band.name for band in history.faults if not band.skipped}
    never = {"power-loss", "disk-error", "slow-disk", "clock-skew"} if target == "etcd" else set()
    drawn = {name_of(at.fault) for at in plan}
    assert made >= drawn - never - {"disk-full", "transfer", "member-change"}
    assert not made & never


FORGETFUL = """
import os
os.fsync = os.fdatasync = lambda descriptor: None
write = os.pwritev
os.pwritev = lambda descriptor, parts, offset, flags=0: write(descriptor, parts, offset)
"""
"""A Python whose files are never synced."""


@pytest.mark.long
def test_a_store_that_does_not_sync_is_found_when_the_power_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := compiling.why_not():
        pytest.skip(reason)
    forgetful = tmp_path / "forgetful"
    forgetful.mkdir()
    (forgetful / "sitecustomize.py").write_text(FORGETFUL)
    monkeypatch.setenv("PYTHONPATH", str(forgetful))
    plan = (At(3.0, PowerLoss("all"), 5.0),)
    history = history_of(RaftkvServer(), plan, 6, tmp_path / "run", settle_seconds=16)
    assert worst(judge(history, REGISTER)) is State.INVALID
