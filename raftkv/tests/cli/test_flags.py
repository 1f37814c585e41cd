"""What a member is told, in every notation etcd has, comes out as its configuration."""

from pathlib import Path

import pytest

from raftkv.cli.serve.flags import FLAGS
from raftkv.cli.serve.member_config import member_config
from raftkv.cli.serve.refused import REFUSED
from raftkv.cli.serve.settings import FlagError
from raftkv.cli.serve.sources import collect
from raftkv.config import MemberConfig

ALONE = ("--data-dir=/nowhere/member",)


def parsed(*arguments: str, **environment: str) -> MemberConfig:
    """The configuration made of flags and variables."""
    settings, _ = collect([*ALONE, *arguments], environment)
    return member_config(settings)


def refusal(*arguments: str, **environment: str) -> str:
    """What is said against flags and variables."""
    with pytest.raises(FlagError) as caught:
        parsed(*arguments, **environment)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_flags_a_member_is_what_the_configuration_says() -> None:
    assert member_config(collect([], {})[0]) == MemberConfig()


@pytest.mark.parametrize(
    "arguments",
    [["--name=m"], ["--name", "m"], ["-name=m"], ["-name", "m"], ["--name=x", "--name=m"]],
    ids=" ".join,
)
def test_a_flag_is_read_in_all_of_gos_notations(arguments: list[str]) -> None:
    assert parsed(*arguments).name == "m"


@pytest.mark.parametrize(
    ("arguments", "pre_vote"),
    [
        (["--pre-vote"], True),
        (["-pre-vote=true"], True),
        (["--pre-vote=T"], True),
        (["--pre-vote=false"], False),
        (["--pre-vote=0"], False),
    ],
    ids=str,
)
def test_a_boolean_flag_needs_no_value(arguments: list[str], *, pre_vote: bool) -> None:
    assert parsed(*arguments).raft.pre_vote is pre_vote


def test_every_supported_flag_reaches_the_configuration() -> None:
    config = parsed(
        "--name=b",
        "--data-dir=/nowhere/${name}.data",
        "--snapshot-count=77",
        "--snapshot-catchup-entries=33",
        "--heartbeat-interval=50",
        "--election-timeout=0x200",
        "--listen-peer-urls=http://10.0.0.2:2380,http://127.0.0.1:2380",
        "--listen-client-urls=http://0.0.0.0:2379",
        "--listen-client-http-urls=http://127.0.0.1:2390",
        "--listen-metrics-urls=http://127.0.0.1:2381",
        "--advertise-client-urls=http://b.example:2379",
        "--initial-advertise-peer-urls=http://b.example:2380",
        "--initial-cluster=a=http://a.example:2380,b=http://b.example:2380",
        "--initial-cluster-state=existing",
        "--initial-cluster-token=t",
        "--strict-reconfig-check=false",
        "--quota-backend-bytes=1000",
        "--max-txn-ops=9",
        "--max-request-bytes=2000",
        "--max-concurrent-streams=8",
        "--max-learners=2",
        "--auto-compaction-retention=30m",
        "--watch-progress-notify-interval=1m30s",
        "--grpc-keepalive-min-time=1s",
        "--grpc-keepalive-interval=1h",
        "--grpc-keepalive-timeout=1.5s",
    )
    assert config.name == "b"
    assert config.data_dir == "/nowhere/b.data"
    assert config.node.snapshot_count_entries == 77
    assert config.node.snapshot_catchup_entries == 33
    assert (config.heartbeat_interval_ms, config.election_timeout_ms) == (50, 512)
    assert config.raft.election_timeout_ticks == 10
    assert config.listen_peer_urls == ("http://10.0.0.2:2380", "http://127.0.0.1:2380")
    assert config.listen_client_urls == ("http://0.0.0.0:2379",)
    assert config.listen_client_http_urls == ("http://127.0.0.1:2390",)
    assert config.listen_metrics_urls == ("http://127.0.0.1:2381",)
    assert config.advertise_client_urls == ("http://b.example:2379",)
    assert config.initial_advertise_peer_urls == ("http://b.example:2380",)
    assert config.initial_cluster == (
        ("a", "http://a.example:2380"),
        ("b", "http://b.example:2380"),
    )
    assert (config.initial_cluster_state, config.initial_cluster_token) == ("existing", "t")
    assert config.strict_reconfig_check is False
    assert (config.limits.quota_bytes, config.limits.txn_operations_max) == (1000, 9)
    assert config.limits.request_bytes_max == 2000
    assert config.wire.message_bytes_max == 2000 + 512 * 1024
    assert config.watch.response_bytes_max == 2000 + 512 * 1024
    assert (config.wire.concurrent_streams_max, config.raft.learners_max) == (8, 2)
    assert (config.auto_compaction_period_seconds, config.auto_compaction_revisions) == (1800, 0)
    assert config.watch.progress_notify_interval_ms == 90_000
    assert config.wire.keepalive_interval_min_ms == 1_000
    assert config.wire.keepalive_interval_ms == 3_600_000
    assert config.wire.keepalive_timeout_ms == 1_500


