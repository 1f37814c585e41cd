"""Golden traces: what a cluster does, message by message, in words.

Each file of `testdata` is a scenario, named after what it shows. `pytest --rewrite` writes the
traces anew: commit a change of one only if you understand why it changed.
"""

from pathlib import Path

import pytest

from raftkv.tests.raft.script import rewritten

SCRIPTS = sorted((Path(__file__).parent / "testdata").glob("*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_scenario_runs_as_its_trace_says(path: Path, *, rewrite: bool) -> None:
    before = path.read_text()
    now = rewritten(before)
    if rewrite:
        path.write_text(now)
    assert rewrite or now == before


def test_there_are_scenarios() -> None:
    assert len(SCRIPTS) >= 25
