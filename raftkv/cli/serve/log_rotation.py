"""A log file that is set aside when it grows large: etcd's `--log-rotation-config-json`."""

import gzip
import json
import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from typing_extensions import override

MEGABYTE = 1 << 20
_KEYS: dict[str, type[int]] = {
    "maxsize": int,
    "maxage": int,
    "maxbackups": int,
    "localtime": bool,
    "compress": bool,
}


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a log file is set aside, and what becomes of the old ones."""

    bytes_max: int = 100 * MEGABYTE
    age_days_max: int = 0
    """Older files are deleted; 0: none for its age."""
    backups_max: int = 0
    """More files than this are deleted, the oldest first; 0: none for their number."""
    local_time: bool = False
    """Old files are named after the time here instead of UTC."""
    compress: bool = False
    """Old files are gzipped."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads etcd's notation; keys that are not given have their defaults.

        Raises:
            ValueError: It is no JSON object of these keys.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("must be a JSON object")  # noqa: TRY004 - a value, not a type of ours
        for key, value in values.items():
            if key not in _KEYS or type(value) is not _KEYS[key] or value < 0:
                raise ValueError(f"{key}: {value!r} is not understood")
        return cls(
            bytes_max=(values.get("maxsize", 0) or 100) * MEGABYTE,
            age_days_max=values.get("maxage", 0),
            backups_max=values.get("maxbackups", 0),
            local_time=values.get("localtime", False),
            compress=values.get("compress", False),
        )


class RotatingFile(logging.FileHandler):
    """Appends to a file; before it would outgrow the limit, that file becomes `NAME-TIME.EXT`."""

    def __init__(self, path: str, rotation: Rotation) -> None:
        """Opens the file.

        Raises:
            OSError: It cannot be opened.
        """
        super().__init__(path, encoding="utf-8")
        self._rotation = rotation
        self._path = Path(path)
        self._bytes = self._path.stat().st_size

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record's line."""
        line_bytes = len(self.format(record).encode()) + 1
        if self._bytes and self._bytes + line_bytes > self._rotation.bytes_max:
            self._set_aside(datetime.fromtimestamp(record.created, UTC))
        self._bytes += line_bytes
        super().emit(record)

    def _set_aside(self, now: datetime) -> None:
        """Renames the file, opens a new one and deletes what is too old or too many."""
        self.close()
        shown = now.astimezone() if self._rotation.local_time else now.astimezone(UTC)
        stamp = shown.strftime("%Y-%m-%dT%H-%M-%S.%f")
        old = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        self._path.rename(old)
        if self._rotation.compress:
            with old.open("rb") as plain, gzip.open(f"{old}.gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            old.unlink()
        self._delete_old(now)
        self.stream = self._open()
        self._bytes = 0

    def _delete_old(self, now: datetime) -> None:
        """Deletes set-aside files over age or number."""
        pattern = f"{self._path.stem}-*{self._path.suffix}*"
        newest_first = sorted(self._path.parent.glob(pattern), reverse=True)
        limit = self._rotation.backups_max or len(newest_first)
        oldest = now - timedelta(days=self._rotation.age_days_max or 36_500)
        for place, path in enumerate(newest_first):
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if place >= limit or changed < oldest:
                path.unlink(missing_ok=True)
