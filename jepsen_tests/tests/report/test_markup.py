"""Nothing that a client or a store says becomes HTML."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepsen_tests.report.markup import document, embedded, join, script, tag, visible
from jepsen_tests.tests.report.hostile import HOSTILE
from jepsen_tests.tests.report.reading import Read


@given(st.text())
def test_text_and_attributes_are_read_back_as_they_were(text: str) -> None:
    cleaned = text.replace("\r", "")
    read = Read(tag("p", cleaned, title=cleaned))
    assert read.elements == [("p", {"title": cleaned})]
    assert "".join(read.data) == cleaned


@given(st.dictionaries(st.text(), st.none() | st.lists(st.text()), max_size=5))
def test_embedded_data_is_read_back_and_cannot_end_its_element(value: object) -> None:
    element = str(embedded("data", value))
    read = Read(element)
    assert [name for name, _ in read.elements] == ["script"]
    assert json.loads("".join(read.data)) == value
    assert element.isascii()


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    page = document(
        "x", body=join((tag("p", visible(text)), embedded("d", [text]))), css="p{}", icon=""
    )
    read = Read(page)
    names = [name for name, _ in read.elements]
    assert names.count("script") == 1
    assert page.encode("utf-8")
    assert not any(name.startswith("on") for _, found in read.elements for name in found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä, 漢", "plain, ä, 漢"),
        ("\x00\n", "\\x00\\x0a"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_long_is_cut_and_says_how_long_it_was() -> None:
    assert visible("x" * 5000, 3) == "xxx… (5,000 characters)"


def policy_of(page: str) -> str:
    (policy,) = [found["content"] for _, found in Read(page).elements if "http-equiv" in found]
    return policy or ""


def test_a_page_names_what_may_run_by_its_hash() -> None:
    page = document("t", body=tag("p"), css="p{}", javascript="1", icon="")
    policy = next(found["content"] for name, found in Read(page).elements if "http-equiv" in found)
    assert policy is not None
    # printf 1 | openssl dgst -sha256 -binary | base64
    assert "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_without_scripts_lets_none_run() -> None:
    page = document("t", body=tag("p"), css="", icon="")
    assert "script-src 'none'" in policy_of(page)


def test_a_script_of_ours_that_would_end_itself_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        script("'</script>'")
