"""A body written in an editor."""

import stat
from pathlib import Path

import pytest

from modellix_cli.domain.jsontext import loads
from modellix_cli.models.parameters import Parameter
from modellix_cli.workflows.edit_body import template, without_comments
from tests.support import Result, Terminal, invoke

PARAMETERS = (
    Parameter("prompt", ("prompt",), ("string",), required=True),
    Parameter("size", ("size",), ("string",), required=True, allowed=("1K", "2K")),
    Parameter("seed", ("seed",), ("integer",), description="Same seed, same result."),
    Parameter("n", ("n",), ("integer",), default=1),
)


def test_a_template_holds_what_the_model_needs_and_names_the_rest() -> None:
    text = template("a/b", {"prompt": "a cat"}, PARAMETERS)
    assert loads(without_comments(text.encode())) == {"prompt": "a cat", "size": "1K"}
    assert '//   "seed":    integer Same seed, same result.' in text
    assert '//   "n": 1   integer' in text


def test_lines_keep_their_number_without_comments() -> None:
    assert without_comments(b"// a\n{}\n  // b\n") == b"\n{}\n\n"


@pytest.fixture
def editor(work: Path) -> Path:
    """An editor that puts the file `typed` in the place of what it is given."""
    (work / "typed").write_text('{"prompt": "typed"}', encoding="utf-8")
    script = work / "editor.sh"
    script.write_text(
        f'cp "$1" {work}/seen; stat -c %a "$1" > {work}/mode; cat {work}/typed > "$1"\n',
        encoding="utf-8",
    )
    return script


def run(env: dict[str, str], work: Path, editor: str, *more: str) -> Result:
    chosen = env | {"EDITOR": editor, "PATH": "/usr/bin:/bin"}
    line = ("model", "run", "sandbox/image", "--sandbox", "--edit", "--dry-run", *more)
    terminal = Terminal()
    return invoke(*line, env=chosen, cwd=work, stdin=Terminal(), stderr=terminal)


def test_what_was_written_is_the_body(env: dict[str, str], work: Path, editor: Path) -> None:
    result = run(env, work, f"sh {editor}", "-p", "seed=7")
    assert result.json["body"] == {"prompt": "typed"}
    assert '"seed": 7' in (work / "seen").read_text()


def test_what_is_edited_is_for_the_user_alone(
    env: dict[str, str], work: Path, editor: Path
) -> None:
    run(env, work, f"sh {editor}")
    assert (work / "mode").read_text().strip() == oct(stat.S_IRUSR | stat.S_IWUSR)[2:]


def test_an_empty_file_submits_nothing(env: dict[str, str], work: Path, editor: Path) -> None:
    (work / "typed").write_text("// nothing\n")
    result = run(env, work, f"sh {editor}")
    assert (result.status, result.stdout) == (1, "")
    assert "nothing was submitted" in result.stderr


def test_what_is_no_json_is_kept(env: dict[str, str], work: Path, editor: Path) -> None:
    (work / "typed").write_text('{"prompt": }')
    result = run(env, work, f"sh {editor}")
    assert result.status == 2
    kept = result.stderr.partition("is kept in ")[2].partition(". Fix")[0]
    assert Path(kept).read_text() == '{"prompt": }'
    Path(kept).unlink()


def test_an_editor_that_fails_submits_nothing(env: dict[str, str], work: Path) -> None:
    assert "ended with status 1" in run(env, work, "false").stderr


def test_an_editor_that_cannot_be_started_is_named(env: dict[str, str], work: Path) -> None:
    result = run(env, work, "no-such-editor")
    assert result.status == 2
    assert "no-such-editor" in result.stderr


def test_without_a_terminal_there_is_no_editor(env: dict[str, str], work: Path) -> None:
    result = invoke("model", "run", "a/b", "--edit", env=env, cwd=work)
    assert result.status == 2
    assert "--edit needs a terminal" in result.stderr
