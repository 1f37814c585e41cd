"""What decides a simulated run of a workload, whole: run again, it is the same to the byte.

A seed draws all of it (`swarm.py`); a shrunk one is kept as JSON.
"""

from dataclasses import dataclass, fields

from jepsen_tests.history import Json, MalformedError
from jepsen_tests.plan import Plan
from jepsen_tests.plan_json import plan_from_json, plan_to_json
from jepsen_tests.sim.faults import Faults
from jepsen_tests.world.trial import Load

FORMAT = 1
MEMBERS_MAX = 9
CLIENTS_MAX = 1_000
RATE_MAX = 10_000.0
SECONDS_MAX = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A run."""

    workload: str
    load: Load
    members: int
    conditions: Faults
    """How unkind disk and network are all along; and the rates of faults besides the plan's."""
    plan: Plan

    @property
    def seed(self) -> int:
        """What decides every choice that is not written down here."""
        return self.load.seed

    def to_json(self) -> Json:
        """As a document."""
        return {
            "format": FORMAT,
            "workload": self.workload,
            "members": self.members,
            "load": {
                "seed": self.load.seed,
                "seconds": self.load.seconds,
                "clients": self.load.clients,
                "operations_per_second": self.load.operations_per_second,
                "operations_max": self.load.operations_max,
            },
            "conditions": {**different_from_calm(self.conditions)},
            "plan": plan_to_json(self.plan),
        }


def scenario_from_json(document: Json) -> Scenario:
    """The scenario of a document.

    Raises:
        MalformedError: It is none; the text says why.
    """
    known = {"format", "workload", "members", "load", "conditions", "plan"}
    top = _object(document, "a scenario", known)
    if top.get("format") != FORMAT:
        raise MalformedError(f"format {top.get('format')!r} is not known, only {FORMAT}")
    workload = top.get("workload")
    if not isinstance(workload, str):
        raise MalformedError(f"a workload has a name, not {workload!r}")
    return Scenario(
        workload=workload,
        members=_whole(top, "members", 1, MEMBERS_MAX),
        load=_load(top.get("load")),
        conditions=_conditions(top.get("conditions", {})),
        plan=plan_from_json(top.get("plan", [])),
    )


def _load(document: Json) -> Load:
    known = {"seed", "seconds", "clients", "operations_per_second", "operations_max"}
    load = _object(document, "a load", known)
    most = load.get("operations_max")
    return Load(
        seed=_whole(load, "seed", 0, 2**63),
        seconds=_number(load, "seconds", 0.0, SECONDS_MAX),
        clients=_whole(load, "clients", 1, CLIENTS_MAX),
        operations_per_second=_number(load, "operations_per_second", 0.001, RATE_MAX),
        operations_max=None if most is None else _whole(load, "operations_max", 0, 10**9),
    )


def _conditions(document: Json) -> Faults:
    default = Faults()
    names = {field.name for field in fields(Faults)}
    conditions = _object(document, "conditions", names)
    for name, value in conditions.items():
        expected = type(getattr(default, name))
        is_number = expected is float and type(value) in {int, float}
        if not is_number and type(value) is not expected:
            raise MalformedError(f"{name} is {value!r}, not of type {expected.__name__}")
        if type(value) in {int, float} and not 0 <= value < 1e9:  # type: ignore[operator]
            raise MalformedError(f"{name} is out of range: {value!r}")
    return Faults(**conditions)  # type: ignore[arg-type]


def different_from_calm(conditions: Faults) -> dict[str, float]:
    """What is unkind about them, by its name."""
    default = Faults()
    values = {field.name: getattr(conditions, field.name) for field in fields(Faults)}
    return {name: value for name, value in values.items() if value != getattr(default, name)}


def _object(document: Json, what: str, known: set[str]) -> dict[str, Json]:
    if not isinstance(document, dict):
        raise MalformedError(f"{what} is an object, not {document!r}")
    unknown = sorted(document.keys() - known)
    if unknown:
        raise MalformedError(f"{what} has no {unknown[0]!r}")
    return document


def _whole(document: dict[str, Json], name: str, least: int, most: int) -> int:
    value = document.get(name)
    if type(value) is not int or not least <= value <= most:
        raise MalformedError(f"{name} is a number from {least} to {most}, not {value!r}")
    return value


def _number(document: dict[str, Json], name: str, least: float, most: float) -> float:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise MalformedError(f"{name} is a number from {least} to {most}, not {value!r}")
    return float(value)
