"""Every flag that a member understands, with etcd's name, default and meaning: a table."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """How a flag's text is read."""

    TEXT = auto()
    BOOLEAN = auto()
    INTEGER = auto()
    DURATION = auto()


TEXT, BOOLEAN, INTEGER, DURATION = Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.DURATION


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag; `about` says what it does, and in which unit."""

    name: str
    kind: Kind
    default: str
    about: str


GROUPS: dict[str, tuple[Flag, ...]] = {
    "Member": (
        Flag("name", TEXT, "default", "Name of this member, for people."),
        Flag("data-dir", TEXT, "${name}.raftkv", "Where this member keeps its data."),
        Flag(
            "snapshot-count", INTEGER, "10000", "Applied entries after which the log is cut back."
        ),
        Flag(
            "snapshot-catchup-entries",
            INTEGER,
            "5000",
            "Entries kept for slow followers when the log is cut back.",
        ),
        Flag(
            "heartbeat-interval",
            INTEGER,
            "100",
            "Milliseconds between two heartbeats of the leader.",
        ),
        Flag(
            "election-timeout",
            INTEGER,
            "1000",
            "Milliseconds without a leader after which an election starts; at least 5 heartbeats.",
        ),
        Flag(
            "listen-peer-urls",
            TEXT,
            "http://localhost:2380",
            "Addresses to listen on for the other members, separated by commas.",
        ),
        Flag(
            "listen-client-urls",
            TEXT,
            "http://localhost:2379",
            "Addresses to listen on for clients: gRPC, and HTTP/1.1 for health and metrics.",
        ),
        Flag(
            "listen-client-http-urls",
            TEXT,
            "",
            "When given, HTTP/1.1 is served here, and only gRPC on the client URLs.",
        ),
        Flag("listen-metrics-urls", TEXT, "", "More addresses for /metrics and /health."),
        Flag(
            "advertise-client-urls",
            TEXT,
            "http://localhost:2379",
            "Addresses that clients are told; required when listen-client-urls is set.",
        ),
    ),
    "Bootstrap": (
        Flag(
            "initial-advertise-peer-urls",
            TEXT,
            "http://localhost:2380",
            "Addresses that the other members are told.",
        ),
        Flag(
            "initial-cluster",
            TEXT,
            "${name}=${initial-advertise-peer-urls}",
            "The members of a new cluster: a=http://10.0.0.1:2380,b=http://10.0.0.2:2380.",
        ),
        Flag(
            "initial-cluster-state",
            TEXT,
            "new",
            "'new', or 'existing' for a member that was added to a running cluster.",
        ),
        Flag(
            "initial-cluster-token",
            TEXT,
            "etcd-cluster",
            "Tells clusters apart that were started with the same addresses.",
        ),
        Flag(
            "force-new-cluster",
            BOOLEAN,
            "false",
            "Go on alone with this member's data: the others are removed. For one start only.",
        ),
        Flag(
            "strict-reconfig-check",
            BOOLEAN,
            "true",
            "Refuse a change of members that would lose the quorum.",
        ),
        Flag(
            "pre-vote", BOOLEAN, "true", "Ask whether an election could be won before starting one."
        ),
    ),
    "Limits": (
        Flag(
            "quota-backend-bytes",
            INTEGER,
            "0",
            "Bytes of all revisions of all keys before writes stop; 0: 2 GiB, negative: no quota.",
        ),
        Flag("max-txn-ops", INTEGER, "128", "Operations in one transaction."),
        Flag("max-request-bytes", INTEGER, "1572864", "Size of one client request."),
        Flag(
            "max-concurrent-streams",
            INTEGER,
            "4294967295",
            "Calls at a time on one client connection.",
        ),
        Flag("max-learners", INTEGER, "1", "Learners in the cluster."),
        Flag(
            "auto-compaction-mode",
            TEXT,
            "periodic",
            "'periodic' (retention is a duration, or hours) or 'revision' (a number of revisions).",
        ),
        Flag(
            "auto-compaction-retention",
            TEXT,
            "0",
            "History to keep when compacting by itself; 0: never.",
        ),
        Flag(
            "watch-progress-notify-interval",
            DURATION,
            "10m",
            "How often an idle watch that asked for it is told the revision; at least 100ms.",
        ),
        Flag(
            "grpc-keepalive-min-time",
            DURATION,
            "5s",
            "A client that pings oftener is disconnected.",
        ),
        Flag(
            "grpc-keepalive-interval",
            DURATION,
            "2h",
            "How often an idle client is pinged; 0: never.",
        ),
        Flag(
            "grpc-keepalive-timeout",
            DURATION,
            "20s",
            "How long to wait for the answer to that ping; 0: for ever.",
        ),
    ),
    "Logging": (
        Flag("log-level", TEXT, "info", "debug, info, warn, error, panic or fatal."),
        Flag(
            "log-outputs",
            TEXT,
            "default",
            "stderr (the default), stdout, or files, separated by commas.",
        ),
        Flag("log-format", TEXT, "json", "'json' (a line is an object) or 'console' (for people)."),
        Flag("logger", TEXT, "zap", "Only 'zap', the shape of etcd's log lines."),
        Flag(
            "enable-log-rotation",
            BOOLEAN,
            "false",
            "Start a new file when the one log file grows large.",
        ),
        Flag(
            "log-rotation-config-json",
            TEXT,
            '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
            "Size (MB), age (days) and number of old log files (0: all), and whether to gzip them.",
        ),
    ),
    "Other": (
        Flag(
            "config-file",
            TEXT,
            "",
            "A YAML file with these names as keys; flags and environment do not count then.",
        ),
        Flag("version", BOOLEAN, "false", "Print the versions."),
    ),
}

FLAGS: dict[str, Flag] = {flag.name: flag for flags in GROUPS.values() for flag in flags}
