"""What a crash, or rot, does to a directory."""

from pathlib import Path

import lmdb

from raftkv.storage import schema
from raftkv.storage.frames import FILE_HEAD_BYTES, decode_file_head
from raftkv.storage.log_files import log_paths


def files(path: Path) -> list[Path]:
    return log_paths(path / "log")


def flip(path: Path, offset: int) -> None:
    """Turns one bit over."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def frame_starts(path: Path) -> list[int]:
    """Where frames begin in a file of the log."""
    data = path.read_bytes()
    head = decode_file_head(data)
    assert head is not None
    starts, place = [], data.find(head.marker, FILE_HEAD_BYTES)
    while place >= 0:
        starts.append(place)
        place = data.find(head.marker, place + 1)
    return starts


def forget_frames(path: Path, log_frame: int) -> None:
    """Makes the stored state one that knew of so many frames only."""
    environment = lmdb.open(str(path), map_size=1 << 30, max_dbs=64)
    system = environment.open_db(schema.SYSTEM)
    with environment.begin(write=True, db=system) as txn:
        stored = txn.get(schema.STATE_KEY)
        assert stored is not None
        state = schema.decode_state(stored)._replace(log_frame=log_frame)
        txn.put(schema.STATE_KEY, schema.encode_state(state))
    environment.close()
