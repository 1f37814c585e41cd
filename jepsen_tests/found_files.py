"""Shrunk scenarios as pytest files under `found/`: each bug that was found stays found."""

import json
import re
from pathlib import Path

from jepsen_tests.sim.scenario import Scenario, scenario_from_json
from jepsen_tests.sim.workload_run import Judged, judge
from jepsen_tests.verdict import State

FOUND = Path(__file__).parent / "found"
_LINE_CHARACTERS_MAX = 96


def reason_of(judged: Judged) -> str:
    """Why a run is not valid, in a line."""
    worst = [verdict for verdict in judged.verdicts if verdict.state is not State.VALID]
    if not worst:
        return ""
    first = max(worst, key=lambda verdict: verdict.state is State.INVALID)
    what = first.findings[0].what if first.findings else first.note
    return f"{first.checker}: {what}"


def write_test(judged: Judged, directory: Path = FOUND) -> Path:
    """Writes a test that runs the scenario again and wants it to be valid."""
    scenario = judged.scenario
    name = re.sub(r"\W", "_", f"{scenario.workload}_{scenario.seed}")
    path = directory / f"test_{name}.py"
    why = re.sub(r"[^ -\[\]-~]", "?", reason_of(judged))[:_LINE_CHARACTERS_MAX].rstrip(". ")
    document = json.dumps(scenario.to_json(), indent=2, ensure_ascii=True)
    path.write_text(
        f'"""{_capital(why)}.\n\n'
        f"Found by simulation, and shrunk to what is below; runs again the same every time.\n"
        f'"""\n\n'
        f"from jepsen_tests.found_files import run_again\n\n"
        f'SCENARIO = """\n{document}\n"""\n\n\n'
        f"def test_it_does_not_come_back() -> None:\n"
        f'    """The scenario is valid now."""\n'
        f"    run_again(SCENARIO)\n",
        encoding="ascii",
    )
    return path


def run_again(document: str) -> None:
    """Runs a stored scenario; fails where it is not valid."""
    judged = judge(scenario_from_json(json.loads(document)))
    assert judged.state is State.VALID, reason_of(judged)


def _capital(text: str) -> str:
    text = text.replace('"', "'")
    return text[:1].upper() + text[1:]


def describe(scenario: Scenario) -> str:
    """A scenario in a line."""
    most = scenario.load.operations_max
    operations = "" if most is None else f", at most {most} operations"
    return (
        f"{scenario.workload}, seed {scenario.seed}, {scenario.members} members, "
        f"{scenario.load.clients} clients, {len(scenario.plan)} faults{operations}, "
        f"{scenario.load.seconds:g} s"
    )
