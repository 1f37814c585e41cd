"""Alarm: raises alarms and takes them back."""

from raftkv.apply.parts import Parts
from raftkv.cluster.alarms import ANY, Alarm
from raftkv.command.types import Result
from raftkv.mvcc.record import delimited
from raftkv.pb.rpc_pb2 import AlarmMember, AlarmRequest

_ALARMS = b"\x12"


def apply_alarm(parts: Parts, body: bytes) -> Result:
    """Applies an AlarmRequest; the answer is an AlarmResponse with the alarms that it is about."""
    request = AlarmRequest.FromString(body)
    alarms = parts.alarms
    kind = request.alarm
    member_id = request.memberID
    about: list[Alarm] = []
    if request.action == AlarmRequest.GET:
        about = alarms.active(kind)
    elif request.action == AlarmRequest.ACTIVATE and kind != ANY:
        alarms.activate(member_id, kind)
        about = [(member_id, kind)]
    elif request.action == AlarmRequest.DEACTIVATE:
        about = alarms.active(kind, member_id)
        for alarm in about:
            alarms.deactivate(*alarm)
    return parts.store.revision, alarms_field(about)


def alarms_field(alarms: list[Alarm]) -> bytes:
    """The `alarms` of an AlarmResponse."""
    messages = [AlarmMember(memberID=member_id, alarm=kind) for member_id, kind in alarms]  # type: ignore[arg-type]  # an open enum
    return b"".join([delimited(_ALARMS, message.SerializeToString()) for message in messages])
