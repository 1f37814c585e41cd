"""Which function answers which path: the table that a server connection is given."""

from functools import partial
from math import ceil

from raftkv.config import MemberConfig
from raftkv.service import auth, health
from raftkv.service.answers import Answers
from raftkv.service.auth import AuthService
from raftkv.service.cluster import ClusterService
from raftkv.service.guard import Guard, StreamHandler, UnaryHandler, always, is_serializable
from raftkv.service.header import Headers
from raftkv.service.kv import KeyValueService
from raftkv.service.lease import LeaseService
from raftkv.service.maintenance import MaintenanceService
from raftkv.service.ports import Host, Node
from raftkv.service.quota import Quota
from raftkv.service.ranges import RangeService
from raftkv.service.status import finish, refuse, unimplemented
from raftkv.wire import Method

_ELECTION_TIMEOUTS_PER_LEASE_MIN = 1.5
"""So many election timeouts a lease lives at least: a change of leader is to be survived."""


class Services:
    """The services of one member, by path.

    Watching is added from outside (`add_stream`), since it needs the hub as well.
    """

    def __init__(self, node: Node, host: Host, config: MemberConfig) -> None:
        status = node.status
        self._node = node
        self._host = host
        self._config = config
        self.headers = Headers(status.cluster_id, status.member_id, node.raft)
        """Makes the header of every response of this member."""
        self._quota = Quota(node, config.limits.quota_bytes)
        self.guard = Guard(node, config.raft.election_timeout_ticks)
        self.routes: dict[str, Method] = {}
        """The table for `wire.ServerConnection`."""
        answers = Answers(self.headers)
        self._key_value = KeyValueService(node, answers, self._quota, config.limits)
        quota_bytes = config.limits.quota_bytes
        self.maintenance = MaintenanceService(node, host, self.headers, quota_bytes)
        self._add_kv()
        self._add_lease()
        self._add_cluster()
        self._add_maintenance()
        self._add_auth()
        self._add_health()

    def tick(self) -> None:
        """To be called once a Raft tick."""
        self.guard.tick()
        self._key_value.tick()

    def add_stream(self, path: str, handler: StreamHandler, kind: str = "bidi_stream") -> None:
        """Adds a streaming method; `kind` says which side streams, as `MethodCount` does."""
        self.routes[path] = Method.stream(self.guard.stream(path, handler, kind))

    def _add(self, service: str, handlers: dict[str, UnaryHandler]) -> None:
        for name, handler in handlers.items():
            path = f"/{service}/{name}"
            self.routes[path] = Method.unary(self.guard.unary(path, handler))

    def _add_kv(self) -> None:
        kv = self._key_value
        self._add(
            "etcdserverpb.KV",
            {
                "Put": kv.put,
                "DeleteRange": kv.delete_range,
                "Txn": kv.txn,
                "Compact": kv.compact,
            },
        )
        path = "/etcdserverpb.KV/Range"
        ranges = RangeService(self._node, self._host, self.headers)
        self.routes[path] = Method.unary(self.guard.unary(path, ranges.range, is_serializable))

    def _add_lease(self) -> None:
        config = self._config
        election_seconds = config.election_timeout_ms / 1_000
        ttl_seconds_min = ceil(_ELECTION_TIMEOUTS_PER_LEASE_MIN * election_seconds)
        lease = LeaseService(self._node, self._host, self.headers, self._quota, ttl_seconds_min)
        self._add(
            "etcdserverpb.Lease",
            {
                "LeaseGrant": lease.grant,
                "LeaseRevoke": lease.revoke,
                "LeaseTimeToLive": lease.time_to_live,
                "LeaseLeases": lease.leases,
            },
        )
        self.add_stream("/etcdserverpb.Lease/LeaseKeepAlive", lease.keep_alive)

    def _add_cluster(self) -> None:
        cluster = ClusterService(
            self._node,
            self._host,
            self.headers,
            strict=self._config.strict_reconfig_check,
            learners_max=self._config.raft.learners_max,
        )
        self._add(
            "etcdserverpb.Cluster",
            {
                "MemberAdd": cluster.add,
                "MemberRemove": cluster.remove,
                "MemberUpdate": cluster.update,
                "MemberList": cluster.list,
                "MemberPromote": cluster.promote,
            },
        )

    def _add_maintenance(self) -> None:
        maintenance = self.maintenance
        self._add(
            "etcdserverpb.Maintenance",
            {
                "Alarm": maintenance.alarm,
                "Defragment": maintenance.defragment,
                "Hash": maintenance.hash,
                "HashKV": maintenance.hash_kv,
                "MoveLeader": maintenance.move_leader,
                "Downgrade": partial(refuse, unimplemented("etcdserverpb.Maintenance/Downgrade")),
            },
        )
        path = "/etcdserverpb.Maintenance/Status"
        self.routes[path] = Method.unary(self.guard.unary(path, maintenance.status, always))
        path = "/etcdserverpb.Maintenance/Snapshot"
        self.add_stream(path, partial(finish, why=unimplemented(path[1:])), "server_stream")

    def _add_auth(self) -> None:
        service = AuthService(self._node, self.headers)
        handlers: dict[str, UnaryHandler] = {
            "AuthStatus": service.status,
            "Authenticate": service.authenticate,
            "AuthDisable": service.disable,
        }
        for name in auth.REFUSED:
            handlers[name] = partial(refuse, unimplemented(f"etcdserverpb.Auth/{name}"))
        self._add("etcdserverpb.Auth", handlers)

    def _add_health(self) -> None:
        self._add("grpc.health.v1.Health", {"Check": health.check})
        self.add_stream("/grpc.health.v1.Health/Watch", health.watch, "server_stream")
