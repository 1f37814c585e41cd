"""Two stores that get the same requests, and must give the same answers."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.client import Client, Failed, WatchStream
from raftkv.tests.conformance.revisions import absolute, relative

UNSYNCED_SECONDS = 0.15
"""etcd lets watches read the past ten times a second; an earlier compaction may cancel them."""
MARK = b"\xff\xffmark"
HISTORIES_MAX = 5
"""At how many past revisions, about, the two stores' contents are compared after an example."""
TTL_SECONDS_OFF = 2
"""Two processes may have counted so many seconds differently."""


class Event(NamedTuple):
    """An event in the log of all events; its revision counts from the example's beginning."""

    revision: int
    is_delete: bool
    key: bytes


class Watched:
    """What one watch was asked for, and what came of it on one store."""

    def __init__(
        self, request: pb.WatchCreateRequest, watch_id: int, revision: int, seen: int
    ) -> None:
        self.request = request
        self.seen = seen
        """How many responses the stream had before: an id may have been another watch's."""
        self.id = watch_id
        self.first = request.start_revision or revision + 1
        """The first revision it sees, counted from the example's beginning."""

    def wants(self, event: Event) -> bool:
        request = self.request
        key, end = request.key or b"\0", request.range_end
        is_in = (
            event.key == key if not end else key <= event.key and (end == b"\0" or event.key < end)
        )
        is_filtered = int(event.is_delete) in request.filters
        return is_in and not is_filtered and event.revision >= self.first


