"""The four verdicts as a reader meets them: a word, a sentence, a sign with a shape of its own."""

from typing import Final

from jepsen_tests.report.markup import Markup, tag
from jepsen_tests.verdict import State

WORDS: Final = {
    State.VALID: "Valid",
    State.INVALID: "Invalid",
    State.UNKNOWN: "Unknown",
    State.HARNESS: "Harness trouble",
}
MEANINGS: Final = {
    State.VALID: "Every checker passed.",
    State.INVALID: "The store broke a promise.",
    State.UNKNOWN: "It could not be decided, which is not a pass.",
    State.HARNESS: "The harness stumbled: nothing is known of the store.",
}
_PATHS = {
    State.VALID: "M6.5 12.5 10.5 16.5 17.5 8",
    State.INVALID: "M8 8 16 16M16 8 8 16",
    State.UNKNOWN: "M9 9.5a3 3 0 1 1 4.4 2.6c-1 .6-1.4 1.1-1.4 2.2M12 17.2v.3",
    State.HARNESS: "M12 7v6.5M12 17v.3",
}
_FRAMES = {
    State.VALID: "M12 1.5a10.5 10.5 0 1 0 0 21 10.5 10.5 0 1 0 0-21z",
    State.INVALID: "M7.7 1.5h8.6l6.2 6.2v8.6l-6.2 6.2H7.7l-6.2-6.2V7.7z",
    State.UNKNOWN: "M6 2H18Q22 2 22 6V18Q22 22 18 22H6Q2 22 2 18V6Q2 2 6 2z",
    State.HARNESS: "M12 2 23 21.5H1z",
}
_ICON_COLOURS = {
    State.VALID: "#0b6b45",
    State.INVALID: "#b3152b",
    State.UNKNOWN: "#855400",
    State.HARNESS: "#5b3f9e",
}


def state_class(state: State) -> str:
    """The class that gives an element the state's colour."""
    return f"state-{state.word}"


def sign(state: State) -> Markup:
    """A circle with a tick, an octagon with a cross, a square with a question, a triangle."""
    return tag(
        "svg",
        tag("path", d=_FRAMES[state], fill="currentColor"),
        tag(
            "path",
            d=_PATHS[state],
            fill="none",
            stroke="var(--page)",
            stroke_width="2.4",
            stroke_linecap="round",
            stroke_linejoin="round",
        ),
        viewBox="0 0 24 24",
        class_=f"sign {state_class(state)}",
        aria_hidden="true",
    )


def state_word(state: State) -> Markup:
    """The sign and the word, for a line of text."""
    return tag("span", sign(state), f" {WORDS[state]}", class_=f"state-word {state_class(state)}")


def icon(state: State) -> str:
    """The page's icon, so that open tabs tell their verdicts: an SVG file."""
    frame = tag("path", d=_FRAMES[state], fill=_ICON_COLOURS[state])
    path = tag("path", d=_PATHS[state], fill="none", stroke="#fff", stroke_width="2.4")
    return tag("svg", frame, path, xmlns="http://www.w3.org/2000/svg", viewBox="0 0 24 24")
