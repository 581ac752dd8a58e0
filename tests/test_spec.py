"""Citations in the code name pages, and sections of them, that exist in this repository.

Accepted: `docs/spec/service.md`, `docs/spec/official-cli.md 4.14`, `docs/spec/decisions.md`; a
section number may follow each, and more after a comma, "and" or a dash ("4.1, 4.3", "4.10-4.12").
Bare `official-cli.md 4.14` means the page in docs/spec. Any other bare page name is refused, as is
a path below docs/ that does not exist.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "docs" / "spec"
CITING = ("modellix_cli", "tests", "benchmarks")
BARE = {"official-cli.md": "docs/spec/official-cli.md"}

_NUMBER = r"\d+(?:\.\d+)*"
CITATION = re.compile(
    rf"""(?<![\w/.-])
    (?P<page>docs/(?:[\w-]+/)*[\w-]+\.md | (?:official-cli|api|design|service|decisions)\.md)
    (?P<sections>(?:(?:,?\s+(?:sections?\s+|and\s+)?|\s*[-\N{{EN DASH}}]\s*){_NUMBER}(?![\w%]))*)
    """,
    re.VERBOSE,
)
HEADING = re.compile(rf"^#+ ({_NUMBER})\.? ", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)(?:,? (?:section )?(\d+(?:\.\d+)*))?")


def sections(page: Path) -> set[str]:
    return set(HEADING.findall(page.read_text(encoding="utf-8")))


def faults(text: str) -> list[str]:
    """Return what is wrong with the citations in a module's text."""
    joined = re.sub(r"\s*\n\s*(?:#\s*)?", " ", text)
    found = []
    for citation in CITATION.finditer(joined):
        name = BARE.get(citation["page"], citation["page"])
        page = ROOT / name
        if "/" not in name:
            found.append(f"{name}: name a page of docs/spec/")
        elif not page.is_file():
            found.append(f"{name}: no such page")
        else:
            cited = re.findall(_NUMBER, citation["sections"])
            missing = [number for number in cited if number not in sections(page)]
            found += [f"{name}: no section {number}" for number in missing]
    return found


def test_code_cites_pages_and_sections_that_exist() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {fault}"
        for folder in CITING
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for fault in faults(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize("page", sorted(SPEC.glob("*.md")), ids=lambda page: page.name)
def test_a_page_links_to_pages_and_sections_that_exist(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert links
    for target, number in links:
        linked = page.parent / target
        assert linked.is_file(), target
        assert not number or number in sections(linked), f"{target} {number}"


@pytest.mark.parametrize("page", sorted(SPEC.glob("*.md")), ids=lambda page: page.name)
def test_a_section_number_is_used_once(page: Path) -> None:
    numbers = HEADING.findall(page.read_text(encoding="utf-8"))
    assert numbers
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    "text",
    [
        "The routes of docs/spec/service.md as methods.",
        "The limits (docs/spec/service.md 10).",
        "It is shaped as official-cli.md 4.14 says.",
        "They are docs/spec/official-cli.md 4.10-4.12, of July.",
        "(official-cli.md 2.1, 2.2)",
        "# see docs/spec/official-cli.md\n    # 4.17, where",
        "docs/spec/decisions.md, section 5",
        "The states in docs/guarantees.md.",
        "The index is https://docs.modellix.ai/api.md",
    ],
)
def test_an_accepted_citation(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("as api.md says", "api.md: name a page of docs/spec/"),
        ("The rules of design.md.", "design.md: name a page of docs/spec/"),
        ("service.md 2", "service.md: name a page of docs/spec/"),
        ("docs/spec/api.md", "docs/spec/api.md: no such page"),
        ("docs/plan.md", "docs/plan.md: no such page"),
        ("official-cli.md 4.99", "docs/spec/official-cli.md: no section 4.99"),
        ("official-cli.md 4.1,\n    4.98", "docs/spec/official-cli.md: no section 4.98"),
        ("docs/spec/decisions.md, section 99", "docs/spec/decisions.md: no section 99"),
        ("official-cli.md 4.20-4.21", "docs/spec/official-cli.md: no section 4.21"),
    ],
)
def test_a_refused_citation(text: str, fault: str) -> None:
    assert faults(text) == [fault]