class Side:
    """One store, and the example that runs on it."""

    def __init__(self, endpoint: str) -> None:
        self.client = Client(endpoint)
        self.base = 0
        self.compacted = 0
        """The compact revision, counted from the example's beginning."""
        self.revision = 0
        """The newest revision that an answer told, counted likewise."""
        self.stream: WatchStream | None = None
        self.watched: dict[int, Watched] = {}
        self.has_new_watches = False
        """Whether a watch on the past may not have read it to the end yet."""
        self._log = self.client.watch()
        self._log.send(_watch_everything())
        self._log.wait(lambda responses: len(responses) > 0, "log of all events")
        self._logged = 0
        self.events: list[Event] = []
        """All events of the example."""

    def begin(self) -> None:
        """Empties the store, and counts revisions from here on."""
        ask = self.client.ask
        for lease in ask(pb.LeaseLeasesRequest()).leases:
            ask(pb.LeaseRevokeRequest(ID=lease.ID))
        ask(pb.DeleteRangeRequest(key=b"\0", range_end=b"\0"))
        # The newest revision must not be a deletion: etcd 3.5 forgets one that it compacts at.
        ask(pb.PutRequest(key=MARK))
        ask(pb.DeleteRangeRequest(key=MARK))
        self.base = ask(pb.PutRequest(key=MARK + b"1")).header.revision
        ask(pb.CompactionRequest(revision=self.base))
        self.compacted = self.revision = 0
        self.watched = {}
        self.has_new_watches = False
        self.catch_up_log()
        self.events = []

    def end(self) -> None:
        """Ends the example's watches."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def close(self) -> None:
        """Closes the connection."""
        self._log.close()
        self.client.close()

    def catch_up_log(self) -> None:
        """Waits until the log has every event up to the newest revision."""
        wanted = self.base + self.revision
        self._log.wait(lambda responses: _reached(responses, wanted), f"log up to {wanted}")
        new = self._log.responses[self._logged :]
        self._logged += len(new)
        self.events += [
            Event(event.kv.mod_revision - self.base, bool(event.type), event.kv.key)
            for response in new
            for event in response.events
        ]

    def settle(self) -> None:
        """Waits until every watch has got what the log says it should."""
        self.catch_up_log()
        for watched in self.watched.values():
            count = sum(map(watched.wants, self.events))
            if count:
                self._wait_for_events(watched, count)

    def _wait_for_events(self, watched: Watched, count: int) -> None:
        self._stream().wait(
            lambda _: len(self.events_of(watched)) >= count,
            f"{count} events of watch {watched.id}",
        )

    def events_of(self, watched: Watched) -> list[Any]:
        """All events sent to a watch."""
        return [
            event
            for response in self._stream().responses[watched.seen :]
            if response.watch_id == watched.id
            for event in response.events
        ]

    def _stream(self) -> WatchStream:
        if self.stream is None:
            self.stream = self.client.watch()
        return self.stream

    def watch(self, request: pb.WatchRequest) -> dict[str, Any]:
        """Creates a watch; what came of it at once."""
        stream = self._stream()
        seen = len(stream.responses)
        stream.send(absolute(request, self.base))
        stream.wait(lambda responses: any(each.created for each in responses[seen:]), "created")
        created = next(each for each in stream.responses[seen:] if each.created)
        answer = {"created": relative(created, self.base)}
        if created.canceled:
            return answer
        wanted = request.create_request
        watched = Watched(wanted, created.watch_id, self.revision, seen)
        self.watched[created.watch_id] = watched
        self.has_new_watches |= watched.first <= self.revision
        if watched.first < self.compacted:
            answer["compacted"] = self._wait_canceled(watched)
        return answer

    def starts_at_a_compacted_deletion(self, request: pb.WatchRequest) -> bool:
        """Whether a watch would start where etcd 3.5.1 has lost a deletion that 3.6 keeps."""
        self.catch_up_log()
        start = request.create_request.start_revision
        return start == self.compacted and any(
            event.is_delete and event.revision == start for event in self.events
        )

    def cancel(self, request: pb.WatchRequest) -> dict[str, Any]:
        """Cancels a watch that exists and lives; otherwise there would be nothing to wait for."""
        watched = self.watched.get(request.cancel_request.watch_id)
        if watched is None:
            return {}
        self.settle()
        self._stream().send(request)
        return self._wait_canceled(watched)

    def _wait_canceled(self, watched: Watched) -> dict[str, Any]:
        def found(responses: list[pb.WatchResponse]) -> list[pb.WatchResponse]:
            new = responses[watched.seen :]
            return [each for each in new if each.canceled and each.watch_id == watched.id]

        stream = self._stream()
        stream.wait(lambda responses: bool(found(responses)), f"end of watch {watched.id}")
        canceled = found(stream.responses)[0]
        del self.watched[watched.id]
        return relative(canceled, self.base if canceled.header.revision else 0)

    def wait_until_synced(self) -> None:
        """Waits until no watch still reads the past, as far as one can tell from outside."""
        self.settle()
        if self.has_new_watches:
            time.sleep(UNSYNCED_SECONDS)
            self.has_new_watches = False


def _watch_everything() -> pb.WatchRequest:
    everything = pb.WatchCreateRequest(key=b"\0", range_end=b"\0")
    return pb.WatchRequest(create_request=everything)


def _reached(responses: list[pb.WatchResponse], revision: int) -> bool:
    newest = next((each for each in reversed(responses) if each.events), None)
    return newest is not None and newest.events[-1].kv.mod_revision >= revision


class Twins:
    """Two stores side by side."""

    def __init__(self, endpoints: tuple[str, str]) -> None:
        self.sides = [Side(endpoint) for endpoint in endpoints]

    def close(self) -> None:
        """Closes the connections."""
        for side in self.sides:
            side.close()

    def run(self, steps: list[Message], may_differ: Callable[[Message, Any, Any], bool]) -> None:
        """Gives both the same requests and compares what comes back.

        `may_differ` is asked whether a difference in answers to a request is a known one.
        """
        for side in self.sides:
            side.begin()
        try:
            for step in steps:
                first, second = self._both(step)
                assert second == first or may_differ(step, first, second), f"after {step!r}"
            self._compare_watches()
            self._compare_histories()
        finally:
            for side in self.sides:
                side.end()

    def _both(self, step: Message) -> list[Any]:
        if isinstance(step, pb.WatchRequest):
            if any(side.starts_at_a_compacted_deletion(step) for side in self.sides):
                return [{}, {}]
            if step.HasField("create_request"):
                return [side.watch(step) for side in self.sides]
            return [side.cancel(step) for side in self.sides]
        if isinstance(step, pb.LeaseKeepAliveRequest):
            return [relative(side.client.keep_alive(step.ID), side.base) for side in self.sides]
        if isinstance(step, pb.CompactionRequest):
            for side in self.sides:
                side.wait_until_synced()
        waiting = [side.client.begin(absolute(step, side.base)) for side in self.sides]
        pairs = zip(self.sides, waiting, strict=True)
        answers = [_comparable(side, step, answer()) for side, answer in pairs]
        if isinstance(step, pb.CompactionRequest) and isinstance(answers[0], dict):
            for side in self.sides:
                side.compacted = step.revision
        return answers

    def _compare_watches(self) -> None:
        for side in self.sides:
            side.settle()
        first, second = self.sides
        assert first.events == second.events
        assert sorted(first.watched) == sorted(second.watched)
        for watch_id in first.watched:
            told = [
                [relative(event, side.base) for event in side.events_of(side.watched[watch_id])]
                for side in self.sides
            ]
            assert told[1] == told[0], f"watch {first.watched[watch_id].request!r}"

    def _compare_histories(self) -> None:
        """Everything there is, now and at some revisions before."""
        first = self.sides[0]
        step = max(1, (first.revision - first.compacted) // HISTORIES_MAX)
        for revision in (0, *range(first.compacted, first.revision + 1, step)):
            every_key = pb.RangeRequest(key=b"\0", range_end=b"\0", revision=revision)
            theirs, ours = self._both(every_key)
            assert theirs == ours, f"at revision {revision}"


def _comparable(side: Side, step: Message, answer: Message | Failed) -> Any:  # noqa: ANN401
    if isinstance(answer, Failed):
        return answer
    plain = relative(answer, side.base)
    side.revision = max(side.revision, plain["header"].get("revision", 0))
    if isinstance(step, pb.LeaseGrantRequest) and step.ID == 0:
        plain["ID"] = "chosen"
    if isinstance(step, pb.LeaseLeasesRequest):
        plain["leases"] = len(plain.get("leases", []))
    if isinstance(step, pb.LeaseTimeToLiveRequest):
        plain["keys"] = sorted(plain.get("keys", []))
        if plain.get("grantedTTL", 0) - plain.get("TTL", 0) <= TTL_SECONDS_OFF:
            plain["TTL"] = plain.get("grantedTTL", 0)
    return plain
