"""etcdserverpb.Watch: one stream of requests to watch, one of responses about them.

What a watch is sent is the hub's business (`raftkv/watch/hub.py`); here its requests are read.
"""

from functools import partial

from google.protobuf.message import DecodeError

from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.header import Headers
from raftkv.service.ports import Node, Stream
from raftkv.service.status import BAD_MESSAGE, STATUS, finish
from raftkv.watch.hub import Hub
from raftkv.watch.request import WatchRequest

PATH = "/etcdserverpb.Watch/Watch"

_SMALLEST_KEY = b"\0"
_NO_PUT = pb.WatchCreateRequest.NOPUT
_NO_DELETE = pb.WatchCreateRequest.NODELETE


class WatchService:
    """The watch service of one member."""

    def __init__(self, node: Node, hub: Hub) -> None:
        status = node.status
        self._hub = hub
        hub.header = Headers(status.cluster_id, status.member_id, node.raft).field

    def watch(self, stream: Stream) -> None:
        """Watch: requests to create, to cancel and to tell the progress, in any order."""
        _Watching(self._hub, stream)


class _Watching:
    """One stream. That the client has no more requests does not end it: it goes on being told."""

    def __init__(self, hub: Hub, stream: Stream) -> None:
        self._hub = hub
        self._stream = stream
        self._watches = hub.open(stream)
        stream.on_message = self._on_message
        stream.on_drained = partial(hub.drained, self._watches)
        stream.on_close = partial(hub.close, self._watches)

    def _on_message(self, message: bytes) -> None:
        try:
            request = pb.WatchRequest.FromString(message)
        except DecodeError:
            finish(self._stream, BAD_MESSAGE)
            return
        kind = request.WhichOneof("request_union")
        if kind == "create_request":
            self._create(request.create_request)
        elif kind == "cancel_request":
            self._hub.cancel(self._watches, request.cancel_request.watch_id)
        elif kind == "progress_request":
            self._hub.request_progress(self._watches)

    def _create(self, asked: pb.WatchCreateRequest) -> None:
        hub = self._hub
        if asked.start_revision < 0:
            hub.refuse(self._watches, STATUS[Failure.COMPACTED].text)
        elif hub.is_full:
            hub.refuse(self._watches, STATUS[Failure.TOO_MANY_REQUESTS].text)
        else:
            hub.create(self._watches, _checked(asked))


def _checked(asked: pb.WatchCreateRequest) -> WatchRequest:
    return WatchRequest(
        key=asked.key or _SMALLEST_KEY,
        end=asked.range_end or None,
        start_revision=asked.start_revision,
        watch_id=asked.watch_id,
        no_put=_NO_PUT in asked.filters,
        no_delete=_NO_DELETE in asked.filters,
        prev_kv=asked.prev_kv,
        progress_notify=asked.progress_notify,
        fragment=asked.fragment,
    )
