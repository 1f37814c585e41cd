"""Checks settings as a whole, as etcd does, and makes a member's configuration of them."""

from pathlib import Path

from raftkv.cli.serve.flags import FLAGS
from raftkv.cli.serve.go_values import parse_duration, parse_integer
from raftkv.cli.serve.settings import FlagError, Settings
from raftkv.cli.serve.urls import (
    advertised_urls,
    are_same_addresses,
    cluster_members,
    listen_urls,
)
from raftkv.config import (
    KIB,
    LimitsConfig,
    MemberConfig,
    NodeConfig,
    RaftConfig,
    WatchConfig,
    WireConfig,
)

ELECTION_TIMEOUT_MS_MAX = 50_000
HEARTBEATS_PER_ELECTION_MIN = 5
MESSAGE_OVERHEAD_BYTES = 512 * KIB
"""What a gRPC message may be larger than the request it carries."""
NEVER_MS = 1 << 40
CLUSTER_STATES = ("new", "existing")
COMPACTION_MODES = ("periodic", "revision")


def member_config(settings: Settings) -> MemberConfig:
    """The configuration that the settings describe.

    Raises:
        FlagError: A value is wrong, or two of them contradict each other.
    """
    if "listen-client-urls" in settings.given and "advertise-client-urls" not in settings.given:
        origin = settings.origin("listen-client-urls")
        raise FlagError(f"--advertise-client-urls is required when {origin} is set")
    name = settings.text("name")
    if not name or set(name) & set(",="):
        raise FlagError(f"{settings.origin('name')}: {name!r} must be a word without ',' and '='")
    heartbeat_ms, election_ms = _intervals_ms(settings)
    period_seconds, revisions = _auto_compaction(settings)
    limits = _limits(settings)
    config = MemberConfig(
        name=name,
        data_dir=settings.text("data-dir").replace("${name}", name),
        listen_client_urls=listen_urls(settings, "listen-client-urls"),
        advertise_client_urls=advertised_urls(settings, "advertise-client-urls"),
        listen_peer_urls=listen_urls(settings, "listen-peer-urls"),
        initial_advertise_peer_urls=advertised_urls(settings, "initial-advertise-peer-urls"),
        listen_metrics_urls=listen_urls(settings, "listen-metrics-urls"),
        listen_client_http_urls=listen_urls(settings, "listen-client-http-urls"),
        initial_cluster=_initial_cluster(settings, name),
        initial_cluster_token=settings.text("initial-cluster-token"),
        initial_cluster_state=_choice(settings, "initial-cluster-state", CLUSTER_STATES),
        force_new_cluster=settings.boolean("force-new-cluster"),
        strict_reconfig_check=settings.boolean("strict-reconfig-check"),
        heartbeat_interval_ms=heartbeat_ms,
        election_timeout_ms=election_ms,
        auto_compaction_period_seconds=period_seconds,
        auto_compaction_revisions=revisions,
        raft=RaftConfig(
            election_timeout_ticks=election_ms // heartbeat_ms,
            pre_vote=settings.boolean("pre-vote"),
            learners_max=settings.integer("max-learners"),
        ),
        wire=_wire(settings, limits.request_bytes_max),
        node=NodeConfig(
            snapshot_count_entries=settings.integer("snapshot-count"),
            snapshot_catchup_entries=settings.integer("snapshot-catchup-entries"),
        ),
        watch=WatchConfig(
            progress_notify_interval_ms=settings.milliseconds(
                "watch-progress-notify-interval", minimum=100
            ),
            response_bytes_max=limits.request_bytes_max + MESSAGE_OVERHEAD_BYTES,
        ),
        limits=limits,
    )
    _check_listening(config)
    if not _was_bootstrapped(config.data_dir):
        _check_bootstrap(config, settings)
    return config


def _intervals_ms(settings: Settings) -> tuple[int, int]:
    """Heartbeat interval and election timeout, which depend on each other."""
    heartbeat = settings.integer("heartbeat-interval")
    election = settings.integer("election-timeout")
    if election < HEARTBEATS_PER_ELECTION_MIN * heartbeat:
        raise FlagError(
            f"{settings.origin('election-timeout')} ({election}ms) must be at least"
            f" {HEARTBEATS_PER_ELECTION_MIN} times"
            f" {settings.origin('heartbeat-interval')} ({heartbeat}ms)"
        )
    if election > ELECTION_TIMEOUT_MS_MAX:
        raise FlagError(
            f"{settings.origin('election-timeout')} ({election}ms) must be at most"
            f" {ELECTION_TIMEOUT_MS_MAX}ms"
        )
    return heartbeat, election


