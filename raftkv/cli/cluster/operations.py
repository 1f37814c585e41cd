"""What can be done to a local cluster: bring it up, take it down, restart a member of it."""

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from raftkv.cli.cluster import ports, probe, processes
from raftkv.cli.cluster.layout import CLUSTER_FILE, ClusterError, Directory, Layout, Member
from raftkv.cli.cluster.processes import Child
from raftkv.cli.cluster.progress import Progress

LOCK_FILE = "lock"
MEMBERS = 3
LOCK_SECONDS_MAX = 15.0
POLL_SECONDS = 0.05
PROBE_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The cluster that somebody asked for; None and empty: as it is, or as usual."""

    members: int | None = None
    base_port: int | None = None
    free_ports: bool = False
    server: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@contextmanager
def locked(directory: Directory) -> Iterator[None]:
    """Lets one command at a time change the cluster.

    Raises:
        ClusterError: Another command took too long.
    """
    directory.path.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS_MAX
    handle = os.open(directory.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"another `raftkv cluster` command is at work in {directory.path}"
                    ) from None
                time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def existing(directory: Directory) -> Layout:
    """The cluster that is here.

    Raises:
        ClusterError: There is none.
    """
    layout = directory.load()
    if layout is None:
        raise ClusterError(
            f"there is no cluster in {directory.path}; `raftkv cluster up` starts one"
        )
    return layout


def up(
    directory: Directory, request: Request, progress: Progress, seconds_max: float
) -> tuple[Layout, dict[str, Child]]:
    """Starts the members that do not run and returns when all are healthy.

    When that fails, or is interrupted, the members that were started here are stopped again.

    Raises:
        ClusterError: It cannot be as asked, or does not become healthy in time.
    """
    layout = directory.load()
    is_new = layout is None
    if layout is None:
        layout = _new_layout(directory, request)
    else:
        _check_same(directory, layout, request)
    processes.signal_members(directory, None, signal.SIGCONT)
    alive = {process.member for process in processes.running(directory)}
    missing = [member for member in layout.members if member.name not in alive]
    ports.check_free(missing)
    if is_new:
        directory.save(layout)
    return layout, start_and_wait(directory, layout, missing, progress, seconds_max)


def start_and_wait(
    directory: Directory,
    layout: Layout,
    members: list[Member],
    progress: Progress,
    seconds_max: float,
) -> dict[str, Child]:
    """Starts members and waits until every member of the cluster that runs is healthy.

    Raises:
        ClusterError: One of them ended, or they did not become healthy in time.
    """
    children: dict[str, Child] = {}
    try:
        for member in members:
            progress.update(member.name, "starting")
            children[member.name] = processes.start(layout, directory, member)
        _wait_until_healthy(directory, layout, children, progress, seconds_max)
    except BaseException as error:
        processes.stop(directory, {member.name for member in members})
        if isinstance(error, OSError):
            raise ClusterError(f"cannot start a member: {error}") from error
        raise
    return children


def _new_layout(directory: Directory, request: Request) -> Layout:
    """A cluster as asked for, on ports of the kind asked for."""
    for data in directory.path.glob("*/data"):
        raise ClusterError(
            f"{data} is a member's data, but {CLUSTER_FILE} is not there to say whose;"
            " use another --data-dir, or delete it"
        )
    members = request.members or MEMBERS
    if request.free_ports:
        pairs = ports.free_ports(members)
    elif request.base_port:
        pairs = ports.ports_from(request.base_port, members)
    else:
        pairs = ports.usual_ports(members)
    return Layout.make(pairs, request.server, request.flags)


def _check_same(directory: Directory, layout: Layout, request: Request) -> None:
    """Refuses a request for something else than what is there."""
    base = request.base_port
    different = [
        request.members not in (None, len(layout.members))
        and f"it has {len(layout.members)} members",
        base not in (None, layout.members[0].client_port)
        and f"its first port is {layout.members[0].client_port}",
        request.server not in ((), layout.server) and "its members run another server",
        request.flags not in ((), layout.flags) and "its members have other flags",
    ]
    for difference in different:
        if difference:
            raise ClusterError(
                f"there is another cluster in {directory.path}: {difference};"
                " `raftkv cluster down --delete` removes it and its data"
            )


def _wait_until_healthy(
    directory: Directory,
    layout: Layout,
    children: dict[str, Child],
    progress: Progress,
    seconds_max: float,
) -> None:
    """Waits for all members that run, if they are a majority."""
    began = time.monotonic()
    alive = {process.member for process in processes.running(directory) if not process.is_paused}
    waiting = [member for member in layout.members if member.name in alive | children.keys()]
    if 2 * len(waiting) <= len(layout.members):
        progress.note("fewer than a majority of the members run, so that nothing can be healthy")
        return
    while waiting:
        for member in list(waiting):
            _check_alive(directory, member, children.get(member.name))
            trouble = probe.trouble(member.client_port, PROBE_SECONDS_MAX)
            seconds = time.monotonic() - began
            if trouble is None:
                waiting.remove(member)
                progress.update(member.name, f"healthy after {seconds:.1f} s", is_done=True)
            elif seconds > seconds_max:
                log = directory.log(member.name)
                raise ClusterError(
                    f"{member.name} is not healthy after {seconds_max:g} s: {trouble}; see {log}"
                )
            else:
                progress.update(member.name, trouble)
        time.sleep(POLL_SECONDS)


def _check_alive(directory: Directory, member: Member, child: Child | None) -> None:
    """Says what a member wrote last when it ended by itself."""
    code = child.exit_code() if child else None
    if code is None:
        return
    lines = directory.log(member.name).read_text(errors="replace").splitlines()
    last = lines[-1] if lines else "it wrote nothing"
    log = directory.log(member.name)
    raise ClusterError(f"{member.name} ended with exit code {code}: {last} (the log: {log})")


def delete(directory: Directory) -> None:
    """Deletes the cluster's files, and the directory when nothing else is in it.

    Raises:
        ClusterError: There is no cluster.
    """
    for member in existing(directory).members:
        shutil.rmtree(directory.path / member.name, ignore_errors=True)
    for name in (CLUSTER_FILE, LOCK_FILE):
        (directory.path / name).unlink(missing_ok=True)
    if not any(directory.path.iterdir()):
        directory.path.rmdir()
