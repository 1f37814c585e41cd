"""What a browser would find in a page: its elements, and their text."""

import re
from html.parser import HTMLParser

from typing_extensions import override


class Read(HTMLParser):
    """A page, read."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_data(self, data: str) -> None:
        self.data.append(data)


def text_of(page: str) -> str:
    """All text of a page, spaces made one."""
    return re.sub(r"\s+", " ", " ".join(Read(page).data))
