"""The pages in a real browser: what a person does, with a pointer and with keys."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jepsen_tests.history import History, Operation, RunInfo, Status
from jepsen_tests.report.matrix import matrix_page
from jepsen_tests.report.page import run_page
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.summary import summary
from jepsen_tests.tests.report.browser import CHROMIUM, MISSING, Browser
from jepsen_tests.tests.report.hostile import HOSTILE, hostile_run
from jepsen_tests.tests.report.samples import invalid, valid
from jepsen_tests.verdict import Finding, State, Verdict

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason=MISSING),
]
CONTROL = 2
"""The modifier, in the protocol's bits."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _fresh(browser: Browser) -> Iterator[None]:
    """Each test has a window of its own, and a page that complains fails its test."""
    browser.window(1400, 1000)
    browser.complaints.clear()
    yield
    assert browser.complaints == []


def shown(browser: Browser, tmp_path: Path, recorded: Recorded) -> None:
    path = tmp_path / "page.html"
    path.write_text(run_page(recorded), encoding="utf-8")
    browser.open(path)


def seconds_shown(browser: Browser) -> tuple[float, float]:
    """The stretch of time that the page says it shows."""
    words = browser.text("#range")
    if words.startswith("the whole run"):
        return (0.0, float("inf"))
    begin, end = re.findall(r"([\d.]+) s", words)[:2]
    return float(begin), float(end)


def span(browser: Browser) -> float:
    begin, end = seconds_shown(browser)
    return end - begin


def test_an_invalid_run_opens_at_its_error(browser: Browser, tmp_path: Path) -> None:
    recorded = Recorded(*invalid(2_000))
    shown(browser, tmp_path, recorded)
    first = recorded.findings[0].operations[0]
    begin, end = seconds_shown(browser)
    assert begin < first.call_ns / 1e9 < end
    assert "number 1 of the counterexample" in browser.text("#details")
    assert "Invalid" in browser.text("h1")


def test_the_button_leads_back_to_the_error(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*invalid(2_000)))
    at_error = browser.text("#range")
    browser.click("[data-do=all]")
    assert browser.text("#range").startswith("the whole run")
    browser.click("[data-do=error]")
    assert browser.text("#range") == at_error


def test_a_row_of_the_counterexample_shows_its_operation(browser: Browser, tmp_path: Path) -> None:
    recorded = Recorded(*invalid(2_000))
    shown(browser, tmp_path, recorded)
    browser.click(".witness tbody tr:last-child button")
    last = recorded.findings[0].operations[-1]
    assert f"client {last.process}" in browser.text("#details")
    assert "number 4 of the counterexample" in browser.text("#details")


def test_keys_zoom_pan_and_walk(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(2_000)))
    browser.evaluate("document.getElementById('rows').focus()")
    for _ in range(4):
        browser.press("+")
    near = span(browser)
    begin, _ = seconds_shown(browser)
    browser.press("ArrowRight")
    assert seconds_shown(browser)[0] > begin
    browser.press("ArrowLeft")
    assert seconds_shown(browser)[0] == pytest.approx(begin, rel=0.01)
    browser.press("-")
    assert span(browser) > near
    browser.press("n")
    first = browser.text("#details")
    browser.press("n")
    second = browser.text("#details")
    browser.press("p")
    assert first != second
    assert browser.text("#details") == first
    browser.press("ArrowDown")
    assert browser.text("#details") != first
    browser.press("Escape")
    assert "Nothing selected" in browser.text("#details")
    browser.press("0")
    assert browser.text("#range").startswith("the whole run")


def test_the_pointer_drags_zooms_and_scrolls_the_page(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(2_000)))
    x, y = browser.middle("#rows-canvas")
    for _ in range(3):
        browser.pointer("mouseWheel", x, y, deltaX=0, deltaY=-300, modifiers=CONTROL)
    browser.settle()
    near = span(browser)
    assert near < 3
    begin, _ = seconds_shown(browser)
    browser.drag(x, y, x - 200)
    assert seconds_shown(browser)[0] > begin
    assert span(browser) == pytest.approx(near, rel=0.01)
    browser.pointer("mouseWheel", x, y, deltaX=0, deltaY=120)
    browser.settle()
    assert span(browser) == pytest.approx(near, rel=0.01)


