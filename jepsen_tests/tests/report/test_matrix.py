"""The index of many runs."""

import pytest

from jepsen_tests.report.matrix import TILES_MAX, matrix_page
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.summary import Summary, summary, unreadable
from jepsen_tests.tests.report.hostile import HOSTILE, hostile_run
from jepsen_tests.tests.report.reading import Read, text_of
from jepsen_tests.tests.report.samples import invalid
from jepsen_tests.verdict import State


def run(name: str, state: State = State.VALID, **more: str) -> Summary:
    texts = {"sentence": "", "workload": "register", "world": "etcd", "faults": "kill"} | more
    return Summary(
        name=name,
        link=f"{name}/report.html",
        state=state,
        operations=1_200,
        length_ns=60 * 10**9,
        sentence=texts["sentence"],
        workload=texts["workload"],
        world=texts["world"],
        faults=texts["faults"],
    )


def test_what_is_wrong_comes_first_with_its_reason_and_a_link() -> None:
    page = matrix_page(
        "night", [run("a"), run("b", State.UNKNOWN), run("c", State.INVALID, sentence="stale read")]
    )
    text = text_of(page)
    assert text.index("1 of 3 invalid") < text.index("What needs a look")
    assert text.index("stale read") < text.index("All runs")
    links = [found["href"] for name, found in Read(page).elements if name == "a"]
    assert links[:2] == ["c/report.html", "b/report.html"]


def test_all_valid_needs_no_look() -> None:
    text = text_of(matrix_page("night", [run("a"), run("b")]))
    assert "All valid" in text
    assert "What needs a look" not in text
    assert "2 valid" in text


def test_a_matrix_a_world_with_the_fewest_faults_first() -> None:
    runs = [
        run("a", faults="kill + pause"),
        run("b", faults="no faults"),
        run("c", faults="clock skew", world="raftkv"),
        run("d", workload="append", faults="kill"),
    ]
    page = matrix_page("night", runs)
    text = text_of(page)
    assert text.index(" etcd ") < text.index(" raftkv ")
    assert text.index("no faults") < text.index("kill") < text.index("kill + pause")
    assert "1,200 in 60" in text


def test_more_runs_than_a_cell_holds_are_counted() -> None:
    page = matrix_page("night", [run(f"r{number}") for number in range(TILES_MAX + 2)])
    assert "and 2 more" in text_of(page)


def test_a_run_that_cannot_be_read_is_trouble_of_the_harness() -> None:
    page = matrix_page("night", [run("a"), unreadable("b", ValueError("line 3: no"))])
    text = text_of(page)
    assert "1 of 2 harness trouble" in text
    assert "It could not be read: line 3: no" in text


def test_a_summary_says_what_the_index_needs() -> None:
    history, verdicts = invalid(120)
    told = summary(Recorded(history, verdicts), name="x", link="x/report.html")
    assert told.state is State.INVALID
    assert told.sentence == verdicts[0].findings[0].what
    assert (told.workload, told.world, told.operations) == ("register", "raftkv, simulated", 120)
    assert told.faults in {"kill", "pause", "partition", "clock skew"}


@pytest.mark.parametrize("bad", HOSTILE)
def test_whatever_runs_say_the_index_has_our_elements_only(bad: str) -> None:
    def page(text: str) -> Read:
        # As a file system has it: bytes that are no UTF-8 come as halves of surrogate pairs.
        link = text.replace("\ud800", "\udcff")
        told = summary(hostile_run(text), name=text, link=link)
        return Read(matrix_page(text, [told, unreadable(text, ValueError(text))]))

    assert [name for name, _ in page(bad).elements] == [name for name, _ in page("x").elements]
    links = [found["href"] for name, found in page(bad).elements if name == "a"]
    assert not any((link or "").startswith("javascript:") for link in links)
