"""An example that can be run: what is required, with values that the schema allows."""

from typing import Any

import pytest

from modellix_cli.domain.jsontext import dumps
from modellix_cli.inputs.overlay import apply
from modellix_cli.inputs.parameters import Edit, FileRef, Text, parse_edit
from modellix_cli.models.body_check import BodyCheck
from modellix_cli.models.parameter_example import example_settings, example_text
from modellix_cli.models.parameter_values import typed_value
from modellix_cli.models.parameters import Parameter, main_text, read_parameters
from modellix_cli.sandbox.catalog import MODELS
from tests.models.test_parameters import document


def required(name: str, *types: str, **facts: Any) -> Parameter:
    return Parameter(name, (name,), types, required=True, **facts)


@pytest.mark.parametrize(("parameter", "setting"), [
    (required("seed", "integer"), "seed=1"),
    (required("steps", "integer", minimum=20), "steps=20"),
    (required("strength", "number", minimum=0.5), "strength=1"),
    (required("hd", "boolean"), "hd=true"),
    (required("style", "string"), "style=TEXT"),
    (required("style", "string", allowed=("a", "b"), default="a"), "style=b"),
    (required("style", "string", allowed=("a b", "c")), "style=c"),
    (required("size", "string", default="1K"), "size=1K"),
    (required("image", "string"), "image=@photo.png"),
    (required("image_urls", "array", items=("string",)), "image_urls[]=@photo.png"),
    (required("sizes", "array", items=("integer",)), "sizes[]=1"),
    (required("url", "string"), "url=https://example.com/file"),
    (required("options", "object"), "options:={}"),
])  # fmt: skip
def test_what_is_required_gets_a_value_that_is_allowed(parameter: Parameter, setting: str) -> None:
    assert example_settings([parameter], None) == [setting]


def test_where_nothing_is_required_one_choice_is_shown() -> None:
    others = (
        Parameter("seed", ("seed",), ("integer",)),
        Parameter("n", ("n",), ("integer",), default=1),
        Parameter("ratio", ("ratio",), ("string",), allowed=("1:1", "16:9"), default="1:1"),
    )
    assert example_settings(others, None) == ["ratio=16:9"]
    assert example_settings(others[:2], None) == ["n=1"]
    assert example_settings(others[:1], None) == []


def test_the_main_text_is_not_among_them() -> None:
    prompt = required("prompt", "string")
    assert example_settings([prompt], prompt) == []


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "\x1b[2J", "x" * 50, "'"])
def test_a_name_that_a_shell_would_read_otherwise_is_not_shown(name: str) -> None:
    assert example_settings([required(name, "integer")], None) == []


@pytest.mark.parametrize("slug", MODELS)
def test_the_example_of_a_model_of_the_sandbox_is_a_body_that_it_takes(slug: str) -> None:
    schema = document(MODELS[slug].schema())
    parameters = read_parameters(schema)
    main = main_text(parameters)

    def value_of(edit: Edit) -> Any:
        if isinstance(edit.value, FileRef):
            return "https://example.com/uploaded"
        assert isinstance(edit.value, Text)
        return typed_value(parameters, edit.path, edit.value)

    edits = [parse_edit(setting) for setting in example_settings(parameters, main)]
    body = {} if main is None else {main.name: example_text(main)}
    sent = dumps(apply(body, edits, value_of)).encode()
    assert BodyCheck(schema).problem(sent) is None