def one_operation() -> Recorded:
    operation = Operation(
        process=4,
        function="write",
        key="x",
        value="5",
        call_ns=0,
        return_ns=10**9,
        status=Status.OK,
        member="m2",
        revision=12,
    )
    return Recorded(History([operation], RunInfo(plan=[])), ())


def test_pointing_says_what_it_is_and_a_click_keeps_it(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, one_operation())
    x, y = browser.middle("#rows-canvas")
    assert browser.evaluate("document.getElementById('tip').hidden")
    browser.pointer("mouseMoved", x, y + 8)
    browser.settle()
    assert browser.text("#tip strong") == "write x = 5"
    assert "revision 12" in browser.text("#tip")
    browser.click_at(x, y + 8)
    assert "client 4" in browser.text("#details")
    assert "answered by: m2" in browser.text("#details")
    browser.pointer("mouseMoved", x, 5)
    browser.settle()
    assert browser.evaluate("document.getElementById('tip').hidden")


def test_only_the_errors_clients_make_fewer_rows(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*invalid(3_000, clients=12)))
    height = "document.getElementById('rows-spacer').offsetHeight"
    checked = "document.getElementById('error-only').checked"
    before = browser.evaluate(f"[{height}, {checked}]")
    browser.click("#error-only")
    after = browser.evaluate(f"[{height}, {checked}]")
    assert before[1] != after[1]
    assert before != after


def test_two_findings_are_visited_one_after_the_other(browser: Browser, tmp_path: Path) -> None:
    history, verdicts = invalid(2_000)
    early = sorted(history.operations, key=lambda each: each.call_ns)[3]
    verdicts = (*verdicts, Verdict("other", State.INVALID, (Finding("early", (early,)),)))
    shown(browser, tmp_path, Recorded(history, verdicts))
    browser.click("[data-do=error]")
    assert "number 1.1 of" in browser.text("#details")
    assert browser.text("[data-do=error]") == "Jump to error 2 of 2"
    browser.click("[data-do=error]")
    assert "number 2.1 of" in browser.text("#details")
    browser.click("[data-do=error]")
    assert "number 1.1 of" in browser.text("#details")


def test_a_command_can_be_copied(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(50), "store/x"))
    browser.click("#again button")
    # Chromium may refuse the clipboard without a person: then the text is selected.
    assert browser.text("#again button") in {"Copied", "Selected: press Ctrl+C"}


def test_a_key_fades_the_operations_of_others(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, one_operation())
    x, y = browser.middle("#rows-canvas")
    pixel = (
        "(() => {const c = document.getElementById('rows-canvas');"
        "const d = c.getContext('2d').getImageData(c.width / 2, c.height - 20, 1, 1).data;"
        "return d[3]})()"
    )
    assert browser.evaluate(pixel) == 255
    browser.click("#key-filter")
    browser.press("y")
    assert browser.evaluate(pixel) < 128
    browser.pointer("mouseMoved", x, y)


def test_pointing_at_a_plot_tells_its_numbers(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(2_000)))
    x, y = browser.middle("#latency")
    browser.pointer("mouseMoved", x, y)
    browser.settle()
    assert "around" in browser.text("#tip")
    assert "ok: " in browser.text("#tip")


def test_a_situation_leads_to_its_time(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(2_000)))
    at = browser.evaluate("Number(document.querySelector('#situations button').dataset.at)") / 1e9
    browser.click("#situations button")
    begin, end = seconds_shown(browser)
    assert begin <= at <= end < 6


def test_without_scripts_verdict_and_counterexample_are_read(
    browser: Browser, tmp_path: Path
) -> None:
    browser.window(1400, 1000, scripts=False)
    history, verdicts = invalid(200)
    path = tmp_path / "page.html"
    path.write_text(run_page(Recorded(history, verdicts)), encoding="utf-8")
    browser.open(path)
    text = browser.text("body")
    assert text.count(verdicts[0].findings[0].what) == 2
    assert "The timeline and the plots are drawn by JavaScript" in text
    assert "Jump to the error" not in text


