"""Creation flag: a put is a creation, told by create revision = revision, just when it was one."""

from collections.abc import Iterator

from jepsen_tests.check.effects import DELETE
from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.check.streams import Stream
from jepsen_tests.check.watch.guarantee import Guarantee, shown
from jepsen_tests.verdict import Finding


def _look(stream: Stream, log: EventLog) -> Iterator[Finding]:
    for event, response, _batch in stream.deliveries:
        if event["type"] == DELETE:
            continue
        revision = event["mod_revision"]
        is_create = event["create_revision"] == revision
        joined = log.at[revision, event["key"]]
        previous = joined.previous
        existed = previous is not None and previous.kind != DELETE
        if is_create != (event["version"] == 1):
            wrong = f"it has version {event['version']}"
        elif is_create == existed and joined.follows:
            wrong = f"the key {'existed' if existed else 'did not exist'}"
        else:
            continue
        yield finding(
            f"The {shown(stream)} was told that {event['key']!r} was "
            f"{'created' if is_create else 'changed'} at revision {revision}, but {wrong}.",
            response,
            previous.source if previous else None,
        )


CREATE_FLAG = Guarantee("watch create flag", _look)
