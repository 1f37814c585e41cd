"""The members' processes: found, started and signalled.

A member is recognised by its data directory on its command line, looked up in /proc at the moment
when it matters. A process id in a file says only what was true once: after a crash or a reboot it
may be anybody's. Signals go through a pidfd that was opened before the last look, so that they
cannot reach a process that took over the number in between.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from raftkv.cli.cluster.layout import Directory, Layout, Member, command_line, data_dir_flag

STOP_SECONDS_MAX = 10.0
"""A member that takes longer to stop is killed."""
POLL_SECONDS = 0.05
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A living process of a member; a server behind a wrapper script has two."""

    pid: int
    member: str
    is_paused: bool
    data_flag: str

    def send(self, signal_number: int) -> bool:
        """Sends a signal; False when the process is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            if self.data_flag not in _words(self.pid):
                return False
            signal.pidfd_send_signal(handle, signal_number)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(handle)


@dataclass(slots=True)
class Child:
    """A member that this process started, and that outlives it."""

    pid: int
    _exit_code: int | None = None

    def exit_code(self) -> int | None:
        """The code with which it ended (negative: the signal), or None while it runs."""
        if self._exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._exit_code = os.waitstatus_to_exitcode(status)
        return self._exit_code


def running(directory: Directory, names: set[str] | None = None) -> list[Process]:
    """The processes of this cluster's members, all or these; needs no file of the cluster's."""
    prefix = f"--data-dir={directory.path}/"
    found = []
    for pid in _own_pids():
        for word in _words(pid):
            name = word.removeprefix(prefix).partition("/")[0]
            if word == data_dir_flag(directory, name) and (names is None or name in names):
                found.append(Process(pid, name, _state(pid) == "T", word))
    return found


def start(layout: Layout, directory: Directory, member: Member) -> Child:
    """Starts a member in the background, in a session of its own, so that no Ctrl-C reaches it.

    Raises:
        OSError: Its files cannot be made or its program not be run.
    """
    log = directory.log(member.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = command_line(layout, directory, member)
    pid = os.posix_spawnp(
        arguments[0],
        arguments,
        {key: value for key, value in os.environ.items() if not key.startswith("ETCD_")},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    )
    directory.pid(member.name).write_text(f"{pid}\n")
    return Child(pid)


def signal_members(directory: Directory, names: set[str] | None, signal_number: int) -> set[str]:
    """Sends a signal to members, all or these; returns the names of those that were there."""
    return {process.member for process in running(directory, names) if process.send(signal_number)}


def stop(directory: Directory, names: set[str] | None = None) -> set[str]:
    """Stops members, all or these, and returns the names of those that ran.

    They are asked first, paused ones too, and killed when they take too long.
    """
    with _undisturbed():
        stopping = signal_members(directory, names, signal.SIGTERM)
        signal_members(directory, names, signal.SIGCONT)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while running(directory, names) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return stopping | kill(directory, names)


def kill(directory: Directory, names: set[str] | None) -> set[str]:
    """Ends members as a power failure would; returns the names of those that ran."""
    killed: set[str] = set()
    while there := signal_members(directory, names, signal.SIGKILL):
        killed |= there
        time.sleep(POLL_SECONDS)
    for name in names or {path.parent.name for path in directory.path.glob("*/pid")}:
        directory.pid(name).unlink(missing_ok=True)
    return killed


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keeps Ctrl-C and its like waiting: what is half stopped would be left behind."""
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _own_pids() -> Iterator[int]:
    """Processes of this user in this process id namespace (a container's are not ours)."""
    namespace = (PROC / "self" / "ns" / "pid").readlink()
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "ns" / "pid").readlink() == namespace:
                yield int(entry.name)
        except OSError:
            continue  # It ended, or belongs to someone else.


def _words(pid: int) -> list[str]:
    """A process's command line; empty when it is gone or dead."""
    try:
        return os.fsdecode((PROC / str(pid) / "cmdline").read_bytes()).split("\0")
    except OSError:
        return []


def _state(pid: int) -> str:
    """A process's state letter; T when it is paused, empty when it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]