@pytest.mark.parametrize("bad", HOSTILE)
def test_nothing_that_a_run_says_runs(browser: Browser, tmp_path: Path, bad: str) -> None:
    hostile = bad.replace("alert(1)", "document.title='broken'")
    shown(browser, tmp_path, hostile_run(hostile))
    assert browser.evaluate("document.title").startswith("Invalid")
    assert browser.evaluate("document.querySelectorAll('script:not([type])').length") == 1
    browser.evaluate("document.getElementById('rows').focus()")
    browser.press("n")
    assert browser.evaluate("document.querySelectorAll('#details strong').length") == 1
    assert browser.evaluate("document.title").startswith("Invalid")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_it_fits_a_window_and_draws_something(
    browser: Browser, tmp_path: Path, width: int, *, dark: bool
) -> None:
    browser.window(width, 800, dark=dark)
    shown(browser, tmp_path, Recorded(*invalid(500)))
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    for canvas in ("overview", "axis", "rows-canvas", "latency", "rate"):
        colours = (
            f"(() => {{const c = document.getElementById('{canvas}');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "const seen = new Set();"
            "for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);"
            "return seen.size})()"
        )
        assert browser.evaluate(colours) > 3, canvas


# Contrast as WCAG 2 has it: 4.5 for text, 3 for what is drawn.
PAIRS = (
    ("ink", "page", 4.5),
    ("ink-soft", "page", 4.5),
    ("ink-soft", "panel", 4.5),
    ("ink", "code", 4.5),
    ("link", "page", 4.5),
    ("valid", "page", 4.5),
    ("invalid", "page", 4.5),
    ("unknown", "page", 4.5),
    ("harness", "page", 4.5),
    ("write-ink", "write", 4.5),
    ("read-ink", "read", 4.5),
    ("leader-ink", "leader", 4.5),
    ("follower-ink", "follower", 4.5),
    ("panel", "error", 4.5),
    ("write", "panel", 3),
    ("fail", "panel", 3),
    ("info", "panel", 3),
    ("error", "panel", 3),
    ("fault", "panel", 3),
    ("commit", "panel", 3),
    ("watch", "panel", 3),
)


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_can_be_told_apart(browser: Browser, tmp_path: Path, *, dark: bool) -> None:
    browser.window(800, 600, dark=dark)
    shown(browser, tmp_path, Recorded(*valid(20)))
    names = sorted({name for pair in PAIRS for name in pair[:2]})
    read = (
        f"(() => {{const s = getComputedStyle(document.documentElement); return {json.dumps(names)}"
        ".map((name) => s.getPropertyValue('--' + name).trim())})()"
    )
    colours = dict(zip(names, browser.evaluate(read), strict=True))
    for front, back, least in PAIRS:
        bright, dim = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
        contrast = (bright + 0.05) / (dim + 0.05)
        assert contrast >= least, f"{front} on {back}: {contrast:.2f}"


def test_a_hundred_thousand_operations_stay_usable(browser: Browser, tmp_path: Path) -> None:
    shown(browser, tmp_path, Recorded(*valid(100_000, clients=100)))
    browser.evaluate("document.getElementById('rows').focus()")
    drawn = (
        "(async () => {const begin = performance.now();"
        "for (let i = 0; i < 10; i++) {"
        "document.getElementById('rows').dispatchEvent("
        "new KeyboardEvent('keydown', {key: i % 2 ? '-' : '+'}));"
        "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));}"
        "return (performance.now() - begin) / 10})()"
    )
    milliseconds = browser.evaluate(drawn)
    # Some 30 on an idle machine; what this guards against is minutes.
    assert milliseconds < 1_000


def test_the_index_leads_to_a_page(browser: Browser, tmp_path: Path) -> None:
    recorded = Recorded(*invalid(200))
    shown(browser, tmp_path, recorded)
    index = tmp_path / "index.html"
    index.write_text(matrix_page("night", [summary(recorded, name="a", link="page.html")]))
    browser.open(index)
    assert "1 of 1 invalid" in browser.text("h1")
    assert browser.evaluate("document.querySelector('.tile a').href").endswith("/page.html")
    browser.window(360, 800)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360
