"""A process that writes until it is killed, and says on its output what is durable.

Its arguments: the directory, and how large the data file may grow in bytes (0: as it likes).
"""

import resource
import sys
from dataclasses import replace
from pathlib import Path

from raftkv.tests.storage.harness import ON_THREAD, Disk, batch_of, entries, row_key

ENTRIES_PER_WRITE = 3
LOG_FILE_BYTES = 20_000


def main(path: Path, file_bytes_max: int) -> None:
    config = replace(ON_THREAD, log_file_bytes=LOG_FILE_BYTES)
    with Disk(path, config) as disk:
        if file_bytes_max:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
        index = disk.stored.snapshot_index + len(disk.stored.entries)
        for revision in range(disk.stored.applied_index + 1, index + 1):  # as the log says
            disk.rows.put(row_key(revision), b"row %d " % revision * 100)
        while not disk.failures:
            first = index + 1
            index += ENTRIES_PER_WRITE
            for revision in range(first, index + 1):
                disk.rows.put(row_key(revision), b"row %d " % revision * 100)
            batch = batch_of(entries(first, ENTRIES_PER_WRITE), commit=index, applied=index)
            disk.write_log(batch)
            if not disk.failures:
                print(index, flush=True)  # noqa: T201 - whoever started this reads it
        sys.exit(disk.failures[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
