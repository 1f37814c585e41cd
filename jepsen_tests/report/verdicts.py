"""`verdicts.json`: what the checkers said of a run, kept beside its history."""

import json
from pathlib import Path
from typing import Any, Final

from jepsen_tests.history import MalformedError, Operation
from jepsen_tests.lines import from_line, to_line
from jepsen_tests.verdict import Finding, State, Verdict

FORMAT: Final = 1
FILE_BYTES_MAX: Final = 64 * 1024 * 1024
_STATES = {state.word: state for state in State}


def save_verdicts(path: Path, verdicts: tuple[Verdict, ...]) -> None:
    """Writes them."""
    document = {"format": FORMAT, "verdicts": [_to_json(verdict) for verdict in verdicts]}
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="ascii")


def load_verdicts(path: Path) -> tuple[Verdict, ...]:
    """Reads them.

    Raises:
        MalformedError: the file holds something else; the text says what.
        OSError: it cannot be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise MalformedError(f"{path}: over {FILE_BYTES_MAX} bytes")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _from_document(document)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{path}: {error}") from None


def _to_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "checker": verdict.checker,
        "state": verdict.state.word,
        "note": verdict.note,
        "findings": [
            {
                "what": finding.what,
                "details": finding.details,
                "operations": [json.loads(to_line(operation)) for operation in finding.operations],
            }
            for finding in verdict.findings
        ],
    }


def _from_document(document: object) -> tuple[Verdict, ...]:
    fields = _fields(document, "the file", {"format", "verdicts"})
    if fields["format"] != FORMAT:
        raise MalformedError(f"format {fields['format']!r} is not known, only {FORMAT}")
    return tuple(_verdict(item) for item in _list(fields["verdicts"], "verdicts"))


def _verdict(item: object) -> Verdict:
    fields = _fields(item, "a verdict", {"checker", "state", "note", "findings"})
    state = _STATES.get(_text(fields["state"], "state"))
    if state is None:
        raise MalformedError(f"state cannot be {fields['state']!r}")
    findings = tuple(_finding(finding) for finding in _list(fields["findings"], "findings"))
    return Verdict(
        _text(fields["checker"], "checker"), state, findings, _text(fields["note"], "note")
    )


def _finding(item: object) -> Finding:
    fields = _fields(item, "a finding", {"what", "details", "operations"})
    operations = tuple(_operation(part) for part in _list(fields["operations"], "operations"))
    return Finding(_text(fields["what"], "what"), operations, _text(fields["details"], "details"))


def _operation(item: object) -> Operation:
    record = from_line(json.dumps(item))
    if not isinstance(record, Operation):
        raise MalformedError("a finding points to operations only")
    return record


def _fields(item: object, what: str, names: set[str]) -> dict[str, Any]:
    if not isinstance(item, dict) or item.keys() != names:
        raise MalformedError(f"{what} is an object of {', '.join(sorted(names))}")
    return item


def _list(item: object, what: str) -> list[Any]:
    if not isinstance(item, list):
        raise MalformedError(f"{what} is a list")
    return item


def _text(item: object, what: str) -> str:
    if not isinstance(item, str):
        raise MalformedError(f"{what} is a text")
    return item