def _limits(settings: Settings) -> LimitsConfig:
    """What a request may ask; a quota of 0 is the default one."""
    quota = settings.integer("quota-backend-bytes", minimum=None)
    return LimitsConfig(
        request_bytes_max=settings.integer("max-request-bytes"),
        txn_operations_max=settings.integer("max-txn-ops"),
        quota_bytes=quota or LimitsConfig().quota_bytes,
    )


def _wire(settings: Settings, request_bytes_max: int) -> WireConfig:
    """One client connection."""
    return WireConfig(
        message_bytes_max=request_bytes_max + MESSAGE_OVERHEAD_BYTES,
        concurrent_streams_max=min(
            settings.integer("max-concurrent-streams"), WireConfig().concurrent_streams_max
        ),
        keepalive_interval_min_ms=settings.milliseconds("grpc-keepalive-min-time"),
        keepalive_interval_ms=settings.milliseconds("grpc-keepalive-interval") or NEVER_MS,
        keepalive_timeout_ms=settings.milliseconds("grpc-keepalive-timeout") or NEVER_MS,
    )


def _auto_compaction(settings: Settings) -> tuple[float, int]:
    """(seconds, revisions) of history to keep, of which at most one is not 0."""
    mode = _choice(settings, "auto-compaction-mode", COMPACTION_MODES)
    retention = settings.text("auto-compaction-retention")
    origin = settings.origin("auto-compaction-retention")
    number = _integer_or_none(retention)
    if number is not None and number < 0:
        raise FlagError(f"{origin}: {retention} is negative")
    if mode == "revision":
        if number is None:
            raise FlagError(f"{origin}: {retention!r} is not a number of revisions")
        return 0.0, number
    if number is not None:
        return number * 3_600.0, 0
    try:
        nanoseconds = parse_duration(retention)
    except ValueError as error:
        raise FlagError(f"{origin}: {error}") from error
    if nanoseconds < 0:
        raise FlagError(f"{origin}: {retention} is negative")
    return nanoseconds / 1e9, 0


def _integer_or_none(text: str) -> int | None:
    """The number, or None when the text is none."""
    try:
        return parse_integer(text)
    except ValueError:
        return None


def _choice(settings: Settings, name: str, choices: tuple[str, ...]) -> str:
    """The value of a flag that has only these."""
    text = settings.text(name)
    if text not in choices:
        raise FlagError(f"{settings.origin(name)}: {text!r} is not one of {', '.join(choices)}")
    return text


def _initial_cluster(settings: Settings, name: str) -> tuple[tuple[str, str], ...]:
    """The members of a new cluster; by itself a member is the only one."""
    origin = settings.origin("initial-cluster")
    text = settings.text("initial-cluster")
    if text in ("", FLAGS["initial-cluster"].default):
        urls = advertised_urls(settings, "initial-advertise-peer-urls")
        return tuple((name, url) for url in urls)
    return cluster_members(text, origin)


def _check_listening(config: MemberConfig) -> None:
    """Every URL to listen on is there once, and there are some for clients and for peers."""
    if not config.listen_client_urls:
        raise FlagError("--listen-client-urls: must not be empty")
    if not config.listen_peer_urls:
        raise FlagError("--listen-peer-urls: must not be empty")
    used: dict[str, str] = {}
    for flag, urls in (
        ("--listen-client-urls", config.listen_client_urls),
        ("--listen-peer-urls", config.listen_peer_urls),
        ("--listen-client-http-urls", config.listen_client_http_urls),
        ("--listen-metrics-urls", config.listen_metrics_urls),
    ):
        for url in urls:
            if used.setdefault(url, flag) != flag:
                raise FlagError(f"{url} is in both {used[url]} and {flag}")


def _was_bootstrapped(data_dir: str) -> bool:
    """Whether a member lived here before; then the flags of bootstrap do not count any more."""
    try:
        return any(Path(data_dir).iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # What is wrong with it is said by who opens it.


def _check_bootstrap(config: MemberConfig, settings: Settings) -> None:
    """A new member finds itself among the members that it is told of."""
    ours = {url for name, url in config.initial_cluster if name == config.name}
    origin = settings.origin("initial-cluster")
    if not ours:
        raise FlagError(f"{origin} does not contain --name={config.name}")
    advertised = set(config.initial_advertise_peer_urls)
    if ours != advertised and not are_same_addresses(ours, advertised):
        raise FlagError(
            f"{origin} has {config.name}={','.join(sorted(ours))}, but"
            f" {settings.origin('initial-advertise-peer-urls')} is {','.join(sorted(advertised))}"
        )
