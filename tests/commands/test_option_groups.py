"""Options that a command takes as a group, one frozen value."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from modellix_cli.commands._framework.option_groups import expand
from modellix_cli.domain.frozen import frozen


@frozen(kw_only=True)
class Light:
    """A group with an option, one with a default of its own, and a field that is no option."""

    colour: Annotated[str, typer.Option("--colour", help="Its colour.")] = "white"
    steps: Annotated[int, typer.Option("--steps", min=1)] = 3
    watts: float = 4.5


@frozen(kw_only=True)
class DimLight(Light):
    """The same with another default."""

    steps: Annotated[int, typer.Option("--steps", min=1)] = 1


@pytest.fixture
def seen() -> list[object]:
    return []


@pytest.fixture
def app(seen: list[object]) -> typer.Typer:
    def switch(
        room: Annotated[str, typer.Argument()],
        light: Light = Light(),
        dim: Annotated[bool, typer.Option("--dim")] = False,
    ) -> None:
        """Switch a light."""
        seen.append((room, light, dim))

    app = typer.Typer()
    app.command()(expand(switch))
    return app


def test_the_fields_of_a_group_are_options(app: typer.Typer, seen: list[object]) -> None:
    CliRunner().invoke(app, ["kitchen", "--colour", "red", "--dim"])
    assert seen == [("kitchen", Light(colour="red"), True)]


def test_a_group_without_options_given_has_its_defaults(
    app: typer.Typer, seen: list[object]
) -> None:
    CliRunner().invoke(app, ["kitchen"])
    assert seen == [("kitchen", Light(), False)]


def test_limits_of_options_hold_in_groups(app: typer.Typer, seen: list[object]) -> None:
    assert CliRunner().invoke(app, ["kitchen", "--steps", "0"]).exit_code == 2
    assert seen == []


def test_a_field_without_an_option_is_not_on_the_command_line(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["kitchen", "--watts", "3"]).exit_code == 2


def test_a_group_may_change_a_default_of_another(seen: list[object]) -> None:
    def switch(light: DimLight = DimLight()) -> None:
        seen.append(light)

    app = typer.Typer()
    app.command()(expand(switch))
    CliRunner().invoke(app, [])
    assert seen == [DimLight(steps=1)]


def test_a_command_without_groups_stays_as_it_is() -> None:
    def plain(room: Annotated[str, typer.Argument()]) -> None: ...

    assert expand(plain) is plain
