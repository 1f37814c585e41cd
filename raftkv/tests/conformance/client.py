"""A client that adds nothing of its own: grpcio and the messages."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb

ANSWER_SECONDS_MAX = 20.0


class Method(NamedTuple):
    """A unary method."""

    path: str
    answer: type[Message]


METHODS: dict[type[Message], Method] = {
    pb.RangeRequest: Method("KV/Range", pb.RangeResponse),
    pb.PutRequest: Method("KV/Put", pb.PutResponse),
    pb.DeleteRangeRequest: Method("KV/DeleteRange", pb.DeleteRangeResponse),
    pb.TxnRequest: Method("KV/Txn", pb.TxnResponse),
    pb.CompactionRequest: Method("KV/Compact", pb.CompactionResponse),
    pb.LeaseGrantRequest: Method("Lease/LeaseGrant", pb.LeaseGrantResponse),
    pb.LeaseRevokeRequest: Method("Lease/LeaseRevoke", pb.LeaseRevokeResponse),
    pb.LeaseTimeToLiveRequest: Method("Lease/LeaseTimeToLive", pb.LeaseTimeToLiveResponse),
    pb.LeaseLeasesRequest: Method("Lease/LeaseLeases", pb.LeaseLeasesResponse),
}


class Failed(NamedTuple):
    """An answer that is an error."""

    code: str
    text: str


class Client:
    """One connection to one member."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._channel = grpc.insecure_channel(endpoint)
        self._calls: dict[type[Message], Any] = {
            request: self._channel.unary_unary(
                f"/etcdserverpb.{method.path}",
                request_serializer=request.SerializeToString,
                response_deserializer=method.answer.FromString,
            )
            for request, method in METHODS.items()
        }

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def begin(self, request: Message) -> Callable[[], Message | Failed]:
        """Sends a request; what it returns waits for the answer."""
        future = self._calls[type(request)].future(request, timeout=ANSWER_SECONDS_MAX)

        def answer() -> Message | Failed:
            try:
                message: Message = future.result()
            except grpc.RpcError as error:
                return Failed(error.code().name, error.details())
            else:
                return message

        return answer

    def ask(self, request: Message) -> Any:  # noqa: ANN401 - the answer's type follows the request's
        """The answer to a request that must succeed."""
        answer = self.begin(request)()
        assert not isinstance(answer, Failed), f"{self._endpoint} to {request!r}: {answer}"
        return answer

    def keep_alive(self, lease_id: int) -> pb.LeaseKeepAliveResponse:
        """Renews a lease once."""
        call = self._channel.stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=pb.LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=pb.LeaseKeepAliveResponse.FromString,
        )
        requests = iter([pb.LeaseKeepAliveRequest(ID=lease_id)])
        answers = list(call(requests, timeout=ANSWER_SECONDS_MAX))
        assert len(answers) == 1, answers
        answer: pb.LeaseKeepAliveResponse = answers[0]
        return answer

    def watch(self) -> "WatchStream":
        """Opens a stream of watches."""
        return WatchStream(
            self._channel.stream_stream(
                "/etcdserverpb.Watch/Watch",
                request_serializer=pb.WatchRequest.SerializeToString,
                response_deserializer=pb.WatchResponse.FromString,
            )
        )


class WatchStream:
    """A stream of watches; a thread of its own takes what comes."""

    def __init__(self, method: Any) -> None:  # noqa: ANN401 - grpcio has no types
        self._requests: queue.SimpleQueue[pb.WatchRequest | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self.responses: list[pb.WatchResponse] = []
        self.failure = ""
        self._call = method(self._outgoing())
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def send(self, request: pb.WatchRequest) -> None:
        """Sends a request."""
        self._requests.put(request)

    def wait(self, is_there: Callable[[list[pb.WatchResponse]], bool], what: str) -> None:
        """Returns when the responses so far satisfy a condition."""
        with self._changed:
            came = self._changed.wait_for(lambda: is_there(self.responses), ANSWER_SECONDS_MAX)
        assert came, f"no {what} came: {self.responses[-5:]} {self.failure}"

    def close(self) -> None:
        """Ends the stream."""
        self._requests.put(None)
        self._call.cancel()
        self._thread.join()

    def _outgoing(self) -> Iterator[pb.WatchRequest]:
        while (request := self._requests.get()) is not None:
            yield request

    def _receive(self) -> None:
        try:
            for response in self._call:
                with self._changed:
                    self.responses.append(response)
                    self._changed.notify_all()
        except grpc.RpcError as error:
            self.failure = f"{error.code().name}: {error.details()}"
