"""Log lines have etcd's shape and go where the flags say."""

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftkv.cli.serve.log_output import (
    ConsoleLines,
    JsonLines,
    LogConfig,
    configure_logging,
    log_config,
)
from raftkv.cli.serve.log_rotation import RotatingFile, Rotation
from raftkv.cli.serve.settings import FlagError
from raftkv.cli.serve.sources import collect


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers = []
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = before


def record(message: str, **fields: object) -> logging.LogRecord:
    """A record as a logger makes it."""
    made = logging.getLogger("test").makeRecord(
        "raftkv.member", logging.WARNING, "/x/raftkv/member.py", 7, message, (), None, extra=fields
    )
    made.created = 1_700_000_000.1234
    return made


def test_a_json_line_has_level_time_caller_message_and_fields() -> None:
    assert json.loads(JsonLines().format(record("lost it", peer="é", size=3))) == {
        "level": "warn",
        "ts": "2023-11-14T22:13:20.123Z",
        "caller": "raftkv/member.py:7",
        "msg": "lost it",
        "peer": "é",
        "size": 3,
    }


def test_a_console_line_has_columns() -> None:
    line = ConsoleLines().format(record("lost it", size=3))
    assert line == '2023-11-14T22:13:20.123Z\tWARN\traftkv/member.py:7\tlost it\t{"size": 3}'


def test_an_exception_is_told_with_its_stack() -> None:
    made = record("broke")
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("of no use")
    made.exc_info = (caught.type, caught.value, caught.tb)
    line = json.loads(JsonLines().format(made))
    assert line["error"].startswith("invalid literal")
    assert "test_log_output" in line["stacktrace"]


def test_lines_go_to_every_output_from_the_level_on(
    tmp_path: Path, root_logger: logging.Logger
) -> None:
    files = [tmp_path / "a.log", tmp_path / "b.log"]
    configure_logging(LogConfig(logging.INFO, tuple(map(str, files))))
    root_logger.debug("unseen")
    root_logger.info("seen")
    assert [json.loads(path.read_text())["msg"] for path in files] == ["seen", "seen"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], LogConfig()),
        (["--log-outputs=stdout,stdout,/x"], LogConfig(outputs=("stdout", "/x"))),
        (["--log-level=ERROR", "--logger=zap"], LogConfig(level=logging.ERROR)),
        (["--log-format=console"], LogConfig(format="console")),
        (
            ["--enable-log-rotation", "--log-outputs=/x"],
            LogConfig(outputs=("/x",), rotation=Rotation()),
        ),
    ],
    ids=str,
)
def test_the_flags_of_the_log(arguments: list[str], expected: LogConfig) -> None:
    assert log_config(collect(arguments, {})[0]) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--log-level=loud", "--log-level: must be one of debug"),
        ("--log-format=xml", "must be 'json' or 'console'"),
        ("--logger=capnslog", "only 'zap' is supported"),
        ("--log-outputs=", "must not be empty"),
        ("--log-outputs=systemd/journal", "not supported yet"),
        ("--log-outputs=default,/x", "does not go together"),
        ("--enable-log-rotation", "needs a single file"),
        (
            "--enable-log-rotation --log-outputs=/x --log-rotation-config-json={",
            "--log-rotation-config-json: ",
        ),
    ],
)
def test_wrong_flags_of_the_log(arguments: str, said: str) -> None:
    with pytest.raises(FlagError, match=r".") as caught:
        log_config(collect(arguments.split(), {})[0])
    assert said in str(caught.value)


def test_a_log_file_that_cannot_be_opened_is_said_so() -> None:
    with pytest.raises(FlagError, match="cannot open /nowhere/a"):
        configure_logging(LogConfig(outputs=("/nowhere/a.log",)))


@pytest.mark.parametrize("text", ["[]", '{"maxsize": "1"}', '{"maxage": -1}', '{"size": 1}', "{"])
def test_a_rotation_that_is_not_understood(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rotation.from_json(text)


def test_a_rotation_in_etcds_notation() -> None:
    text = '{"maxsize": 2, "maxage": 3, "maxbackups": 4, "localtime": true, "compress": true}'
    assert Rotation.from_json(text) == Rotation(2 << 20, 3, 4, local_time=True, compress=True)


@pytest.mark.parametrize("compress", [False, True])
def test_a_full_file_is_set_aside_and_the_oldest_is_deleted(
    tmp_path: Path, *, compress: bool
) -> None:
    handler = RotatingFile(
        str(tmp_path / "m.log"), Rotation(bytes_max=40, backups_max=2, compress=compress)
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    for number in range(8):
        line = record(f"line {number} of twenty bytes")
        line.created += number
        handler.emit(line)
    handler.close()
    old = sorted(tmp_path.glob("m-*"))
    assert (tmp_path / "m.log").read_text() == "line 7 of twenty bytes\n"
    assert len(old) == 2
    read = gzip.open if compress else open
    with read(old[-1], "rt") as newest:
        assert newest.read() == "line 6 of twenty bytes\n"