def test_a_member_by_itself_is_its_own_cluster() -> None:
    config = parsed("--name=m", "--initial-advertise-peer-urls=http://h:1,http://h:2")
    assert config.initial_cluster == (("m", "http://h:1"), ("m", "http://h:2"))


@pytest.mark.parametrize(
    ("mode", "retention", "expected"),
    [
        ("periodic", "0", (0, 0)),
        ("periodic", "2", (7_200, 0)),
        ("periodic", "90s", (90, 0)),
        ("revision", "1000", (0, 1_000)),
    ],
)
def test_compaction_keeps_hours_durations_or_revisions(
    mode: str, retention: str, expected: tuple[float, int]
) -> None:
    config = parsed(f"--auto-compaction-mode={mode}", f"--auto-compaction-retention={retention}")
    got = (config.auto_compaction_period_seconds, config.auto_compaction_revisions)
    assert got == expected


@pytest.mark.parametrize("bytes_", [0, -1])
def test_a_quota_of_zero_is_the_default_and_a_negative_one_is_none(bytes_: int) -> None:
    config = parsed(f"--quota-backend-bytes={bytes_}")
    assert config.limits.quota_bytes == (bytes_ or 2 << 30)


def test_a_flag_counts_more_than_its_variable_and_says_so() -> None:
    settings, warnings = collect(["--name=flag"], {"ETCD_NAME": "variable"})
    assert settings.text("name") == "flag"
    assert warnings == ["ETCD_NAME does not count beside --name"]


def test_a_variable_counts_where_there_is_no_flag() -> None:
    config = parsed(ETCD_NAME="m", ETCD_MAX_TXN_OPS="7", ETCD_INITIAL_CLUSTER_TOKEN="")
    assert (config.name, config.limits.txn_operations_max) == ("m", 7)
    assert config.initial_cluster_token == "etcd-cluster"


def test_a_variable_that_is_no_flags_gets_a_warning() -> None:
    _, warnings = collect([], {"ETCD_PORT_2379_TCP": "x", "ETCD_VERSION": "v3.6.0", "HOME": "/"})
    assert warnings == [
        "ETCD_PORT_2379_TCP is no flag's variable",
        "ETCD_VERSION is no flag's variable",
    ]


