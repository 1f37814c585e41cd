"""etcdctl against one cluster, and what it says in a form that two clusters can share."""

import json
import os
import re
import subprocess
from typing import Any

from raftkv.tests.conformance.servers import Cluster, program

COMMAND_SECONDS_MAX = 90
_URL = re.compile(r"(?:http://)?127\.0\.0\.1:\d+")
_HEX_ID = re.compile(r" *\b[0-9a-f]{12,16}\b")
"""With the spaces before it: etcdctl pads ids to 16 digits."""
_TOOK = re.compile(r"took = [\d.]+\w+")
_CHANGING = frozenset(
    {"cluster_id", "raft_term", "raftTerm", "raftIndex", "raftAppliedIndex", "took", "version"}
    | {"dbSize", "dbSizeInUse", "hash"}
)
"""Fields that only need to be there."""


class Etcdctl:
    """Runs commands on a cluster. Lease ids are given, so that they are the same everywhere."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._names: dict[int, str] = {}

    def __call__(self, command: str, stdin: str = "", endpoints: str = "") -> Any:  # noqa: ANN401
        """What a command prints, parsed if it is JSON, without what changes; or its error."""
        done = subprocess.run(
            self._line(command, endpoints),
            env=_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            return done.returncode, done.stdout, self._text(_complaint(done.stderr))
        return self._normal(done.stdout)

    def json(self, command: str, endpoints: str = "") -> Any:  # noqa: ANN401
        """What a command prints, as it is."""
        line = self._line(f"{command} -w json", endpoints)
        done = subprocess.run(
            line, env=_environment(), capture_output=True, text=True, timeout=30, check=True
        )
        return json.loads(done.stdout)

    def lines(self, command: str, count: int) -> list[Any]:
        """The first lines of a command that does not end by itself."""
        with subprocess.Popen(
            self._line(command, ""),
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(count)]
            running.terminate()
        return [self._normal(line) for line in lines]

    def members(self) -> dict[str, int]:
        """The id of each member, by name; one not started yet is called `new`."""
        members = self.json("member list")["members"]
        self._names = {each["ID"]: each.get("name") or "new" for each in members}
        return {name: member for member, name in self._names.items()}

    def leader(self) -> tuple[str, int]:
        """The leader's endpoint and id."""
        for each in self.json("endpoint status"):
            status = each["Status"]
            if status["leader"] == status["header"]["member_id"]:
                return each["Endpoint"], status["leader"]
        raise AssertionError("no member says that it leads")

    def _line(self, command: str, endpoints: str) -> list[str]:
        target = endpoints or self.cluster.endpoints
        return [program("etcdctl"), "--endpoints", target, *_words(command)]

    def _normal(self, output: str) -> Any:  # noqa: ANN401
        try:
            parsed = json.loads(output)
        except ValueError:
            return self._text(output)
        if not self._names:
            self.members()
        return self._plain(parsed)

    def _plain(self, value: Any, field: str = "") -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            return {name: self._plain(each, name) for name, each in value.items()}
        if isinstance(value, list):
            plain = [self._plain(each, field) for each in value]
            # Members come in the order of their ids, which no two clusters share.
            by_chance = field == "members" or any("Endpoint" in str(each) for each in plain)
            return sorted(plain, key=str) if by_chance else plain
        if field in _CHANGING:
            return type(value).__name__
        if field in ("member_id", "leader") and value in self._names:
            return "a member"  # which one, is up to chance
        if isinstance(value, int) and value in self._names:
            return self._names[value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = _TOOK.sub("took = some time", text)
        return _HEX_ID.sub(" id", _URL.sub("url", text))


def _words(command: str) -> list[str]:
    """The command's words; `_` stands for an empty one."""
    return ["" if word == "_" else word for word in command.split()]


def _complaint(stderr: str) -> str:
    """The lines that etcdctl means for people, without its log."""
    return "\n".join(line for line in stderr.splitlines() if not line.startswith("{"))


def _environment() -> dict[str, str]:
    return {**os.environ, "ETCDCTL_API": "3"}
