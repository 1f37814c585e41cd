"""The storage shim: a power failure takes exactly what was not synced."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from jepsen_tests.process import compiling
from jepsen_tests.process.storage_shim.control import DiskControl
from jepsen_tests.process.storage_shim.journal import Change, Fate
from jepsen_tests.process.storage_shim.place import ShimPlace
from jepsen_tests.process.storage_shim.power_loss import decide, lose_power, rebuild

PROGRAM = """
import errno, json, os, sys
files = {}
def do(verb, *arguments):
    if verb == "open":
        files[arguments[0]] = os.open(arguments[1], os.O_RDWR | os.O_CREAT | arguments[2], 0o644)
    elif verb == "pwrite":
        os.pwrite(files[arguments[0]], arguments[1].encode(), arguments[2])
    elif verb == "write":
        os.write(files[arguments[0]], arguments[1].encode())
    elif verb == "writev":
        os.pwritev(files[arguments[0]], [part.encode() for part in arguments[1]], arguments[2])
    elif verb == "durable":
        os.pwritev(files[arguments[0]], [arguments[1].encode()], arguments[2], os.RWF_DSYNC)
    elif verb == "truncate":
        os.ftruncate(files[arguments[0]], arguments[1])
    elif verb == "allocate":
        os.posix_fallocate(files[arguments[0]], 0, arguments[1])
    elif verb in ("fsync", "fdatasync"):
        getattr(os, verb)(files[arguments[0]])
    elif verb == "sync_directory":
        os.fsync(os.open(arguments[0], os.O_RDONLY))
    else:
        getattr(os, verb)(*arguments)
for line in sys.stdin:
    try:
        do(*json.loads(line))
        print("ok", flush=True)
    except OSError as error:
        print(errno.errorcode[error.errno], flush=True)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled shim."""
    if reason := compiling.why_not():
        pytest.skip(reason)
    path = tmp_path_factory.mktemp("shim") / "shim.so"
    asyncio.run(compiling.compile_shim(compiling.STORAGE, path))
    return path


class Program:
    """A process with the shim that does what it is told."""

    def __init__(self, library: Path, directory: Path) -> None:
        self.place = ShimPlace(library, directory / "data", directory / "journal")
        self.data = self.place.data
        self._start()
        self.control = DiskControl(self.place.journal)

    def _start(self) -> None:
        environment = {**os.environ, **self.place.environment()}
        self._popen = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=self.data,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __call__(self, *order: Any) -> str:  # noqa: ANN401 - as JSON has it
        assert self._popen.stdout is not None
        self.begin(*order)
        return self._popen.stdout.readline().strip()

    def begin(self, *order: Any) -> None:  # noqa: ANN401 - as JSON has it
        """Gives an order and does not wait for its end."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps(order) + "\n")
        self._popen.stdin.flush()

    def kill(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGKILL)
            self._popen.communicate()

    def restart(self) -> None:
        """Ends it, without a power failure, and starts it again."""
        self.kill()
        self._start()

    def lose_power(self, chance: random.Random) -> None:
        self.kill()
        lose_power(self.data, self.place.journal, chance)

    def read(self, name: str) -> str:
        return (self.data / name).read_text()


class NothingSurvives(random.Random):
    """Chance at its worst."""

    @override
    def random(self) -> float:
        return 0.0

    @override
    def randint(self, a: int, b: int) -> int:
        return b


@pytest.fixture
def program(library: Path, tmp_path: Path) -> Iterator[Program]:
    """The process; killed at the end."""
    program = Program(library, tmp_path)
    yield program
    program.kill()
    program.control.close()


WORST = NothingSurvives()


@pytest.mark.slow
def test_what_was_synced_stays_and_what_was_not_goes(program: Program) -> None:
    program("open", "f", "log", 0)
    program("pwrite", "f", "one two ", 0)
    program("fdatasync", "f")
    program("pwrite", "f", "XXX", 4)
    program("pwrite", "f", "three", 8)
    assert program.read("log") == "one XXX three"
    program.lose_power(WORST)
    assert program.read("log") == "one two "


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        ("write", "f", "zz"),
        ("writev", "f", ["a", "bc"], 2),
        ("truncate", "f", 2),
        ("truncate", "f", 100),
        ("allocate", "f", 50),
        ("open", "g", "log", os.O_TRUNC),
    ],
    ids=["write", "writev", "shorter", "longer", "allocate", "truncating-open"],
)
def test_every_way_to_change_a_file_is_undone(program: Program, change: tuple[Any, ...]) -> None:
    program("open", "f", "log", 0)
    program("pwrite", "f", "abcdefgh", 0)
    program("fsync", "f")
    assert program(*change) == "ok"
    assert program.read("log") != "abcdefgh"
    program.lose_power(WORST)
    assert program.read("log") == "abcdefgh"


@pytest.mark.slow
def test_a_write_that_is_synced_by_itself_stays_on_top_of_one_that_is_not(
    program: Program,
) -> None:
    program("open", "f", "log", 0)
    program("open", "meta", "log", os.O_DSYNC)
    program("pwrite", "f", "abcdefgh", 0)
    program("fsync", "f")
    program("pwrite", "f", "ABCD", 0)
    program("pwrite", "meta", "12", 2)
    program.lose_power(WORST)
    assert program.read("log") == "ab12efgh"


