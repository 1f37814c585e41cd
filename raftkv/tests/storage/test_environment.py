"""What a directory must be for a member to start on it, and one clear line when it is not."""

import stat
import struct
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from raftkv.config import StorageConfig
from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage import StorageError, schema
from raftkv.tests.storage.harness import IDENTITY, Disk, batch_of, entries, row_key

PAGE_BYTES = 4_096


def fill(path: Path, count: int = 100) -> None:
    with Disk(path) as disk:
        for revision in range(1, count + 1):
            disk.rows.put(row_key(revision), bytes(300))
        disk.write(batch_of(entries(1, count), commit=count, applied=count))


def refusal(path: Path) -> str:
    """The one line with which a directory is refused, which must not have changed it."""
    data = path / "data.mdb"
    before = data.read_bytes() if data.exists() else None
    with pytest.raises(StorageError) as caught:
        Disk(path, StorageConfig())
    assert before is None or data.read_bytes() == before, "a refused file was changed"
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_new_directory_and_its_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()}
    assert modes.pop("log") == 0o700
    assert set(modes.values()) == {0o600}


def test_a_second_opening_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with Disk(tmp_path):
        assert refusal(tmp_path) == f"{tmp_path} is in use by another process"
    Disk(tmp_path).storage.close()


def test_another_process_is_refused_too(tmp_path: Path) -> None:
    program = "import sys; from raftkv.tests.storage.harness import *; Disk(Path(sys.argv[1]))"
    with Disk(tmp_path):
        other = subprocess.run(
            [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
        )
    assert "is in use by another process" in other.stderr
    assert other.returncode != 0


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    assert refusal(path) == f"{path} is not a directory"


@pytest.mark.parametrize("kept_bytes", [0, 100, 4_096, 5_000, 8_192, 40_960])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept_bytes: int) -> None:
    fill(tmp_path)
    data = tmp_path / "data.mdb"
    data.write_bytes(data.read_bytes()[:kept_bytes])
    assert "is cut off" in refusal(tmp_path)


def test_a_whole_file_that_is_shorter_than_its_last_page_is_accepted(tmp_path: Path) -> None:
    fill(tmp_path)
    environment = lmdb.open(str(tmp_path), map_size=1 << 30, max_dbs=64)
    with environment.begin(write=True) as txn:
        for number in range(400):
            txn.put(b"large %d" % number, bytes(100_000))
        for number in range(400):
            txn.delete(b"large %d" % number)
    pages = environment.info()["last_pgno"] + 1
    environment.close()
    assert (tmp_path / "data.mdb").stat().st_size < pages * PAGE_BYTES, "nothing to see here"
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == 100


def test_a_damaged_meta_page_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    data = tmp_path / "data.mdb"
    content = bytearray(data.read_bytes())
    content[16:20] = b"\x00" * 4
    data.write_bytes(content)
    assert "is damaged" in refusal(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("filler", [b"\x00", b"\xa5"])
def test_a_damaged_page_is_a_clear_error_or_does_not_matter(tmp_path: Path, filler: bytes) -> None:
    fill(tmp_path, count=30)
    data = tmp_path / "data.mdb"
    content = data.read_bytes()
    refused = 0
    for start in range(2 * PAGE_BYTES, len(content), PAGE_BYTES):
        data.write_bytes(content[:start] + filler * PAGE_BYTES + content[start + PAGE_BYTES :])
        try:
            with Disk(tmp_path, StorageConfig()) as disk:
                disk.rows.scan(row_key(0), row_key(1 << 60), 1_000)
        except StorageError as error:
            assert str(error).startswith(f"{data} is damaged: ")  # noqa: PT017
            refused += 1
    assert refused >= 5, "the damage never met anything that is read"


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    environment = lmdb.open(str(tmp_path), map_size=1 << 30, max_dbs=64)
    system = environment.open_db(schema.SYSTEM)
    with environment.begin(write=True) as txn:
        txn.put(schema.FORMAT_KEY, struct.pack(">I", 99), db=system)
    environment.close()
    assert "has format 99; this program knows formats up to 2" in refusal(tmp_path)


def test_an_environment_of_another_program_is_refused(tmp_path: Path) -> None:
    environment = lmdb.open(str(tmp_path), map_size=1 << 30)
    with environment.begin(write=True) as txn:
        txn.put(b"their", b"data")
    environment.close()
    assert "was not written by raftkv" in refusal(tmp_path)


def test_an_older_format_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    environment = lmdb.open(str(tmp_path), map_size=1 << 30, max_dbs=64)
    system = environment.open_db(schema.SYSTEM)
    with environment.begin(write=True) as txn:
        txn.put(schema.FORMAT_KEY, struct.pack(">I", 1), db=system)
    environment.close()
    assert "has format 1, which this program no longer reads" in refusal(tmp_path)


def test_the_identity_is_kept(tmp_path: Path) -> None:
    fill(tmp_path)
    with Disk(tmp_path) as disk:
        assert disk.storage.identity == IDENTITY


def test_the_first_write_of_a_member_comes_with_its_identity(tmp_path: Path) -> None:
    first = WriteBatch(hard_state=HardState(1, 0, 3), entries=entries(1, 3))
    for _ in range(2):
        with Disk(tmp_path, first=first) as disk:
            assert disk.storage.identity == IDENTITY
            assert disk.stored.entries == entries(1, 3)
            assert disk.stored.hard_state == HardState(1, 0, 3)
            assert disk.stored.applied_index == 0
