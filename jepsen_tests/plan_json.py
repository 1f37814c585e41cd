"""Plans as JSON, and back; nothing that a stored plan says is taken on trust.

    [{"at": 1.5, "until": 4.0, "fault": "partition", "shape": "ring"}, ...]

Fields that have a default may be missing. An unknown field or fault, a wrong type, a number out of
bounds, a word that is none of the choices: each is a `MalformedError` that names it.
"""

from dataclasses import Field, fields
from typing import Any

from jepsen_tests.history import Json, MalformedError
from jepsen_tests.plan import FAULTS, FAULTS_MAX, SECONDS_MAX, At, Fault, Plan, name_of

NAME_CHARACTERS_MAX = 64
GROUPS_MAX = 16


def plan_to_json(plan: Plan) -> list[Json]:
    """A plan as a document."""
    return [_at_to_json(at) for at in plan]


def plan_from_json(document: Json) -> Plan:
    """The plan of a document, in the order of time.

    Raises:
        MalformedError: It is none; the text says which fault, and why.
    """
    if not isinstance(document, list):
        raise MalformedError(f"a plan is a list, not {_shown(document)}")
    if len(document) > FAULTS_MAX:
        raise MalformedError(f"a plan has at most {FAULTS_MAX} faults, not {len(document)}")
    faults = []
    for number, entry in enumerate(document):
        try:
            faults.append(_at_from_json(entry))
        except MalformedError as error:
            raise MalformedError(f"fault {number}: {error}") from None
    return tuple(sorted(faults, key=lambda at: at.seconds))


def _at_to_json(at: At) -> Json:
    document: dict[str, Json] = {"at": at.seconds}
    if at.until_seconds is not None:
        document["until"] = at.until_seconds
    document["fault"] = name_of(at.fault)
    for field in fields(at.fault):
        value = getattr(at.fault, field.name)
        if value != field.default:
            document[field.name] = _value_to_json(value)
    return document


def _value_to_json(value: Any) -> Json:  # noqa: ANN401 - of any field
    if isinstance(value, tuple):
        return [_value_to_json(part) for part in value]
    assert isinstance(value, str | int | float), value
    return value


def _at_from_json(document: Json) -> At:
    if not isinstance(document, dict):
        raise MalformedError(f"is an object, not {_shown(document)}")
    rest = dict(document)
    seconds = _seconds(rest.pop("at", None), "at")
    until = rest.pop("until", None)
    until_seconds = None if until is None else _seconds(until, "until")
    if until_seconds is not None and until_seconds < seconds:
        raise MalformedError(f"ends at {until_seconds}, before it begins at {seconds}")
    name = rest.pop("fault", None)
    if not isinstance(name, str) or name not in FAULTS:
        raise MalformedError(f"there is no fault {_shown(name)}")
    return At(seconds, _fault(FAULTS[name], rest), until_seconds)


def _fault(kind: type[Fault], document: dict[str, Json]) -> Fault:
    known = {field.name: field for field in fields(kind)}
    values = {}
    for name, value in document.items():
        if name not in known:
            raise MalformedError(f"{name_of(kind)} has no {_shown(name)}")
        values[name] = _value(known[name], value)
    return kind(**values)


def _value(field: "Field[Any]", value: Json) -> Any:  # noqa: ANN401 - of any field
    if "words" in field.metadata:
        words = field.metadata["words"]
        if value not in words:
            raise MalformedError(f"{field.name} is one of {', '.join(words)}, not {_shown(value)}")
        return value
    if "least" in field.metadata:
        return _number(field, value)
    if "target" in field.metadata:
        return _name(value, field.name)
    return _groups(value)


def _number(field: "Field[Any]", value: Json) -> float:
    least, most = field.metadata["least"], field.metadata["most"]
    is_whole = type(field.default) is int
    allowed = (int,) if is_whole else (int, float)
    if type(value) not in allowed or not least <= value <= most:
        raise MalformedError(
            f"{field.name} is a number from {least} to {most}, not {_shown(value)}"
        )
    return int(value) if is_whole else float(value)  # type: ignore[arg-type]


def _groups(value: Json) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list) or len(value) > GROUPS_MAX:
        raise MalformedError(f"groups are lists of names, not {_shown(value)}")
    groups = []
    for group in value:
        if not isinstance(group, list) or len(group) > GROUPS_MAX:
            raise MalformedError(f"groups are lists of names, not {_shown(group)}")
        groups.append(tuple(_name(name, "a name in groups") for name in group))
    return tuple(groups)


def _name(value: Json, what: str) -> str:
    is_name = isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX
    if not is_name or not isinstance(value, str) or not value.isprintable():
        raise MalformedError(f"{what} is the name of a member or a word, not {_shown(value)}")
    return value


def _seconds(value: Json, what: str) -> float:
    # What is no number at all compares false with everything.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= SECONDS_MAX:  # type: ignore[operator]
        raise MalformedError(f"{what} is seconds from 0 to {SECONDS_MAX}, not {_shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= NAME_CHARACTERS_MAX else text[:NAME_CHARACTERS_MAX] + "..."
