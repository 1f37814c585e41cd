"""A member whose disk or whose own code lets it down ends, with one line that says so."""

import asyncio
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from raftkv.config import StorageConfig
from raftkv.member.serve import _Process
from raftkv.mvcc.record import encode
from raftkv.mvcc.revision import row_key
from raftkv.node.bootstrap import first_write
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage import DiskStorage, Identity, StorageHooks

SERVE = """
import asyncio, sys
from raftkv.config import MemberConfig
from raftkv.member import StartupError, serve
from raftkv.member.ticker import Ticker
if "clock" in sys.argv:
    Ticker._on_tick = property(lambda self: 1 // 0, lambda self, value: None)
try:
    serve(MemberConfig(name="a", data_dir=sys.argv[1],
        listen_peer_urls=("http://127.0.0.1:0",), listen_client_urls=("http://127.0.0.1:0",),
        initial_advertise_peer_urls=("http://127.0.0.1:0",),
        initial_cluster=(("a", "http://127.0.0.1:0"),)))
except StartupError as error:
    sys.exit(str(error))
"""


def served(data_dir: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """What a member in a process of its own says, and how it ends."""
    command = [sys.executable, "-c", SERVE, str(data_dir), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def written(data_dir: Path) -> Path:
    """The data file of a member that has stored a key."""
    hooks = StorageHooks(
        post=lambda _: None,
        on_durable=lambda _: None,
        on_staged=lambda _: None,
        on_failed=lambda _: None,
    )
    storage = DiskStorage(data_dir / "member", StorageConfig(), hooks)
    storage.bootstrap(Identity(7, 1), first_write([pb.Member(ID=1, peerURLs=["http://a:1"])]))
    storage.load()
    storage.rows.put(row_key(2, 0), encode(b"k", 2, 2, 1, b"v", 0))
    storage.tables.put("meta", b"store", bytes(12))
    storage.write(WriteBatch(HardState(1, 0, 1), applied_index=1, applied_term=1))
    storage.close()
    return data_dir / "member" / "data.mdb"


@pytest.mark.slow
@pytest.mark.parametrize("table", [b"rows.0", b"meta.0"])
def test_a_state_that_makes_no_sense_is_refused_in_one_line_and_left_alone(
    tmp_path: Path, table: bytes
) -> None:
    data_file = written(tmp_path)
    with lmdb.open(str(data_file.parent), max_dbs=100) as environment:
        database = environment.open_db(table)
        with environment.begin(db=database, write=True) as txn:
            key = next(txn.cursor().iternext(values=False))
            txn.put(key, b"\n\xff")
    before = data_file.read_bytes()

    ended = served(tmp_path)

    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert "is damaged: its state can't be loaded" in line
    assert data_file.read_bytes() == before


@pytest.mark.slow
def test_a_member_whose_clock_fails_ends_instead_of_standing_still(tmp_path: Path) -> None:
    ended = served(tmp_path, "clock")
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith("internal error: ZeroDivisionError")


def test_what_the_disk_says_after_the_end_is_not_heard() -> None:
    """A thread of the disk may have more to say when the loop has ended already."""
    process = object.__new__(_Process)
    process._loop = asyncio.new_event_loop()
    process._loop.close()
    process._post(lambda: None)
