"""The page of a run: what is on it, in which order, and that it is only what we put there."""

import json
import re

import pytest

from jepsen_tests.history import History
from jepsen_tests.report.page import ASSETS, run_page, scripts
from jepsen_tests.report.recorded import FINDINGS_SHOWN_MAX, Recorded
from jepsen_tests.tests.report.hostile import HOSTILE, hostile_run
from jepsen_tests.tests.report.reading import Read, text_of
from jepsen_tests.tests.report.samples import invalid, valid
from jepsen_tests.verdict import Finding, State, Verdict


def page_of(*verdicts: Verdict, count: int = 60) -> str:
    return run_page(Recorded(valid(count)[0], verdicts, "store/register/7"))


def test_the_sections_come_in_the_order_of_a_readers_questions() -> None:
    page = run_page(Recorded(*invalid(120), "store/x"))
    anchors = ["masthead", "asked", "counterexample", "timeline", "latency-and-rate", "skipped"]
    anchors += ["situations", "cluster", "again"]
    places = [
        page.index(f'"{anchor} ') if anchor == "masthead" else page.index(f'id="{anchor}"')
        for anchor in anchors
    ]
    assert places == sorted(places)


def test_an_invalid_run_says_what_is_wrong_without_scripts() -> None:
    history, verdicts = invalid(120)
    text = text_of(run_page(Recorded(history, verdicts, "store/x")))
    finding = verdicts[0].findings[0]
    assert f"Invalid {finding.what}" in text
    assert "wrote" in text
    assert "answered after" in text
    assert "python -m jepsen_tests shrink store/x" in text
    assert "this kernel has no netem" in text
    assert "leader isolated with uncommitted configuration" in text


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict("c", State.VALID), "Valid Its promise held: 1 checker found nothing wrong"),
        (Verdict("c", State.INVALID), "Invalid"),
        (
            Verdict("c", State.UNKNOWN, note="out of time"),
            "Unknown It could not be decided, which is not a pass: out of time",
        ),
        (
            Verdict("c", State.HARNESS, note="no port"),
            "Harness trouble The harness stumbled: nothing is known of the store: no port",
        ),
    ],
)
def test_the_verdict_is_the_first_thing_said(verdict: Verdict, words: str) -> None:
    text = text_of(page_of(verdict))
    assert words in text[: text.index("What was asked")]


def test_a_run_that_nobody_judged_is_no_pass() -> None:
    assert "Unknown No checker has judged this run yet." in text_of(page_of())


def test_a_valid_run_has_nothing_to_shrink_and_no_error_to_jump_to() -> None:
    page = page_of(Verdict("c", State.VALID))
    assert " shrink " not in page
    assert "Jump to the error" not in page
    assert 'id="counterexample"' not in page


def test_more_findings_than_are_shown_are_counted() -> None:
    findings = tuple(Finding(f"wrong {number}") for number in range(FINDINGS_SHOWN_MAX + 3))
    text = text_of(page_of(Verdict("c", State.INVALID, findings)))
    assert "Wrong 0 (and 22 more)" in text
    assert "3 more are not shown." in text


@pytest.mark.parametrize("bad", HOSTILE)
def test_whatever_a_run_says_the_page_has_our_elements_only(bad: str) -> None:
    page = run_page(hostile_run(bad))
    harmless = Read(run_page(hostile_run("harmless")))
    read = Read(page)
    assert [name for name, _ in read.elements] == [name for name, _ in harmless.elements]
    assert [sorted(found) for _, found in read.elements] == [
        sorted(found) for _, found in harmless.elements
    ]
    assert page.encode("utf-8")
    assert "\x00" not in page


def test_a_page_refers_to_nothing_outside_itself() -> None:
    page = run_page(Recorded(*invalid(60)))
    assert "http" not in re.sub(r'http-equiv|"http://www\.w3\.org/2000/svg"', "", page)
    references = [found.get("src") or found.get("href") or "#" for _, found in Read(page).elements]
    assert all(each.startswith(("#", "data:image/svg+xml;base64,")) for each in references)


def test_embedded_data_is_json() -> None:
    page = run_page(Recorded(*invalid(60)))
    found = re.search(r'<script type="application/json" id="run-data">(.*?)</script>', page)
    assert found is not None
    assert len(json.loads(found[1])["operations"]["status"]) == 60


def test_every_script_is_part_of_the_page() -> None:
    source = scripts()
    for path in ASSETS.glob("*.js"):
        assert path.read_text(encoding="utf-8") in source, path.name


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.*")), ids=lambda path: path.name)
def test_an_asset_fits_in_one_sitting_and_says_what_it_is_for(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert text.startswith(("//", "/*"))
    assert text.count("\n") <= 600


def test_no_script_writes_html() -> None:
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in scripts()


def test_no_history_at_all_makes_a_page() -> None:
    text = text_of(run_page(Recorded(History(), ())))
    assert "0 operations" in text
    assert "The run does not say how it was made." in text


@pytest.mark.slow
def test_a_hundred_thousand_operations_make_a_page_of_some_megabytes() -> None:
    page = run_page(Recorded(*invalid(100_000, clients=40)))
    assert len(page) < 16_000_000