@pytest.mark.slow
def test_a_single_write_that_is_synced_by_itself_stays(program: Program) -> None:
    program("open", "f", "log", 0)
    program("fsync", "f")
    program("durable", "f", "abcd", 0)
    program("pwrite", "f", "XX", 1)
    program("durable", "f", "ef", 4)
    assert program.read("log") == "aXXdef"
    program.lose_power(WORST)
    assert program.read("log") == "abcdef"


@pytest.mark.slow
def test_a_synced_write_that_was_cut_short_by_the_end_may_go(program: Program) -> None:
    program("open", "f", "log", 0)
    program("fsync", "f")
    program("durable", "f", "abcd", 0)
    program.control.slow_syncs(30)
    program.begin("durable", "f", "XY", 1)
    while program.read("log") != "aXYd":
        time.sleep(0.001)
    program.lose_power(WORST)
    assert program.read("log") == "abcd"


@pytest.mark.slow
def test_a_synced_write_that_failed_goes(program: Program) -> None:
    program("open", "f", "log", 0)
    program("fsync", "f")
    program("durable", "f", "abcd", 0)
    program.control.fail("sync", after=1)
    assert program("durable", "f", "ef", 4) == "ok"
    assert program("durable", "f", "XY", 1) == "EIO"
    assert program("fsync", "f") == "ok"
    assert program("durable", "f", "g", 6) == "ok"
    assert program.read("log") == "aXYdefg"
    program.lose_power(WORST)
    assert program.read("log") == "abcdefg"


@pytest.mark.slow
def test_a_killed_process_loses_nothing_until_the_power_fails(program: Program) -> None:
    program("open", "f", "log", 0)
    program("pwrite", "f", "abc", 0)
    program("fsync", "f")
    program("pwrite", "f", "def", 3)
    program.restart()
    assert program.read("log") == "abcdef"
    program("open", "f", "log", 0)
    program("pwrite", "f", "ghi", 6)
    program.lose_power(WORST)
    assert program.read("log") == "abc"


@pytest.mark.slow
def test_a_new_process_syncs_what_the_old_one_wrote(program: Program) -> None:
    program("open", "f", "log", 0)
    program("pwrite", "f", "abc", 0)
    program.restart()
    program("open", "f", "log", 0)
    program("fsync", "f")
    program.lose_power(WORST)
    assert program.read("log") == "abc"


@pytest.mark.slow
def test_a_sync_that_failed_is_not_made_good_by_one_that_succeeds(program: Program) -> None:
    program("open", "f", "log", 0)
    program("pwrite", "f", "abc", 0)
    program("fsync", "f")
    program("pwrite", "f", "def", 3)
    program.control.fail("sync")
    assert program("fdatasync", "f") == "EIO"
    program("pwrite", "f", "xyz", 0)
    assert program("fdatasync", "f") == "ok"
    assert program.read("log") == "xyzdef"
    program.lose_power(WORST)
    assert program.read("log") == "xyz"


@pytest.mark.slow
def test_names_are_lost_with_their_directory(program: Program) -> None:
    program("open", "f", "new", 0)
    program("pwrite", "f", "new", 0)
    program("fsync", "f")
    program("open", "old", "old", 0)
    program("pwrite", "old", "old", 0)
    program("fsync", "old")
    program("open", "gone", "gone", 0)
    program("fsync", "gone")
    program("rename", str(program.data / "new"), str(program.data / "old"))
    program("unlink", str(program.data / "gone"))
    program("open", "never", "never", 0)
    program.lose_power(WORST)
    assert sorted(path.name for path in program.data.iterdir()) == ["gone", "new", "old"]
    assert program.read("old") == "old"


@pytest.mark.slow
def test_names_stay_when_their_directory_was_synced(program: Program) -> None:
    program("open", "f", "new", 0)
    program("fsync", "f")
    program("open", "old", "old", 0)
    program("fsync", "old")
    program("rename", str(program.data / "new"), str(program.data / "old"))
    program("sync_directory", str(program.data))
    program.lose_power(WORST)
    assert [path.name for path in program.data.iterdir()] == ["old"]


@pytest.mark.slow
def test_a_disk_fails_as_often_as_it_was_told(program: Program) -> None:
    program("open", "f", "log", 0)
    program.control.fail("write", after=1, times=2)
    answers = [program("pwrite", "f", letter, at) for at, letter in enumerate("abcd")]
    assert answers == ["ok", "EIO", "EIO", "ok"]
    assert program.control.counts().failures == 2


@pytest.mark.parametrize(
    ("fate", "content"),
    [(Fate.LOST, b"abcd"), (Fate.DURABLE, b"aXYZ")],
)
def test_a_change_is_undone_or_made_again(tmp_path: Path, fate: Fate, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"aXYZ??")
    changes = [
        Change(offset=4, size_before=4, old=b"", new=b"??", fate=Fate.LOST),
        Change(offset=1, size_before=6, old=b"bcd", new=b"XYZ", fate=fate),
    ]
    rebuild(path, changes)
    assert path.read_bytes() == content


def test_chance_keeps_nothing_that_was_lost_and_all_that_is_durable() -> None:
    made = [Change(0, 0, b"", b"x" * 2_000, fate) for fate in Fate] * 5
    kinds: set[tuple[Fate, int]] = set()
    for seed in range(200):
        for was, now in zip(made, decide(made, random.Random(seed)), strict=True):
            assert now.fate is not Fate.PENDING
            assert was.fate is Fate.PENDING or now == was
            kinds.add((now.fate, len(now.new or b"")))
    lengths = {length for fate, length in kinds if fate is Fate.DURABLE}
    assert lengths == {0, 512, 1_024, 1_536, 2_000}
