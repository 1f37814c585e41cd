"""Every tunable, its unit in its name and its default: data only.

A bound's docstring says what happens when it is reached.
"""

from dataclasses import dataclass, field

VERSION = "0.1.0"
ETCD_VERSION = "3.6.6"
"""The etcd release whose API we answer to, as `Status`, `/version` and `--version` say."""

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RaftConfig:
    """Consensus. One tick is one heartbeat interval."""

    heartbeat_interval_ticks: int = 1
    election_timeout_ticks: int = 10
    """Elections start after this many silent ticks, up to twice as many at random."""
    append_bytes_max: int = MIB
    """Entry bytes in one AppendEntries; the rest follows in the next."""
    inflight_messages_max: int = 256
    """AppendEntries unanswered by one follower; beyond it the leader waits for an answer."""
    inflight_bytes_max: int = 16 * MIB
    """Entry bytes unanswered by one follower; beyond it the leader waits for an answer."""
    uncommitted_bytes_max: int = 128 * MIB
    """Entry bytes not yet committed; beyond it proposals are rejected."""
    reads_waiting_max: int = 100_000
    """Reads that wait for a quorum's confirmation; beyond it they are dropped."""
    pre_vote: bool = True
    check_quorum: bool = True
    learners_max: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WireConfig:
    """One client connection: HTTP/2 and gRPC."""

    message_bytes_max: int = 1_572_864 + 512 * KIB
    """A larger gRPC message ends its call with RESOURCE_EXHAUSTED, as grpc-go words it."""
    header_block_bytes_max: int = 16 * KIB
    """A larger header block (CONTINUATION included) closes the connection with
    ENHANCE_YOUR_CALM."""
    header_list_bytes_max: int = 64 * KIB
    """A header list that decodes to more closes the connection with ENHANCE_YOUR_CALM."""
    concurrent_streams_max: int = 100_000
    """Streams beyond it are refused with REFUSED_STREAM."""
    receive_window_bytes: int = MIB
    """What a peer may send ahead of us, a connection and a stream."""
    held_bytes_max: int = 64 * MIB
    """Bytes kept for requests that are not complete or not yet handled, a connection; the call that
    passes it ends with RESOURCE_EXHAUSTED."""
    output_bytes_max: int = 16 * MIB
    """DATA that a slow reader leaves waiting in the output; beyond it streams wait. The same again
    of unary replies may wait for the client's windows; beyond it unary requests wait too."""
    output_frames_max: int = 65_536
    """Pieces of output that a slow reader leaves waiting; beyond it `accepts_input` is False."""
    stream_output_bytes_max: int = 4 * MIB
    """Responses of one stream that wait for the client's windows; beyond it its requests wait
    too."""
    control_frames_max: int = 1_000
    """PING, SETTINGS, RST_STREAM, empty frames and streams that we must reset, between two sent
    responses or in a second; beyond it ENHANCE_YOUR_CALM."""
    keepalive_interval_min_ms: int = 5_000
    """Pings that come oftener, three times over, are answered with GOAWAY too_many_pings."""
    keepalive_idle_interval_min_ms: int = 7_200_000
    """The same for a connection without calls."""
    keepalive_interval_ms: int = 7_200_000
    """Silence after which we send a ping."""
    keepalive_timeout_ms: int = 20_000
    """Silence after our ping that ends the connection."""
    preface_timeout_ms: int = 10_000
    """A client that has not sent its preface and SETTINGS by then is closed."""
    shutdown_ping_timeout_ms: int = 5_000
    """How long a graceful shutdown waits for the client to notice before it refuses new streams."""
    header_cache_blocks_max: int = 64
    """Header blocks remembered; a full cache starts again."""
    header_cache_block_bytes_max: int = 512
    """Larger blocks are not remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """The disk: the Raft log's files, and the LMDB environment of the state."""

    map_bytes: int = 1 << 40
    """The state's sparse map; never resized."""
    log_file_bytes: int = 16 * MIB
    """A full file of the log is followed by another; full ones go when the state has them."""
    append_in_place_entries_max: int = 3
    """More entries than this are always appended on the log's thread."""
    append_in_place_milliseconds_max: float = 1.0
    """When the moving average of appends is slower, nothing is appended on the loop."""
    save_interval_milliseconds: int = 100
    """How long applied state may stay in memory alone; the log has it meanwhile."""
    save_bytes_waiting: int = 8 * MIB
    """So much applied state is stored at once, without waiting for the interval to end."""
    save_bytes_waiting_max: int = 256 * MIB
    """So much applied state that the disk has not taken holds up the log, and so the clients."""
    deletes_per_write_max: int = 1_000
    """Rows that one write may remove on the side; the rest waits for the next."""
    probe_before_open: bool = True
    """Another process reads the data file first: LMDB ends the one that meets a damaged page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportConfig:
    """Messages between members."""

    queue_bytes_max: int = 64 * MIB
    """Bytes waiting for one peer; what comes on top is dropped, and Raft sends it again."""
    frame_bytes_max: int = 64 * MIB
    """A larger frame closes the connection."""
    reconnect_milliseconds_min: int = 20
    reconnect_milliseconds_max: int = 1_000
    handshake_milliseconds_max: int = 2_000
    """A connection that is not agreed upon by then is given up, by both sides."""
    silence_milliseconds_max: int = 3_000
    """A connection whose other side acknowledges nothing for so long is closed and made again."""
    connections_max: int = 256
    """Incoming connections; what comes on top is closed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """The loop."""

    log_bytes_waiting_max: int = 256 * MIB
    """Entry bytes that the disk has not taken; beyond it `etcdserver: too many requests`."""
    proposals_waiting_max: int = 100_000
    """Requests waiting for their entry; beyond it `etcdserver: too many requests`."""
    proposal_bytes_waiting_max: int = 256 * MIB
    """The same in bytes."""
    apply_lag_entries_max: int = 5_000
    """Committed but not applied entries; beyond it `etcdserver: too many requests`."""
    apply_entries_per_turn_max: int = 512
    """Entries applied in one turn; the rest waits for the next, so that the loop breathes."""
    compaction_rows_per_tick_max: int = 2_000
    """Superseded rows removed in one tick."""
    snapshot_count_entries: int = 10_000
    """Applied entries after which the log is cut back."""
    snapshot_catchup_entries: int = 5_000
    """Entries kept behind the applied index when it is, for followers that are slow."""
    log_bytes_max: int = 128 * MIB
    """The log is cut back earlier when its entries weigh more."""
    snapshot_chunk_bytes: int = 512 * KIB
    snapshot_chunks_inflight_max: int = 4
    lease_expirations_per_tick_max: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """Watches."""

    watches_max: int = 1_000_000
    """Watches of one member; further ones are created and cancelled at once, with the reason."""
    backlog_bytes_max: int = 8 * MIB
    """Undelivered bytes of one watch stream; beyond it its watches fall back to reading history."""
    backlog_bytes_total_max: int = 256 * MIB
    """The same of all streams: each gets its share, but never less than 64 KiB."""
    catch_up_rows_per_turn_max: int = 1_000
    """Rows of history that all catching-up watches may read in one turn."""
    catch_up_bytes_per_turn_max: int = 4 * MIB
    """The same in bytes, counted once for each watch that shares the reading; 64 KiB are always
    read."""
    progress_notify_interval_ms: int = 600_000
    """Watches that asked for it are told how far they are when they had no event for so long."""
    response_bytes_max: int = 1_572_864 + 512 * KIB
    """A larger batch of events is split: marked as fragments, as etcd does it, for watches that
    asked for them, otherwise between two revisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """What a request may ask."""

    request_bytes_max: int = 1_572_864
    """Larger requests: `etcdserver: request is too large`."""
    txn_operations_max: int = 128
    quota_bytes: int = 2 * 1024 * MIB
    """Row bytes; beyond it the NOSPACE alarm is raised. Negative: no quota."""
    lease_ttl_seconds_max: int = 9_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfig:
    """One member, as its flags say."""

    name: str = "default"
    data_dir: str = "default.raftkv"
    listen_client_urls: tuple[str, ...] = ("http://localhost:2379",)
    advertise_client_urls: tuple[str, ...] = ("http://localhost:2379",)
    listen_peer_urls: tuple[str, ...] = ("http://localhost:2380",)
    initial_advertise_peer_urls: tuple[str, ...] = ("http://localhost:2380",)
    listen_metrics_urls: tuple[str, ...] = ()
    """Where `/metrics` and `/health` are served besides the client URLs."""
    listen_client_http_urls: tuple[str, ...] = ()
    """When given, HTTP/1.1 is served here, and on the client URLs nothing but gRPC."""
    initial_cluster: tuple[tuple[str, str], ...] = (("default", "http://localhost:2380"),)
    """(member name, peer URL) pairs; a name may come several times."""
    initial_cluster_token: str = "etcd-cluster"
    initial_cluster_state: str = "new"
    strict_reconfig_check: bool = True
    force_new_cluster: bool = False
    """Start as a cluster of one, with the data of the member's directory."""
    heartbeat_interval_ms: int = 100
    election_timeout_ms: int = 1_000
    auto_compaction_period_seconds: float = 0.0
    """History older than this is compacted by itself; 0: never."""
    auto_compaction_revisions: int = 0
    """History beyond so many revisions is compacted by itself; 0: never."""
    raft: RaftConfig = field(default_factory=RaftConfig)
    wire: WireConfig = field(default_factory=WireConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    transport: TransportConfig = field(default_factory=TransportConfig)
    node: NodeConfig = field(default_factory=NodeConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
