"""Texts are in the words of the field, as docs/spec/decisions.md 13 says: no invented idiom."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modellix_cli.domain.errors import REGISTRY

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "modellix_cli"
THEIR_WORDS = ROOT / "docs" / "spec" / "official-cli.md"
OLD_FILES = PACKAGE / "ledger" / "import_journal.py"
"""The one module about journal.db, which versions before 0.2 wrote."""

AVOIDED = re.compile(
    r"""
    \bmend(?:s|ed|ing)?\b | \banew\b | \bfates?\b | \bcrowded\b
    | (?<![-_])\bjournals?(?!\.db|_mode)\b
    | \bsigns?\ of\ life\b | \bpaid\ for\ again\b | \breader\ of\ stdout\b | \bno\ luck\b
    | \blooks?\ at\ tasks?\b | \bbetween\ looks\b | \bend\ the\ doubt\b | \bgoing\ on\ in\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *ROOT.glob("[CS]*.md"), *(ROOT / "docs").rglob("*.md"))
    if page != THEIR_WORDS
)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != OLD_FILES)


def avoided(text: str) -> list[str]:
    return [found[0] for found in AVOIDED.finditer(re.sub(r"\s+", " ", text))]


def without_wrong_examples(page: str) -> str:
    """Leave out the table of what not to write."""
    head, title, rest = page.partition("| write | instead of |")
    return head + re.sub(r"^\n(?:\|.*\n?)+", "\n", rest) if title else head


def strings(module: Path) -> Iterator[str]:
    """Yield docstrings, help texts and messages; what is put together counts piece by piece."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_avoided_words(page: Path) -> None:
    assert avoided(without_wrong_examples(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_help_messages_and_docstrings_have_no_avoided_words(module: Path) -> None:
    assert [word for text in strings(module) for word in avoided(text)] == []


def test_meanings_and_hints_of_errors_have_no_avoided_words() -> None:
    texts = [text for kind in REGISTRY.values() for text in (kind.meaning, kind.hint)]
    assert [word for text in texts for word in avoided(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Mend the lines that are named above.",
        "They are paid\nfor again.",
        "The journal knows its fate.",
        "No signs of life on stderr.",
        "No luck yet.",
    ],
)
def test_an_avoided_word_is_found(text: str) -> None:
    assert avoided(text) != []


@pytest.mark.parametrize("text", ["journal.db is imported", "PRAGMA journal_mode = WAL", "amend"])
def test_an_accepted_text(text: str) -> None:
    assert avoided(text) == []