def test_flags_that_etcd_called_experimental_are_known_by_both_names() -> None:
    config = parsed("--experimental-max-learners=3", ETCD_EXPERIMENTAL_SNAPSHOT_CATCHUP_ENTRIES="4")
    assert (config.raft.learners_max, config.node.snapshot_catchup_entries) == (3, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--nmae=m", "--nmae is not a flag; did you mean --name?"),
        ("-zzz", "-zzz is not a flag; `raftkv serve --help` lists them"),
        ("extra", "'extra' is not a flag; values follow one: --name=x or --name x"),
        ("--pre-vote false", "'false' is not a flag; values follow one: --name=x or --name x"),
        ("--name", "--name needs a value"),
        ("--name=a,b", "--name: 'a,b' must be a word without ',' and '='"),
        ("--pre-vote=maybe", "--pre-vote: 'maybe' is neither true nor false"),
        ("--max-txn-ops=many", "--max-txn-ops: 'many' is not a number"),
        ("--max-txn-ops=0", "--max-txn-ops: 0 is too small, at least 1"),
        ("--max-txn-ops=99999999999999999999", "'99999999999999999999' does not fit into 64 bits"),
        ("--watch-progress-notify-interval=5", "'5' is not a duration such as 10m or 1.5s"),
        ("--watch-progress-notify-interval=5ms", "at least 100ms"),
        ("--heartbeat-interval=0", "--heartbeat-interval: 0 is too small, at least 1"),
        (
            "--election-timeout=400",
            "--election-timeout (400ms) must be at least 5 times --heartbeat-interval (100ms)",
        ),
        ("--election-timeout=60000", "--election-timeout (60000ms) must be at most 50000ms"),
        (
            "--listen-client-urls=http://127.0.0.1:1",
            "--advertise-client-urls is required when --listen-client-urls is set",
        ),
        ("--listen-peer-urls=http://h.example:1", "must name an IP address to listen on"),
        ("--listen-peer-urls=", "--listen-peer-urls: must not be empty"),
        ("--listen-peer-urls=127.0.0.1:1", "must start with http://"),
        ("--listen-peer-urls=http://127.0.0.1", "does not end with a port"),
        ("--listen-peer-urls=http://127.0.0.1:1/x", "must contain no path"),
        ("--listen-peer-urls=http://127.0.0.1:x", "Port could not be cast"),
        ("--listen-peer-urls=https://127.0.0.1:1", "TLS is not supported yet"),
        ("--listen-peer-urls=unix://s:1", "unix sockets are not supported yet"),
        ("--listen-metrics-urls=http://localhost:2379", "in both --listen-client-urls and"),
        ("--advertise-client-urls=http://:2379", "names no host that others could reach"),
        ("--initial-cluster-state=old", "'old' is not one of new, existing"),
        ("--initial-cluster=b=http://localhost:2380", "does not contain --name=default"),
        ("--initial-cluster=default", "does not have the form name=http://host:port"),
        (
            "--initial-cluster=default=http://localhost:9",
            "has default=http://localhost:9, but --initial-advertise-peer-urls is http://localhost",
        ),
        (
            "--initial-cluster=default=http://localhost:2380,b=http://localhost:2380",
            "http://localhost:2380 is there twice",
        ),
        ("--auto-compaction-mode=never", "'never' is not one of periodic, revision"),
        ("--auto-compaction-retention=-1", "-1 is negative"),
        ("--auto-compaction-retention=soon", "'soon' is not a duration"),
        ("--auto-compaction-mode=revision --auto-compaction-retention=1h", "number of revisions"),
        ("--cert-file=x", "--cert-file=x is refused: TLS is not supported yet"),
        ("--client-cert-auth", "--client-cert-auth=true is refused: TLS is not supported yet"),
        ("--auth-token=jwt", "authentication is not supported yet"),
        ("--proxy on", "raftkv does not speak etcd's v2 API"),
        ("--experimental-enable-v2v3=/v2", "raftkv does not speak etcd's v2 API"),
        ("--unsafe-no-fsync", "never answers before the disk has it"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: str, said: str) -> None:
    assert said in refusal(*arguments.split(" "))


def test_the_line_names_the_variable_that_is_wrong() -> None:
    assert refusal(ETCD_CERT_FILE="x").startswith("ETCD_CERT_FILE=x is refused")
    assert refusal(ETCD_MAX_LEARNERS="x").startswith("ETCD_MAX_LEARNERS: 'x'")


@pytest.mark.parametrize(
    "flag",
    ["--client-cert-auth=false", "--auto-tls=F", "--cert-file=", "--cors=*", "--proxy=off"],
)
def test_a_flag_that_asks_for_nothing_new_is_accepted(flag: str) -> None:
    assert parsed(flag) == parsed()


def test_no_flag_is_both_supported_and_refused() -> None:
    assert not FLAGS.keys() & REFUSED.keys()


def test_addresses_are_compared_by_where_they_lead() -> None:
    config = parsed(
        "--initial-cluster=default=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://localhost:2380,http://127.0.0.1:2380",
    )
    assert config.initial_cluster == (("default", "http://127.0.0.1:2380"),)


def test_a_directory_with_data_needs_no_bootstrap_flags(tmp_path: Path) -> None:
    wrong = (f"--data-dir={tmp_path}", "--initial-cluster=other=http://localhost:2380")
    with pytest.raises(FlagError):
        parsed(*wrong)
    (tmp_path / "data.mdb").touch()
    assert parsed(*wrong).name == "default"


def config_file(folder: Path, text: str) -> str:
    """The flag that names a file with this text."""
    path = folder / "member.yaml"
    path.write_text(text)
    return f"--config-file={path}"


def test_a_file_sets_everything_and_takes_both_notations_of_durations(tmp_path: Path) -> None:
    flag = config_file(
        tmp_path,
        "name: f\n"
        "data-dir: /nowhere/f\n"
        "listen-client-urls: http://127.0.0.1:1\n"
        "advertise-client-urls: http://127.0.0.1:1\n"
        "listen-metrics-urls: [http://127.0.0.1:2, http://127.0.0.1:3]\n"
        "grpc-keepalive-interval: 5000000000\n"
        "watch-progress-notify-interval: 10s\n"
        "pre-vote: false\n"
        "discovery:\n"
        "client-transport-security:\n"
        "  cert-file:\n"
        "  client-cert-auth: false\n",
    )
    settings, warnings = collect([flag, "--name=x"], {"ETCD_MAX_LEARNERS": "5"})
    config = member_config(settings)
    assert (config.name, config.raft.pre_vote, config.raft.learners_max) == ("f", False, 1)
    assert config.listen_metrics_urls == ("http://127.0.0.1:2", "http://127.0.0.1:3")
    assert config.wire.keepalive_interval_ms == 5_000
    assert config.watch.progress_notify_interval_ms == 10_000
    assert warnings == [
        "--name does not count beside --config-file",
        "ETCD_MAX_LEARNERS does not count beside --config-file",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: x", "is not a flag; did you mean --name?"),
        ("- name", "must hold keys and values"),
        ("name: [1, 2]", "[1, 2] is no value for a flag"),
        ("a: b: c", "mapping values are not allowed here"),
        ("client-transport-security: {cert-file: x}", "client-transport-security.cert-file in"),
        ("peer-transport-security: {allowed-cn: x}", "is refused: TLS is not supported yet"),
        ("peer-transport-security: 5", "must hold keys and values"),
        ("max-txn-ops: x", "max-txn-ops in"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(config_file(tmp_path, text))


def test_a_file_that_is_missing_is_said_so() -> None:
    assert "No such file" in refusal("--config-file=/nowhere/x.yaml")


def test_a_refused_flag_is_refused_beside_a_file_too(tmp_path: Path) -> None:
    assert "TLS" in refusal(config_file(tmp_path, "name: f"), "--cert-file=x")
