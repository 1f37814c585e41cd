"""What a run records: pure data, one record for each thing that happened.

Times are nanoseconds of one clock for the whole run, virtual in a simulation. Keys and values are
strings; bytes that are no text travel as Latin-1.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypedDict

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What a JSON line can hold."""


class Status(StrEnum):
    """How an operation ended, in Jepsen's words."""

    OK = "ok"
    FAIL = "fail"
    """It certainly did not happen, and never will."""
    INFO = "info"
    """It may have happened, may happen later, or never."""


class KeyValue(TypedDict):
    """A key as etcd returns it."""

    key: str
    value: str
    create_revision: int
    mod_revision: int
    version: int
    lease: int


class Event(TypedDict):
    """One change as a watch tells it."""

    type: str
    """`PUT` or `DELETE`."""
    key: str
    value: str
    create_revision: int
    mod_revision: int
    version: int
    lease: int
    prev: KeyValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of a client, from its invocation to its completion."""

    process: int
    """A logical client with one thread; after an `info` it goes on under a new number."""
    function: str
    """`read`, `write`, `cas`, `append`, `txn`, `put`, `range`, `delete`, `grant`, ..."""
    key: str = ""
    """What it is about; empty where that has no meaning."""
    value: Json = None
    """The argument. `cas`: [expected, new]; `txn`: a list of micro-operations
    ["r", key, null], ["append", key, value] or ["w", key, value]; `compact`: the revision; `read`,
    `range` and `delete`: null, or the options that `check/etcd_operations.py` lists."""
    call_ns: int
    return_ns: int | None
    """None: it never returned, which only `info` may."""
    status: Status
    result: Json = None
    """`read`: the value, or null; `txn`: the micro-operations with what was read filled in;
    `range`: a list of `KeyValue`; `delete`: how many keys; `cas`: false where it found something
    else, which is an answer (`ok`) that says so of the key, while `fail` says nothing of it."""
    revision: int = 0
    """The revision in the answer's header; 0 where it is not known."""
    error: str = ""
    """The text of the error, of `fail` and `info`."""
    member: str = ""
    """Who answered."""
    range_end: str = ""
    """Of `range` and `delete`, as etcd has it: empty for one key, "\\0" for all from there on."""
    lease: int = 0
    """Of `put`: the lease attached; of `grant`, `keep-alive`, `acquire`, ...: which lease."""
    limit: int = 0
    """Of `range`: the most key-values asked for; 0 for all."""
    at_revision: int = 0
    """Of `range`: the revision asked for; 0 for the newest."""
    serializable: bool = False
    """Of `read` and `range`: whether the member may have answered by itself."""
    count: int | None = None
    """Of `range`: how many keys are in the range, whatever the limit; null where not recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvents:
    """One response of a watch, as it was received, and what had been asked for."""

    watch: str
    """Which watch, by a name that is unique in the run."""
    member: str
    received_ns: int
    start_revision: int
    key: str
    range_end: str = ""
    filters: list[str]
    """Of `NOPUT` and `NODELETE`."""
    prev_kv: bool
    progress_notify: bool
    revision: int
    """The revision in the response's header."""
    created: bool = False
    canceled: bool = False
    cancel_reason: str = ""
    compact_revision: int = 0
    fragment: bool = False
    events: list[Event]
    requested_ns: int = 0
    """When the watch was asked for; 0 where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBand:
    """A fault, from when it was made until it was over."""

    name: str
    targets: list[str]
    begin_ns: int
    end_ns: int | None
    """None: it lasted to the end of the run."""
    detail: str = ""
    skipped: str = ""
    """Why the fault was not made, where this machine cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """A sample of a member, for the timeline."""

    member: str
    at_ns: int
    role: str
    term: int
    commit: int
    applied: int
    leader: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something else to know of a run: a member's `hash_kv`, a situation reached, a counter."""

    name: str
    value: Json
    at_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What was run, and how to run it again: the first line of a stored history."""

    format: int = 1
    workload: str = ""
    world: str = ""
    """`sim`, `raftkv` or `etcd`."""
    seed: int = 0
    plan: list[Json]
    started: str = ""
    """The date and time, ISO 8601; empty in a simulation, which has none."""
    version: str = ""
    command: str = ""


Record: TypeAlias = Operation | WatchEvents | FaultBand | MemberState | Fact | RunInfo
