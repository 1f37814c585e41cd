"""The log: lines in the shape of etcd's (zap), from Python's `logging`.

A line is `log.info("ready to serve client requests", extra={"address": "..."})`: what is in `extra`
becomes fields of the line, after `level`, `ts`, `caller` and `msg`.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from raftkv.cli.serve.log_rotation import RotatingFile, Rotation
from raftkv.cli.serve.settings import FlagError, Settings

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "dpanic": logging.CRITICAL,
    "panic": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
_NAMES = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
    logging.CRITICAL: "fatal",
}
FORMATS = ("json", "console")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Where log lines go, and which."""

    level: int = logging.INFO
    outputs: tuple[str, ...] = ("stderr",)
    """`stderr`, `stdout` or paths of files."""
    format: str = "json"
    rotation: Rotation | None = None


def log_config(settings: Settings) -> LogConfig:
    """What the flags of the group Logging ask for.

    Raises:
        FlagError: A value is wrong.
    """
    if settings.text("logger") != "zap":
        raise FlagError(f"{settings.origin('logger')}: only 'zap' is supported")
    level = LEVELS.get(settings.text("log-level").lower())
    if level is None:
        levels = ", ".join(LEVELS)
        raise FlagError(f"{settings.origin('log-level')}: must be one of {levels}")
    written = settings.text("log-format")
    if written not in FORMATS:
        raise FlagError(f"{settings.origin('log-format')}: must be 'json' or 'console'")
    outputs = _outputs(settings)
    rotation = _rotation(settings, outputs) if settings.boolean("enable-log-rotation") else None
    return LogConfig(level, outputs, written, rotation)


def configure_logging(config: LogConfig) -> None:
    """Sends everything that is logged in this process to the outputs of `config`.

    Raises:
        FlagError: A log file cannot be opened.
    """
    formatter = JsonLines() if config.format == "json" else ConsoleLines()
    handlers = [_handler(output, config.rotation) for output in config.outputs]
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=config.level, handlers=handlers, force=True)
    logging.raiseExceptions = False  # A full disk under the log must not stop a member.


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {
            "level": _NAMES.get(record.levelno, "info"),
            "ts": _timestamp(record),
            "caller": _caller(record),
            "msg": record.getMessage(),
            **dict(_fields(record)),
        }
        return json.dumps(line, separators=(",", ":"), default=str, ensure_ascii=False)


class ConsoleLines(logging.Formatter):
    """Columns for people: time, level, caller, message and the fields as JSON."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        level = _NAMES.get(record.levelno, "info").upper()
        columns = [_timestamp(record), level, _caller(record), record.getMessage()]
        fields = dict(_fields(record))
        if fields:
            columns.append(json.dumps(fields, default=str, ensure_ascii=False))
        return "\t".join(columns)


def _timestamp(record: logging.LogRecord) -> str:
    """When, in UTC with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _caller(record: logging.LogRecord) -> str:
    """Folder, file and line that logged."""
    return "/".join(record.pathname.split("/")[-2:]) + f":{record.lineno}"


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """What was given as `extra`, and the exception if there is one."""
    yield from ((key, value) for key, value in vars(record).items() if key not in _STANDARD)
    if record.exc_info and record.exc_info[1]:
        yield "error", str(record.exc_info[1])
        yield "stacktrace", "".join(traceback.format_exception(record.exc_info[1]))


def _outputs(settings: Settings) -> tuple[str, ...]:
    """The outputs, `default` being stderr."""
    names = [name.strip() for name in settings.text("log-outputs").split(",") if name.strip()]
    origin = settings.origin("log-outputs")
    if not names:
        raise FlagError(f"{origin}: must not be empty")
    if "systemd/journal" in names:
        raise FlagError(f"{origin}: systemd/journal is not supported yet; use stderr")
    if "default" in names and len(names) > 1:
        raise FlagError(f"{origin}: 'default' does not go together with others")
    return tuple(dict.fromkeys("stderr" if name == "default" else name for name in names))


def _rotation(settings: Settings, outputs: tuple[str, ...]) -> Rotation:
    """When to start a new file; there must be exactly one file to rotate."""
    if len(outputs) != 1 or outputs[0] in ("stderr", "stdout"):
        origin = settings.origin("enable-log-rotation")
        raise FlagError(f"{origin} needs a single file in --log-outputs")
    try:
        return Rotation.from_json(settings.text("log-rotation-config-json"))
    except ValueError as error:
        raise FlagError(f"{settings.origin('log-rotation-config-json')}: {error}") from error


def _handler(output: str, rotation: Rotation | None) -> logging.Handler:
    """What writes to one output."""
    if output == "stderr":
        return logging.StreamHandler(sys.stderr)
    if output == "stdout":
        return logging.StreamHandler(sys.stdout)
    try:
        if rotation:
            return RotatingFile(output, rotation)
        return logging.FileHandler(output, encoding="utf-8")
    except OSError as error:
        raise FlagError(f"--log-outputs: cannot open {output}: {error.strerror}") from error
