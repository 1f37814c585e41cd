"""grpc.health.v1.Health: the server as a whole serves; it knows no other service names."""

from functools import partial

from google.protobuf.message import DecodeError

from raftkv.pb import health_pb2 as pb
from raftkv.service.ports import Call, Stream
from raftkv.service.status import BAD_MESSAGE, Status, finish
from raftkv.wire.status import Code

WHOLE_SERVER = ""
_SERVING = pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVING).SerializeToString()
_UNKNOWN = pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVICE_UNKNOWN).SerializeToString()
_ONE_REQUEST = Status(Code.INTERNAL, "grpc: Watch takes one request")


def check(call: Call, message: bytes) -> None:
    """Check: SERVING, or NOT_FOUND for a service that is not known."""
    if pb.HealthCheckRequest.FromString(message).service == WHOLE_SERVER:
        call.reply(_SERVING)
    else:
        call.fail(Code.NOT_FOUND, "unknown service")


def watch(stream: Stream) -> None:
    """Watch: says the same once, then stays open, since it never changes."""
    stream.on_message = partial(_begin_watch, stream)
    stream.on_half_close = _stay_open


def _begin_watch(stream: Stream, message: bytes) -> None:
    try:
        known = pb.HealthCheckRequest.FromString(message).service == WHOLE_SERVER
    except DecodeError:
        finish(stream, BAD_MESSAGE)
        return
    stream.on_message = partial(_refuse_second, stream)
    stream.send(_SERVING if known else _UNKNOWN)


def _refuse_second(stream: Stream, _message: bytes) -> None:
    finish(stream, _ONE_REQUEST)


def _stay_open() -> None:
    """The client has sent its one request; the answers go on."""
