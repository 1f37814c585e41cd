"""The paths on HTTP/1.1: health, liveness, readiness, version, metrics; the rest is refused.

Answers are etcd's to the byte where programs read them (`/health`, `/version`, the checks' lines).
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from raftkv.config import ETCD_VERSION
from raftkv.gateway import metrics
from raftkv.gateway.checks import Check, Checks, run_all
from raftkv.gateway.http1 import Request, Respond, Response
from raftkv.wire.status import Code

JSON = "application/json"
CLUSTER_VERSION = ".".join((*ETCD_VERSION.split(".")[:2], "0"))
_NO_SNIFF = (("x-content-type-options", "nosniff"),)


class Pages:
    """Answers the requests of HTTP/1.1 clients."""

    def __init__(self, checks: Checks, metrics_page: Callable[[], bytes]) -> None:
        self._checks = checks
        self._metrics_page = metrics_page
        self.health_outcomes = {True: 0, False: 0}
        """How often /health said that all is well, and that it is not."""
        self.check_outcomes: dict[tuple[str, str], dict[bool, int]] = {}
        """The same for each (page, check) of /livez and /readyz."""
        self.last_outcomes: dict[tuple[str, str], bool] = {}
        """What each of them said last."""
        self._pages: dict[str, Callable[[Request, Respond], None]] = {
            "/health": self._health,
            "/version": self._version,
            "/metrics": self._metrics,
        }
        for kind, every in (("livez", checks.live), ("readyz", checks.ready)):
            self._pages[f"/{kind}"] = partial(self._run, kind, list(every.items()))
            for item in every.items():
                self._pages[f"/{kind}/{item[0]}"] = partial(self._run, kind, [item])

    def __call__(self, request: Request, respond: Respond) -> None:
        """Answers one request."""
        page = self._pages.get(request.path)
        if page is None:
            is_gateway = request.path.startswith("/v3")
            respond(_no_gateway(request.path) if is_gateway else _error(HTTPStatus.NOT_FOUND))
        elif request.method == "GET" or (request.method == "HEAD" and request.path == "/metrics"):
            page(request, respond)
        else:
            respond(_error(HTTPStatus.METHOD_NOT_ALLOWED, (("allow", "GET"),)))

    def _health(self, request: Request, respond: Respond) -> None:
        """/health: alarms but for ?exclude=, a leader, a read (local with ?serializable=true)."""
        serializable = request.query.get("serializable", [""])[0] == "true"
        excluded = request.query.get("exclude", [])
        alarms = [name for name in self._checks.alarms() if name not in excluded]
        finish = partial(self._answer_health, respond)
        if alarms:
            finish(f"ALARM {alarms[0]}")
        elif not serializable and not self._checks.has_leader():
            finish("RAFT NO LEADER")
        else:
            self._checks.read(
                lambda wrong: finish(f"RANGE ERROR:{wrong}" if wrong else ""),
                serializable=serializable,
            )

    def _answer_health(self, respond: Respond, reason: str) -> None:
        self.health_outcomes[not reason] += 1
        text = {"health": "false" if reason else "true", "reason": reason}
        body = json.dumps(text, separators=(",", ":")).encode()
        if reason:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            respond(Response(status, body + b"\n", headers=_NO_SNIFF))
        else:
            respond(Response(HTTPStatus.OK, body))

    def _run(
        self, kind: str, every: Sequence[tuple[str, Check]], request: Request, respond: Respond
    ) -> None:
        """/livez, /readyz and single checks: ?exclude= leaves checks out, ?verbose lists them."""
        excluded = request.query.get("exclude", [])
        chosen = [(name, check) for name, check in every if name not in excluded]
        run_all(chosen, partial(self._answer_checks, kind, request, respond))

    def _answer_checks(
        self,
        kind: str,
        request: Request,
        respond: Respond,
        outcomes: list[tuple[str, str | None]],
    ) -> None:
        lines = []
        for name, wrong in outcomes:
            well = wrong is None
            counts = self.check_outcomes.setdefault((kind, name), {True: 0, False: 0})
            counts[well] += 1
            self.last_outcomes[kind, name] = well
            lines.append(f"[+]{name} ok\n" if well else f"[-]{name} failed: {wrong}\n")
        listed = "".join(lines)
        if any(wrong is not None for _, wrong in outcomes):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            respond(Response(status, f"{listed}\n".encode(), headers=_NO_SNIFF))
        else:
            verbose = listed if "verbose" in request.query else ""
            respond(Response(HTTPStatus.OK, f"{verbose}ok\n".encode(), headers=_NO_SNIFF))

    def _version(self, _request: Request, respond: Respond) -> None:
        """/version: what we answer to, what the cluster agrees on, what the data is."""
        versions = {
            "etcdserver": ETCD_VERSION,
            "etcdcluster": CLUSTER_VERSION,
            "storage": CLUSTER_VERSION,
        }
        body = json.dumps(versions, separators=(",", ":")).encode()
        respond(Response(HTTPStatus.OK, body, JSON))

    def _metrics(self, _request: Request, respond: Respond) -> None:
        respond(Response(HTTPStatus.OK, self._metrics_page(), metrics.CONTENT_TYPE))


def _error(status: HTTPStatus, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    text = "404 page not found" if status is HTTPStatus.NOT_FOUND else status.phrase
    return Response(status, f"{text}\n".encode(), headers=(*_NO_SNIFF, *headers))


def _no_gateway(path: str) -> Response:
    """Refuses a path of the JSON gateway, in the form that its clients read."""
    text = f"raftkv: the JSON gateway is not supported: {path}"
    content = {"error": text, "code": int(Code.UNIMPLEMENTED), "message": text, "details": []}
    return Response(HTTPStatus.NOT_IMPLEMENTED, json.dumps(content).encode(), JSON)
