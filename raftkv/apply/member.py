"""The commands that change the table of members.

Those that change who votes ride on membership entries, whose effect on consensus the leader has
checked before it took them in; what is checked here is what may have changed since.
"""

from raftkv.apply.parts import Parts
from raftkv.cluster.members import Member, from_message
from raftkv.command.types import Result
from raftkv.mvcc.record import delimited
from raftkv.pb import rpc_pb2 as pb

_MEMBER = b"\x12"
_MEMBERS_AFTER_MEMBER = b"\x1a"
_MEMBERS = b"\x12"


def apply_member_add(parts: Parts, body: bytes) -> Result:
    """Adds the Member; the answer is a MemberAddResponse."""
    member = from_message(pb.Member.FromString(body))
    failure = parts.members.check_add(member)
    if failure is not None:
        return failure
    parts.members.add(member)
    added = delimited(_MEMBER, member.message().SerializeToString())
    return parts.store.revision, added + members_field(parts, _MEMBERS_AFTER_MEMBER)


def apply_member_remove(parts: Parts, body: bytes) -> Result:
    """Applies a MemberRemoveRequest; the answer is a MemberRemoveResponse."""
    member_id = pb.MemberRemoveRequest.FromString(body).ID
    failure = parts.members.check_exists(member_id)
    if failure is not None:
        return failure
    parts.members.remove(member_id)
    return parts.store.revision, members_field(parts)


def apply_member_promote(parts: Parts, body: bytes) -> Result:
    """Applies a MemberPromoteRequest; the answer is a MemberPromoteResponse."""
    member_id = pb.MemberPromoteRequest.FromString(body).ID
    failure = parts.members.check_promote(member_id)
    if failure is not None:
        return failure
    parts.members.promote(member_id)
    return parts.store.revision, members_field(parts)


def apply_member_update(parts: Parts, body: bytes) -> Result:
    """Applies a MemberUpdateRequest; the answer is a MemberUpdateResponse."""
    request = pb.MemberUpdateRequest.FromString(body)
    failure = parts.members.check_update(request.ID, request.peerURLs)
    if failure is not None:
        return failure
    parts.members.update(request.ID, request.peerURLs)
    return parts.store.revision, members_field(parts)


def apply_member_publish(parts: Parts, body: bytes) -> Result:
    """Takes note of the name and client URLs of a Member; one that is gone is ignored."""
    member = pb.Member.FromString(body)
    if member.ID in parts.members:
        parts.members.publish(member.ID, member.name, member.clientURLs)
    return parts.store.revision, b""


def apply_member_keep_only(parts: Parts, body: bytes) -> Result:
    """Removes everyone but the Member, who votes from now on."""
    parts.members.keep_only(from_message(pb.Member.FromString(body)))
    return parts.store.revision, b""


def members_field(parts: Parts, tag: bytes = _MEMBERS) -> bytes:
    """The `members` of a response: all of them, by id."""
    return b"".join([_message(tag, member) for member in parts.members.all()])


def _message(tag: bytes, member: Member) -> bytes:
    return delimited(tag, member.message().SerializeToString())
