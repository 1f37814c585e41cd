"""Tables and lists of facts, as every section has them."""

from collections.abc import Iterable, Sequence

from jepsen_tests.report.markup import Child, Markup, join, tag


def table(heads: Sequence[str], rows: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table that scrolls sideways by itself where the window is narrow."""
    head = tag("tr", *(tag("th", name, scope="col") for name in heads))
    whole = tag("table", tag("thead", head), tag("tbody", *rows), class_=class_)
    return tag("div", whole, class_="scroll")


def definitions(lines: Iterable[tuple[str, Child]]) -> Markup:
    """Names and what is to be said of them."""
    pairs = (join((tag("dt", name), tag("dd", words))) for name, words in lines)
    return tag("dl", *pairs, class_="facts")


def soft(words: str) -> Markup:
    """A paragraph that keeps in the background."""
    return tag("p", words, class_="soft")


def counted(count: int, noun: str) -> str:
    """`1 fault`, `1,234 faults`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
