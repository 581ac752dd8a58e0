"""What may be in a file of settings, what not, and that a fault names file and line."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import dumps
from modellix_cli.domain.values import HOUR
from modellix_cli.project.read import MAX_BYTES, read_settings
from modellix_cli.project.starter import STARTER
from modellix_cli.project.values import SettingsFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "film"
    folder.mkdir()
    return folder


def read(folder: Path, text: str | bytes, *, own: bool = False) -> SettingsFile:
    path = folder / "modellix.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_settings(path, own=own)


def refusal(folder: Path, text: str | bytes, *, own: bool = False) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        read(folder, text, own=own)
    assert caught.value.code is ErrorCode.PROJECT_UNUSABLE
    assert caught.value.message.startswith(str(folder / "modellix.toml"))
    return caught.value


def test_an_empty_file_sets_nothing(folder: Path) -> None:
    assert read(folder, "") == SettingsFile()


def test_every_setting_is_read_with_its_line(folder: Path) -> None:
    text = """\
model = "a/b"
output = "json"
output_dir = "pictures/raw"
name_template = "{index}.{ext}"
[budget]
limit = "25.00"
period = "12h"
"""
    found, file = read(folder, text), folder / "modellix.toml"
    assert found.model is not None
    assert found.output is not None
    assert found.output_dir is not None
    assert found.name_template is not None
    assert found.budget is not None
    assert (str(found.model.value), found.model.where) == ("a/b", f"{file}:1")
    assert (found.output.value, found.output.where) == ("json", f"{file}:2")
    assert found.output_dir.value == str(folder / "pictures" / "raw")
    assert (found.name_template.value, found.name_template.where) == ("{index}.{ext}", f"{file}:4")
    assert (str(found.budget.value.limit), found.budget.value.period) == ("25", 12 * HOUR)
    assert found.budget.where == f"{file}:6"


@pytest.mark.parametrize("limit", ['"2.50"', "2.50", "+2.5", "2.5e0"])
def test_a_budget_is_an_exact_amount_for_a_day(folder: Path, limit: str) -> None:
    budget = read(folder, f"[budget]\nlimit = {limit}").budget
    assert budget is not None
    assert (str(budget.value.limit), budget.value.period) == ("2.5", 24 * HOUR)


def test_parameters_are_json_with_every_digit(folder: Path) -> None:
    text = """\
["models"."text-to-image/a/b".parameters]
seed = 12_345_678_901_234_567_890
scale = 1.50
hd = true
tags = ["x", "@@y"]
size.width = 512
"""
    parameters = read(folder, text).parameters["a/b"]
    assert dumps(parameters.values, indent=None) == (
        '{"seed":12345678901234567890,"scale":1.50,"hd":true,"tags":["x","@y"],'
        '"size":{"width":512}}'
    )
    assert parameters.places["size"] == f"{folder / 'modellix.toml'}:6"


def test_a_preset_has_model_text_parameters_and_saving(folder: Path) -> None:
    text = """\
