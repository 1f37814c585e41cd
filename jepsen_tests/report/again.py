"""How to run it again: commands, ready to copy."""

import shlex
from typing import Final

from jepsen_tests.report.markup import Markup, join, tag, visible
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.tables import soft
from jepsen_tests.verdict import State

COMMAND_CHARACTERS_MAX: Final = 4_000
_PROGRAM = "python -m jepsen_tests"


def commands(recorded: Recorded) -> list[tuple[str, str]]:
    """What for, and the line."""
    run = recorded.history.run
    lines = [("The command that made this run", run.command)] if run.command else []
    if recorded.folder:
        folder = shlex.quote(recorded.folder)
        history = shlex.quote(f"{recorded.folder.rstrip('/')}/history.jsonl")
        lines.append(("Replay it", f"{_PROGRAM} replay {folder}"))
        if recorded.state is State.INVALID:
            lines.append(
                ("Shrink it to the fewest operations and faults", f"{_PROGRAM} shrink {folder}")
            )
        lines.append(("Check the stored history again", f"{_PROGRAM} check {history}"))
    elif run.world == "sim":
        lines.append(("Replay it", f"{_PROGRAM} replay seed:{run.seed}"))
    return lines


def again_section(recorded: Recorded) -> Markup:
    """The section."""
    parts = [_command(what, line) for what, line in commands(recorded)]
    return tag(
        "section",
        tag("h2", "Run it again"),
        *parts,
        None if parts else soft("The run does not say how it was made."),
        id="again",
    )


def _command(what: str, line: str) -> Markup:
    code = tag("code", visible(line, COMMAND_CHARACTERS_MAX))
    copy = tag("button", "Copy", type="button", data_copy="Copy", class_="small needs-script")
    return join((tag("p", f"{what}:"), tag("div", code, copy, class_="command")))
