"""etcd's flags that a member knows by name and refuses, because accepting them would be a lie.

A value that asks for nothing but what a member does anyway is accepted: `--client-cert-auth=false`.
"""

from raftkv.cli.serve.flags import Kind

BOOLEAN, TEXT = Kind.BOOLEAN, Kind.TEXT

_NO_TLS = "TLS is not supported yet"
_NO_AUTH = "authentication is not supported yet"
_NO_DISCOVERY = "discovery is not supported yet; name the members with --initial-cluster"
_NO_CHECKS = "background checks of the data are not supported yet"
_NO_TRACING = "tracing is not supported yet"
_NO_HTTP_RULES = "rules for browsers are not supported yet"
_NOT_YET = "it is not supported yet"
_NO_BBOLT = "it tunes etcd's bbolt file, and raftkv keeps its data in LMDB"
_NO_WAL = "raftkv keeps log and state in one directory, --data-dir"
_NO_V2 = "raftkv does not speak etcd's v2 API"
_NO_LESSOR = "lease checkpoints are not supported yet"

REFUSED: dict[str, tuple[str, Kind, tuple[str, ...]]] = {
    # name: (why, how it is written, the values that change nothing)
    "cert-file": (_NO_TLS, TEXT, ("",)),
    "key-file": (_NO_TLS, TEXT, ("",)),
    "trusted-ca-file": (_NO_TLS, TEXT, ("",)),
    "client-cert-auth": (_NO_TLS, BOOLEAN, ("false",)),
    "auto-tls": (_NO_TLS, BOOLEAN, ("false",)),
    "client-crl-file": (_NO_TLS, TEXT, ("",)),
    "client-cert-file": (_NO_TLS, TEXT, ("",)),
    "client-key-file": (_NO_TLS, TEXT, ("",)),
    "client-cert-allowed-hostname": (_NO_TLS, TEXT, ("",)),
    "peer-cert-file": (_NO_TLS, TEXT, ("",)),
    "peer-key-file": (_NO_TLS, TEXT, ("",)),
    "peer-trusted-ca-file": (_NO_TLS, TEXT, ("",)),
    "peer-client-cert-auth": (_NO_TLS, BOOLEAN, ("false",)),
    "peer-auto-tls": (_NO_TLS, BOOLEAN, ("false",)),
    "peer-crl-file": (_NO_TLS, TEXT, ("",)),
    "peer-client-cert-file": (_NO_TLS, TEXT, ("",)),
    "peer-client-key-file": (_NO_TLS, TEXT, ("",)),
    "peer-cert-allowed-cn": (_NO_TLS, TEXT, ("",)),
    "peer-cert-allowed-hostname": (_NO_TLS, TEXT, ("",)),
    "peer-skip-client-san-verification": (_NO_TLS, BOOLEAN, ("false",)),
    "cipher-suites": (_NO_TLS, TEXT, ("",)),
    "tls-min-version": (_NO_TLS, TEXT, ("",)),
    "tls-max-version": (_NO_TLS, TEXT, ("",)),
    "self-signed-cert-validity": (_NO_TLS, TEXT, ()),
    "auth-token": (_NO_AUTH, TEXT, ("",)),
    "auth-token-ttl": (_NO_AUTH, TEXT, ()),
    "bcrypt-cost": (_NO_AUTH, TEXT, ()),
    "discovery": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-fallback": (_NO_DISCOVERY, TEXT, ("exit",)),
    "discovery-proxy": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-srv": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-srv-name": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-token": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-endpoints": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-dial-timeout": (_NO_DISCOVERY, TEXT, ()),
    "discovery-request-timeout": (_NO_DISCOVERY, TEXT, ()),
    "discovery-keepalive-time": (_NO_DISCOVERY, TEXT, ()),
    "discovery-keepalive-timeout": (_NO_DISCOVERY, TEXT, ()),
    "discovery-insecure-transport": (_NO_DISCOVERY, BOOLEAN, ()),
    "discovery-insecure-skip-tls-verify": (_NO_DISCOVERY, BOOLEAN, ("false",)),
    "discovery-cert": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-key": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-cacert": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-user": (_NO_DISCOVERY, TEXT, ("",)),
    "discovery-password": (_NO_DISCOVERY, TEXT, ("",)),
    "corrupt-check-time": (_NO_CHECKS, TEXT, ("0", "0s")),
    "initial-corrupt-check": (_NO_CHECKS, BOOLEAN, ("false",)),
    "compact-hash-check-enabled": (_NO_CHECKS, BOOLEAN, ("false",)),
    "compact-hash-check-time": (_NO_CHECKS, TEXT, ()),
    "enable-distributed-tracing": (_NO_TRACING, BOOLEAN, ("false",)),
    "distributed-tracing-address": (_NO_TRACING, TEXT, ()),
    "distributed-tracing-service-name": (_NO_TRACING, TEXT, ()),
    "distributed-tracing-instance-id": (_NO_TRACING, TEXT, ("",)),
    "distributed-tracing-sampling-rate": (_NO_TRACING, TEXT, ("0",)),
    "cors": (_NO_HTTP_RULES, TEXT, ("", "*")),
    "host-whitelist": (_NO_HTTP_RULES, TEXT, ("", "*")),
    "enable-grpc-gateway": ("the JSON gateway is not supported yet", BOOLEAN, ("false",)),
    "enable-pprof": ("raftkv is no Go program", BOOLEAN, ("false",)),
    "metrics": ("only 'basic' is supported", TEXT, ("basic",)),
    "feature-gates": (_NOT_YET, TEXT, ("",)),
    "initial-election-tick-advance": (_NOT_YET, BOOLEAN, ()),
    "raft-read-timeout": (_NOT_YET, TEXT, ()),
    "raft-write-timeout": (_NOT_YET, TEXT, ()),
    "socket-reuse-port": (_NOT_YET, BOOLEAN, ("false",)),
    "socket-reuse-address": (_NOT_YET, BOOLEAN, ()),
    "warning-apply-duration": (_NOT_YET, TEXT, ()),
    "warning-unary-request-duration": (_NOT_YET, TEXT, ()),
    "downgrade-check-time": (_NOT_YET, TEXT, ()),
    "memory-mlock": (_NOT_YET, BOOLEAN, ("false",)),
    "set-member-localaddr": (_NOT_YET, BOOLEAN, ("false",)),
    "stop-grpc-service-on-defrag": (_NOT_YET, BOOLEAN, ("false",)),
    "compaction-batch-limit": (_NOT_YET, TEXT, ()),
    "compaction-sleep-interval": (_NOT_YET, TEXT, ()),
    "enable-lease-checkpoint": (_NO_LESSOR, BOOLEAN, ("false",)),
    "enable-lease-checkpoint-persist": (_NO_LESSOR, BOOLEAN, ("false",)),
    "unsafe-no-fsync": ("raftkv never answers before the disk has it", BOOLEAN, ("false",)),
    "wal-dir": (_NO_WAL, TEXT, ("",)),
    "max-wals": (_NO_WAL, TEXT, ()),
    "max-snapshots": (_NO_WAL, TEXT, ()),
    "backend-batch-interval": (_NO_BBOLT, TEXT, ()),
    "backend-batch-limit": (_NO_BBOLT, TEXT, ()),
    "backend-bbolt-freelist-type": (_NO_BBOLT, TEXT, ()),
    "bootstrap-defrag-threshold-megabytes": (_NO_BBOLT, TEXT, ("0",)),
    "txn-mode-write-with-shared-buffer": (_NO_BBOLT, BOOLEAN, ()),
    "enable-v2": (_NO_V2, BOOLEAN, ("false",)),
    "enable-v2v3": (_NO_V2, TEXT, ("",)),
    "v2-deprecation": (_NO_V2, TEXT, ("gone",)),
    "proxy": (_NO_V2, TEXT, ("off",)),
    "proxy-failure-wait": (_NO_V2, TEXT, ()),
    "proxy-refresh-interval": (_NO_V2, TEXT, ()),
    "proxy-dial-timeout": (_NO_V2, TEXT, ()),
    "proxy-write-timeout": (_NO_V2, TEXT, ()),
    "proxy-read-timeout": (_NO_V2, TEXT, ()),
}


def refusal(name: str, text: str) -> str | None:
    """Why the flag `name` with this value is refused; None when it changes nothing."""
    why, _, harmless = REFUSED[name]
    return None if text in harmless else why
