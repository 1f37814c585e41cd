"""What the Markdown files name exists, so that a reader who follows them arrives."""

import dataclasses
import re
from pathlib import Path

import pytest

from raftkv import config

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("raftkv/**/*.md")]
    if not path.relative_to(ROOT).parts[0].startswith(".")
)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PATH = re.compile(r"[\w.-]+/[\w./-]*|[\w-]+\.(?:py|md|toml|txt|yaml|proto)")
BOUND = re.compile(r"(?:[A-Z]\w+Config\.)?(\w+_max)")
MADE_AT_RUN_TIME = (".venv", ".raftkv")


def named_paths(text: str) -> set[str]:
    """The words in backticks, and the link targets, that look like paths of the repository."""
    words = {word for code in CODE.findall(text) for word in code.split() if PATH.fullmatch(word)}
    links = {link for link in LINK.findall(text) if "://" not in link}
    return {path for path in words | links if not path.startswith(MADE_AT_RUN_TIME)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_a_document_names_exists(document: Path) -> None:
    roots = (document.parent, ROOT, ROOT / "raftkv")
    missing = sorted(
        path
        for path in named_paths(document.read_text())
        if not any((root / path).exists() for root in roots)
    )
    assert not missing, f"{document.relative_to(ROOT)} names {missing}"


def test_every_bound_the_architecture_names_is_configured() -> None:
    configured = {
        field.name
        for kind in vars(config).values()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
    }
    words = CODE.findall((ROOT / "ARCHITECTURE.md").read_text())
    named = {match.group(1) for word in words if (match := BOUND.fullmatch(word))}
    assert named
    assert named <= configured, named - configured
