"""HTML that cannot be broken out of: every string is escaped unless it was made here.

Keys, values, errors and names come from clients and from stores under test; they may be
`</script>`, control characters or half of a surrogate pair. Elements are made by `tag` alone, which
escapes each child that is a plain string, so forgetting to escape is not possible. Scripts and
styles are named by their hash in the page's Content-Security-Policy: whatever else got into the
page would not run.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from typing import Final

TEXT_CHARACTERS_MAX: Final = 400
"""What is longer is cut, and says how long it was."""
_VOID = frozenset({"meta", "link", "br", "hr", "input", "col"})
_UNSEEN = re.compile(
    # Control characters, invisible and direction-changing ones, halves of surrogate pairs.
    "[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")


class Markup(str):
    """HTML as it stands; made by `tag`, `join` and `raw` only."""

    __slots__ = ()


Child = Markup | str | int | None
"""A plain string is text. None is nothing."""


def visible(text: str, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """The text with what a reader could not see made visible, and cut to a length."""
    cut = text[:characters_max]
    shown = _UNSEEN.sub(_code_point, cut)
    return shown if len(cut) == len(text) else f"{shown}… ({len(text):,} characters)"


def _code_point(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def tag(name: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element: `class_` is `class`, `aria_label` is `aria-label`; None and False are none."""
    head = name + "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        assert not children, f"<{name}> has no children"
        return Markup(f"<{head}>")
    return Markup(f"<{head}>{join(children)}</{name}>")


def _attribute(key: str, value: str | int | bool | None) -> str:  # noqa: FBT001 - an attribute's value
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    assert _NAME.match(name), f"{name!r} is no attribute"
    if value is True:
        return f" {name}"
    return f' {name}="{html.escape(str(value))}"'


def join(children: Iterable[Child]) -> Markup:
    """Children one after the other."""
    return Markup("".join(_child(child) for child in children if child is not None))


def _child(child: Markup | str | int) -> str:
    if isinstance(child, Markup):
        return child
    return html.escape(child if isinstance(child, str) else f"{child:,}", quote=False)


def embedded(identifier: str, document: object) -> Markup:
    """Data for the page's scripts, as JSON that cannot end its element."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/json" id="{html.escape(identifier)}">{safe}</script>')


def script(source: str) -> Markup:
    """One of our own scripts."""
    assert "</" not in source, "a script of ours would end its own element"
    return Markup(f"<script>{source}</script>")


def style(source: str) -> Markup:
    """One of our own style sheets."""
    assert "</" not in source, "a style sheet of ours would end its own element"
    return Markup(f"<style>{source}</style>")


def document(title: str, *, body: Markup, css: str, javascript: str = "", icon: str) -> str:
    """A whole page that loads nothing and runs nothing but what it was given."""
    policy = (
        f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_source_hash(css)}; script-src {_source_hash(javascript)}"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", visible(title)),
        tag("link", rel="icon", href=f"data:image/svg+xml;base64,{_base64(icon)}"),
        style(css),
    )
    end = script(javascript) if javascript else None
    return f"<!doctype html>\n{tag('html', head, tag('body', body, end), lang='en')}\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _source_hash(source: str) -> str:
    if not source:
        return "'none'"
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
