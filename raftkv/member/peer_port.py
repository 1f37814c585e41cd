"""The peer port of a member: where the other members are, and what they send to the node."""

import logging

from raftkv.cluster.members import Member
from raftkv.config import MemberConfig
from raftkv.member.errors import StartupError
from raftkv.node.node import Node
from raftkv.peer.handshake import ClusterInfo, MemberInfo
from raftkv.storage import Identity
from raftkv.transport import TcpTransport

log = logging.getLogger(__name__)