[presets.banner]
model = "a/b"
prompt = "For {prompt}"
output_dir = "banners"
name_template = "{prompt}.{ext}"
parameters = {seed = 7}
"""
    preset = read(folder, text).presets["banner"]
    assert (preset.name, str(preset.model), preset.needs_prompt) == ("banner", "a/b", True)
    assert (preset.output_dir, preset.parameters) == (str(folder / "banners"), {"seed": 7})


def test_the_file_to_start_from_sets_nothing_and_is_valid_when_its_settings_are_switched_on(
    folder: Path,
) -> None:
    assert read(folder, STARTER) == SettingsFile()
    lines = STARTER.splitlines()
    settings = [line[2:] for line in lines if " = " in line or line.startswith("# [")]
    found = read(folder, "\n".join(settings))
    assert None not in (found.model, found.output, found.output_dir, found.name_template)
    assert found.budget is not None
    assert list(found.parameters) == ["google/veo-3.1-fast-t2v"]
    assert found.presets["banner"].parameters == {"size": "2K"}


def test_the_example_in_the_docs_is_valid(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "project.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert list(read(folder, example).presets) == ["banner"]


# What a repository must not decide


@pytest.mark.parametrize("key", [
    *("api_key", "apiKey", "API-KEY", "MODELLIX_API_KEY", "key", "token", "credentials"),
    *("base_url", "baseUrl", "MODELLIX_BASE_URL", "url", "proxy", "headers", "profile"),
    *("webhook", "allow_http_api", "allow-insecure-http", "allow_private_network", "overwrite"),
    *("resend_unknown", "same_account", "on_paid", "allow_unpriced"),
])  # fmt: skip
@pytest.mark.parametrize("table", ["", "[presets.x]\n", '[models."a/b"]\n', "[budget]\n"])
def test_keys_addresses_and_guards_are_refused_without_showing_their_value(
    folder: Path, key: str, table: str
) -> None:
    error = refusal(folder, f'{table}{key} = "mk-secret"')
    assert f'"{key}" is not allowed in this file.' in error.message
    assert "mk-secret" not in f"{error.message} {error.hint}"
    assert error.hint


def test_a_dangerous_key_is_named_before_a_misspelt_one(folder: Path) -> None:
    assert '"base_url"' in refusal(folder, 'modle = "a/b"\nbase_url = "x"').message


@pytest.mark.parametrize("where", [
    "/tmp/x", "../x", "a/../../x", "~/x", "~root/x", "C:\\\\x", "C:x", "a\\\\..\\\\..\\\\x",
    "\\\\\\\\host\\\\share", ".git/hooks", "a/.ssh",
])  # fmt: skip
@pytest.mark.parametrize("table", ["", "[presets.x]\n"])
def test_results_stay_inside_the_project(folder: Path, where: str, table: str) -> None:
    error = refusal(folder, f'{table}output_dir = "{where}"')
    assert "must be a folder inside the project" in error.message
    assert "--output-dir" in error.hint


def test_a_link_does_not_lead_results_out_of_the_project(folder: Path, tmp_path: Path) -> None:
    (folder / "out").symlink_to(tmp_path)
    assert "is a link that leads out" in refusal(folder, 'output_dir = "out/deep"').message
    (folder / "loop").symlink_to("loop")
    refusal(folder, 'output_dir = "loop"')


def test_a_link_inside_the_project_is_followed(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "out").symlink_to("real")
    assert read(folder, 'output_dir = "out"').output_dir is not None


def test_a_file_that_links_out_of_its_folder_is_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password = 'x'")
    (folder / "modellix.toml").symlink_to(tmp_path / "secret")
    with pytest.raises(ModellixError, match="a link that leads out of its folder"):
        read_settings(folder / "modellix.toml", own=False)
    (tmp_path / "secret").write_text("model = 'a/b'")
    assert read_settings(folder / "modellix.toml", own=True).model is not None


def test_a_parameter_cannot_upload_a_file(folder: Path) -> None:
    text = '[presets.x.parameters]\nimage.urls = ["@~/.ssh/id_rsa"]'
    error = refusal(folder, text)
    assert error.message.startswith(f"{folder / 'modellix.toml'}:2: urls = ")
    assert "cannot name files" in error.message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "modellix.toml")
    with pytest.raises(ModellixError, match="not a regular file"):
        read_settings(folder / "modellix.toml", own=False)


def test_a_file_is_bounded(folder: Path) -> None:
    assert read(folder, b"#" * MAX_BYTES) == SettingsFile()
    assert f"more than {MAX_BYTES} bytes" in refusal(folder, b"#" * (MAX_BYTES + 1)).message


@pytest.mark.parametrize("key", ["a.", "a . ", '"a".', "'a' ."])
@pytest.mark.parametrize("frame", ["%s = 1", "x = {%s = 1}", "[%s]", "x = [{%s = 1}]"])
def test_a_key_that_takes_minutes_to_parse_is_refused(folder: Path, key: str, frame: str) -> None:
    text = frame % (key * 10_000 + "a")
    assert "a key in it has more than 32 dots" in refusal(folder, text).message


def test_a_profile_may_save_anywhere_but_has_no_budget(folder: Path) -> None:
    found = read(folder, 'output_dir = "/pictures"', own=True).output_dir
    assert found is not None
    assert found.value == "/pictures"
    assert "absolute" in refusal(folder, 'output_dir = "pictures"', own=True).message
    assert "MODELLIX_BUDGET" in refusal(folder, "[budget]\nlimit = 5", own=True).hint


# Faults


@pytest.mark.parametrize(("text", "words"), [
    ('modle = "a/b"', ':1: unknown key "modle". Did you mean model?'),
    ('\noutput-dir = "x"', ':2: unknown key "output-dir". Did you mean output_dir?'),
    ("[presets.x]\nseed = 1", ':2: unknown key "seed" in [presets.x]. Known are: model, prompt'),
    ("[budget]\nlimits = 1", "Did you mean limit?"),
    ("[models.x.parameters]", ':1: Invalid model slug "x"'),
    ('model = "x"', ':1: model: Invalid model slug "x"'),
    ("model = 3", ":1: model must be a text in quotes"),
    ('output = "xml"', ':1: output = "xml" is not one of: human, json.'),
    ('name_template = "x"', ":1: name_template: Invalid --name-template"),
    ("[budget]\nlimit = -1", ":2: budget.limit is not an amount of US dollars."),
    ("[budget]\n", "budget.limit is not an amount"),
    ("[budget]\nlimit = true", ":2: budget.limit is not an amount"),
    ('[budget]\nlimit = 1\nperiod = "x"', ':3: period: Invalid budget.period "x"'),
    ("models = 3", ":1: models must be a table, not a number."),
    ("presets = []", ":1: presets must be a table, not an array."),
    ('[presets."a b"]', ':1: "a b" is no name for a preset.'),
    ("[presets.x.parameters]\nd = 2026-01-01", ":2: d is no value that JSON knows."),
    ("[presets.x.parameters]\nd = nan", ":2: d is no value that JSON knows."),
    ("[presets.x.parameters]\nd = [1, -inf]", ":2: d is no value that JSON knows."),
])  # fmt: skip
def test_a_wrong_setting_is_named_with_its_line(folder: Path, text: str, words: str) -> None:
    assert words in refusal(folder, text).message


def test_a_setting_below_a_table_is_told_where_it_belongs(folder: Path) -> None:
    error = refusal(folder, '[budget]\nlimit = 1\noutput_dir = "x"')
    assert error.hint == "Move output_dir to the top of the file, before the first line with [ ]."


@pytest.mark.parametrize(("text", "where"), [
    (b'model = "a/b\n', ":1:13: not TOML: "),
    (b'model = "a/b"\n[x', ":2: not TOML: "),
    (b"\n\nmodel", ":3"),
    (b'model = "a/b"\nmodel = "a/c"', ":2:"),
    (b'a = "\xff"', ":1: byte 0xff is not UTF-8."),
    (b"a = " + b"9" * 5000, ": a number in it has too many digits."),
    (b"a = " + b"[" * 5000, ": its values are nested too deep."),
    (b"a\0 = 1", ":1:"),
])  # fmt: skip
def test_text_that_is_not_toml_names_the_line(folder: Path, text: bytes, where: str) -> None:
    assert refusal(folder, text).message.startswith(f"{folder / 'modellix.toml'}{where}")


KEYS = st.sampled_from(["model", "output_dir", "budget", "presets", "models", "limit", "x", "é"])
VALUES = st.recursive(
    st.sampled_from(['"a/b"', "1", "1.5", "nan", "true", "1979-05-27", '"@x"', "''", '"\\u001b"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(KEYS, inner).map(lambda pair: f'{{"{pair[0]}" = {pair[1]}}}'),
    ),
    max_leaves=4,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f'"{pair[0]}" = {pair[1]}'),
    st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: f'["{".".join(keys)}"]'),
    st.lists(KEYS, min_size=1, max_size=3).map(
        lambda keys: "[" + ".".join(f'"{key}"' for key in keys) + "]"
    ),
)


@given(lines=st.lists(LINES, max_size=5), own=st.booleans())
def test_whatever_is_in_a_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], own: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        read_settings(path, own=own)
    except ModellixError as error:
        assert error.code is ErrorCode.PROJECT_UNUSABLE


@given(data=st.binary(max_size=200))
def test_whatever_bytes_are_in_a_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(data)
    try:
        read_settings(path, own=False)
    except ModellixError as error:
        assert error.code is ErrorCode.PROJECT_UNUSABLE
