"""`--tag`, and `tag` on the lines of a batch: recorded with each request."""

import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Cli


def tags(env: dict[str, str]) -> list[str | None]:
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        rows = db.execute("SELECT tag FROM submissions ORDER BY line, number").fetchall()
    db.close()
    return [row[0] for row in rows]


def test_a_run_is_recorded_with_its_tag(cli: Cli, env: dict[str, str]) -> None:
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "a"}', "--sandbox")
    assert cli(*run, "--tag", " spring – 2027 ").status == 0
    assert tags(env) == ["spring – 2027"]


def test_a_line_has_its_own_tag_or_that_of_the_batch(
    cli: Cli, work: Path, env: dict[str, str]
) -> None:
    line = '{"modelSlug": "sandbox/image", "body": {"prompt": "%s"}%s}\n'
    (work / "b.jsonl").write_text(line % ("a", "") + line % ("b", ', "tag": "special"'))
    assert cli("model", "batch", "b.jsonl", "--yes", "--sandbox", "--tag", "spring").status == 0
    assert tags(env) == ["spring", "special"]


def test_another_tag_makes_no_other_batch(cli: Cli, work: Path) -> None:
    line = '{"modelSlug": "sandbox/image", "body": {"prompt": "a"}%s}\n'
    batch = ("model", "batch", "b.jsonl", "--yes", "--sandbox", "--resume")
    shown = []
    for tag in ("", ', "tag": "special"'):
        (work / "b.jsonl").write_text(line % tag)
        shown.append(cli(*batch).json)
    assert shown[1]["batch"] == shown[0]["batch"]
    assert shown[1]["newlySubmitted"] == 0


@pytest.mark.parametrize("tag", ["", " ", "x" * 65, "a\tb", "a\x1b[2Jb", "a\u202eb", "\ud800"])
def test_a_tag_that_is_none_is_refused_before_paying(
    cli: Cli, work: Path, env: dict[str, str], tag: str
) -> None:
    run = ("model", "run", "sandbox/image", "--body", "{}", "--sandbox", "--tag", tag)
    result = cli(*run)
    assert result.status == 2
    assert "--tag" in result.stderr
    (work / "b.jsonl").write_text('{"modelSlug": "sandbox/image", "body": {}}')
    result = cli("model", "batch", "b.jsonl", "--yes", "--sandbox", "--tag", tag)
    assert (result.status, "--tag" in result.stderr) == (2, True)


@pytest.mark.parametrize("tag", ['""', "5", '["a"]', '"' + "x" * 65 + '"'])
def test_a_lines_tag_that_is_none_names_the_line(cli: Cli, work: Path, tag: str) -> None:
    (work / "b.jsonl").write_text(f'{{"modelSlug": "sandbox/image", "body": {{}}, "tag": {tag}}}')
    result = cli("model", "batch", "b.jsonl", "--yes", "--sandbox")
    assert result.status == 2
    assert "line 1: tag" in result.stderr
