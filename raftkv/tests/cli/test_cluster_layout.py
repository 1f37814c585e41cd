"""What a local cluster consists of, before any process runs."""

import io
import json
import socket
from pathlib import Path

import pytest

from raftkv.cli.cluster import ports, table
from raftkv.cli.cluster.layout import ClusterError, Directory, Layout, Member, command_line
from raftkv.cli.cluster.logs import show
from raftkv.cli.cluster.progress import Lines
from raftkv.cli.cluster.table import Row
from raftkv.cli.cluster.welcome import welcome
from raftkv.cli.serve.member_config import member_config
from raftkv.cli.serve.sources import collect


def layout(members: int = 3, flags: tuple[str, ...] = ()) -> Layout:
    """A cluster on the usual ports."""
    return Layout.make(ports.usual_ports(members), (), flags)


def test_the_usual_ports_are_those_of_etcds_example() -> None:
    assert ports.usual_ports(4) == [
        (2379, 12380),
        (22379, 22380),
        (32379, 32380),
        (42379, 42380),
    ]


def test_the_usual_ports_end() -> None:
    assert max(max(pair) for pair in ports.usual_ports(ports.MEMBERS_MAX)) < 1 << 16
    with pytest.raises(ClusterError, match="--free-ports"):
        ports.usual_ports(ports.MEMBERS_MAX + 1)


def test_ports_from_a_base_are_neighbours() -> None:
    assert ports.ports_from(5_000, 2) == [(5_000, 5_001), (5_002, 5_003)]


def test_free_ports_are_free_and_different() -> None:
    flat = [port for pair in ports.free_ports(5) for port in pair]
    assert len(set(flat)) == 10
    assert all(ports.is_free(port) for port in flat)


def test_a_port_in_use_is_told_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ClusterError) as caught:
            ports.check_free([Member("m1", port, 1)])
    said = str(caught.value)
    assert f"port {port} (m1's for clients) is in use by process" in said
    assert "--free-ports" in said


def test_a_layout_survives_its_file(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    assert directory.load() is None
    made = layout(flags=("--max-txn-ops=1",))
    directory.save(made)
    assert directory.load() == made
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_a_file_that_is_not_ours_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    with pytest.raises(ClusterError, match=r"cannot read .*cluster\.json"):
        Directory(tmp_path).load()


def test_the_command_line_is_one_that_serve_takes(tmp_path: Path) -> None:
    made = layout(flags=("--max-txn-ops=5",))
    line = command_line(made, Directory(tmp_path), made.members[1])
    config = member_config(collect(line[line.index("serve") + 1 :], {})[0])
    assert config.name == "m2"
    assert config.data_dir == str(tmp_path / "m2" / "data")
    assert config.listen_client_urls == config.advertise_client_urls == ("http://127.0.0.1:22379",)
    assert [name for name, _ in config.initial_cluster] == ["m1", "m2", "m3"]
    assert config.initial_cluster_token == made.token
    assert config.limits.txn_operations_max == 5


def test_a_name_that_is_no_members_is_told_with_those_that_are() -> None:
    with pytest.raises(ClusterError, match="no member 'm9'; there are m1, m2, m3"):
        layout().member("m9")


def test_progress_without_a_terminal_is_a_line_a_change() -> None:
    stream = io.StringIO()
    with Lines(stream) as progress:
        progress.update("m1", "starting")
        progress.update("m1", "starting")
        progress.update("m1", "healthy", is_done=True)
        progress.note("done")
    assert stream.getvalue() == "m1  starting\nm1  healthy\ndone\n"


ROWS = [
    Row("m1", 7, "running", "leader", 2, 30, 5 * 1024, "http://127.0.0.1:2379"),
    Row("m2", None, "stopped", None, None, None, None, "http://127.0.0.1:22379"),
]


def test_a_piped_table_has_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(ROWS, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "NAME  PID  STATE    ROLE    TERM  REVISION  DB SIZE  CLIENT URL",
        "m1    7    running  leader  2     30        5.0 KiB  http://127.0.0.1:2379",
        "m2    -    stopped  -       -     -         -        http://127.0.0.1:22379",
    ]


def test_a_table_as_json_has_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(ROWS, as_json=True)
    first, second = json.loads(capsys.readouterr().out)
    assert (first["role"], first["db_size_bytes"]) == ("leader", 5120)
    assert second["pid"] is None


def test_logs_show_their_last_lines_with_the_members_name(tmp_path: Path) -> None:
    files = {"m1": tmp_path / "a", "m2": tmp_path / "b", "m3": tmp_path / "missing"}
    files["m1"].write_text("one\ntwo\nthree\n")
    files["m2"].write_text("four")
    out = io.StringIO()
    show(files, 2, out)
    assert out.getvalue() == "m1 | two\nm1 | three\nm2 | four\n"


def test_the_welcome_names_endpoints_and_commands(tmp_path: Path) -> None:
    text = welcome(layout(), Directory(tmp_path))
    assert "127.0.0.1:2379,127.0.0.1:22379,127.0.0.1:32379" in text
    assert f"cluster down --data-dir {tmp_path}" in text
