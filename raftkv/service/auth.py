"""etcdserverpb.Auth: authentication is off, and these methods say so.

AuthStatus and Authenticate answer as an etcd without authentication does; the methods that would
change users or roles are refused by name.
"""

from raftkv.pb import rpc_pb2 as pb
from raftkv.service.header import Headers
from raftkv.service.ports import Call, Node
from raftkv.service.status import AUTH_NOT_ENABLED, fail

REFUSED = (
    "AuthEnable",
    "UserAdd",
    "UserGet",
    "UserList",
    "UserDelete",
    "UserChangePassword",
    "UserGrantRole",
    "UserRevokeRole",
    "RoleAdd",
    "RoleGet",
    "RoleList",
    "RoleDelete",
    "RoleGrantPermission",
    "RoleRevokePermission",
)
"""The methods of etcdserverpb.Auth that are not supported."""
AUTH_REVISION = 1
"""The auth store's first revision, which it stays at."""


class AuthService:
    """What is left of the auth service while authentication is off."""

    def __init__(self, node: Node, headers: Headers) -> None:
        self._node = node
        self._headers = headers

    def status(self, call: Call, message: bytes) -> None:
        """AuthStatus: not enabled, at the auth store's first revision."""
        pb.AuthStatusRequest.FromString(message)
        body = pb.AuthStatusResponse(authRevision=AUTH_REVISION).SerializeToString()
        call.reply(self._headers.field(self._node.state.store.revision) + body)

    def authenticate(self, call: Call, message: bytes) -> None:
        """Authenticate: there is nothing to authenticate against."""
        pb.AuthenticateRequest.FromString(message)
        fail(call, AUTH_NOT_ENABLED)

    def disable(self, call: Call, message: bytes) -> None:
        """AuthDisable: it is disabled already, which etcd too calls a success."""
        pb.AuthDisableRequest.FromString(message)
        call.reply(self._headers.field(self._node.state.store.revision))
