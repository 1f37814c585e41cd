"""Verdicts on disk."""

import json
from pathlib import Path

import pytest

from jepsen_tests.history import MalformedError, Operation, Status
from jepsen_tests.report.verdicts import load_verdicts, save_verdicts
from jepsen_tests.verdict import Finding, State, Verdict

READ = Operation(
    process=3,
    function="txn",
    value=[["r", "x", None]],
    call_ns=5,
    return_ns=9,
    status=Status.OK,
    result=[["r", "x", ["</script>", "\ud800"]]],
)
VERDICTS = (
    Verdict("linear", State.INVALID, (Finding("a stale read", (READ,), "because\nof it"),)),
    Verdict("watch", State.UNKNOWN, note="out of time"),
)


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    save_verdicts(path, VERDICTS)
    assert load_verdicts(path) == VERDICTS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "Expecting value"),
        ("[]", "the file is an object of format, verdicts"),
        ('{"format": 2, "verdicts": []}', "format 2 is not known, only 1"),
        ('{"format": 1, "verdicts": {}}', "verdicts is a list"),
        ('{"format": 1, "verdicts": [{}]}', "a verdict is an object of checker"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_what_is_malformed_is_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "verdicts.json"
    path.write_text(text)
    with pytest.raises(MalformedError, match=reason) as caught:
        load_verdicts(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("state", "fine", "state cannot be 'fine'"),
        ("checker", 3, "checker is a text"),
        ("findings", [{"what": "x"}], "a finding is an object of details"),
        (
            "findings",
            [{"what": "", "details": "", "operations": [{"type": "run", "plan": []}]}],
            "points to operations only",
        ),
        (
            "findings",
            [{"what": "", "details": "", "operations": [{"type": "operation"}]}],
            "missing",
        ),
    ],
)
def test_a_verdict_that_is_none_is_refused(
    tmp_path: Path, field: str, value: object, reason: str
) -> None:
    verdict = {"checker": "c", "state": "valid", "note": "", "findings": []} | {field: value}
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps({"format": 1, "verdicts": [verdict]}))
    with pytest.raises(MalformedError, match=reason):
        load_verdicts(path)
