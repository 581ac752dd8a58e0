"""What Tab offers for `-p`: names and choices of the model named before, from the cache alone."""

from pathlib import Path
from typing import Any

import pytest
import respx
import typer

from modellix_cli.commands._framework import completers
from modellix_cli.commands._framework.command import load
from modellix_cli.commands._framework.parsing import without_open_option
from modellix_cli.context.session import Session
from modellix_cli.domain.values import Slug
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime
from tests.commands.test_model_params import schema
from tests.support import FakeClock

KNOWN = {
    "prompt": {"type": "string"},
    "size": {"enum": ["1K", "2K"]},
    "seeds": {"enum": [1, 2.5]},
    "hd": {"type": "boolean"},
    "a b": {},
    "$(reboot)": {},
    "style": {"enum": ["plain", "`id`", "two words", "\x1b[2J"]},
    "shots": {"type": "array", "items": {"properties": {"text": {}}}},
}


@pytest.fixture
def session(env: dict[str, str], work: Path, clock: FakeClock) -> Session:
    session = Session(Runtime(None, None, None, env, work, clock), Sink(None, None, env))
    session.stores.schema_cache.keep(Slug("test", "model"), schema(KNOWN))
    return session


def offered(session: Session, incomplete: str, **params: Any) -> list[str]:
    context = typer.Context(typer.core.TyperCommand("run"), obj=session)
    context.params.update(params or {"slug": "test/model"})
    with respx.mock:  # whoever asks the network fails
        return completers.parameters(context, incomplete)


def test_names_are_offered_with_the_equals_sign(session: Session) -> None:
    assert offered(session, "") == ["prompt=", "size=", "seeds=", "hd=", "style=", "shots="]
    assert offered(session, "s") == ["size=", "seeds=", "style=", "shots="]


def test_parameters_of_every_line_of_a_batch_are_offered(session: Session) -> None:
    assert offered(session, "se", model="test/model") == ["seeds="]


@pytest.mark.parametrize(("incomplete", "values"), [
    ("size=", ["size=1K", "size=2K"]),
    ("size=2", ["size=2K"]),
    ("seeds=", ["seeds=1", "seeds=2.5"]),
    ("hd=", ["hd=true", "hd=false"]),
    ("style=", ["style=plain"]),
    ("prompt=", []),
    ("unknown=", []),
    ("size:=", []),
])  # fmt: skip
def test_choices_are_offered_behind_the_name(
    session: Session, incomplete: str, values: list[str]
) -> None:
    assert offered(session, incomplete) == values


def test_the_model_may_be_given_as_an_option(session: Session) -> None:
    assert offered(session, "pro", slug=None, model_slug="test/model") == ["prompt="]


@pytest.mark.parametrize("slug", [None, "", "nonsense", "test/other"])
def test_without_a_known_model_nothing_is_offered(session: Session, slug: str | None) -> None:
    assert offered(session, "", slug=slug) == []


def test_an_option_that_waits_for_its_value_does_not_hide_the_model() -> None:
    command = load("model.run", "run")
    assert without_open_option(command, ["a/b", "--body"]) == ["a/b"]
    assert without_open_option(command, ["a/b", "--wait"]) == ["a/b", "--wait"]
    assert without_open_option(command, ["a/b", "--body", "{}"]) == ["a/b", "--body", "{}"]
    assert without_open_option(command, []) == []


def test_files_are_offered_behind_the_at_sign(session: Session, work: Path) -> None:
    (work / "fox.png").touch()
    (work / "two words.png").touch()
    (work / ".hidden.png").touch()
    (work / "folder").mkdir()
    (work / "folder" / "owl.png").touch()
    assert offered(session, "image=@") == ["image=@folder/", "image=@fox.png", "image=@last"]
    assert offered(session, "image=@fo") == ["image=@folder/", "image=@fox.png"]
    assert offered(session, "image=@folder/") == ["image=@folder/owl.png"]
    assert offered(session, "image=@.h") == ["image=@.hidden.png"]
    assert offered(session, f"image=@{work}/fox") == [f"image=@{work}/fox.png"]
    assert offered(session, "image=@none/") == []
    assert offered(session, "image=@f", slug=None) == ["image=@folder/", "image=@fox.png"]


def test_results_are_offered_behind_the_at_sign_too(session: Session) -> None:
    assert offered(session, "image=@l") == ["image=@last"]
