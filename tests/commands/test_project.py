"""`modellix.toml`: what comes from where, presets, and commands where the file is broken."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import respx
import typer

from modellix_cli.commands._framework import completers
from modellix_cli.context.session import Session
from modellix_cli.domain.values import parse_slug
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime
from tests.commands.batches import Service
from tests.commands.test_model_params import schema
from tests.conftest import Cli
from tests.e2e.conftest import COMMAND
from tests.support import API, FakeClock, Terminal, accepted, invoke, task_reply

SANDBOX = {"MODELLIX_SANDBOX": "1"}
MODEL = "alibaba/qwen-image-plus"
OTHER = "sandbox/image"
BANNER = f"""
[presets.banner]
model = "{MODEL}"
prompt = "A banner for {{prompt}}"
[presets.banner.parameters]
seed = 7
"""

Project = Callable[[str], Path]


@pytest.fixture
def project(work: Path) -> Project:
    """Write the project's file."""

    def write(text: str) -> Path:
        path = work / "modellix.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def profile(env: dict[str, str]) -> Project:
    """Write the settings of the profile `default`."""

    def write(text: str) -> Path:
        folder = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "profiles"
        folder.mkdir(parents=True)
        path = folder / "default.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def plan(cli: Cli) -> Callable[..., Any]:
    """Return the request that `model run` would send."""

    def run(*arguments: str, **options: Any) -> Any:
        line = ("model", "run", *arguments, "--sandbox", "--dry-run", "--json")
        result = cli(*line, **options)
        assert result.status == 0, result.stdout
        return result.json

    return run


def shown(cli: Cli, name: str, *options: str, **more: Any) -> tuple[Any, str, str | None]:
    """Return what `project show` says of a setting: value, source, and the name it comes from."""
    settings = cli("project", "show", "--json", *options, **more).json["settings"]
    one = next(setting for setting in settings if setting["name"] == name)
    return one["value"], one["source"], one["from"]


def test_a_file_that_cannot_be_used_points_to_help_that_says_what_may_be_in_it(
    cli: Cli, work: Path
) -> None:
    (work / "modellix.toml").write_text('modell = "a/b"\n')
    told = cli("project", "show")
    assert (told.status, "modellix-cli project --help" in told.stderr) == (2, True)
    assert all(f"# {line}" in cli("project", "--help").stdout for line in ("model = ", "[budget]"))


# Precedence: option, variable, project, profile; the table of docs/project.md


def test_precedence_of_the_model(
    cli: Cli, plan: Callable[..., Any], project: Project, profile: Project
) -> None:
    own, file = profile(f'model = "{OTHER}"'), project(f'model = "{MODEL}"')
    variable = {"MODELLIX_MODEL": "google/veo-3.1-fast-t2v"}
    option = ("--model-slug", "bytedance/seedream-4.5-t2i")
    assert plan("a cat", *option, env=variable)["model"] == option[1]
    assert plan("a cat", env=variable)["model"] == variable["MODELLIX_MODEL"]
    assert shown(cli, "model", env=variable)[1:] == ("variable", "MODELLIX_MODEL")
    assert plan("a cat")["model"] == MODEL
    assert shown(cli, "model") == (MODEL, "project", f"{file}:1")
    file.unlink()
    assert plan("a cat")["model"] == OTHER
    assert shown(cli, "model") == (OTHER, "profile", f"{own}:1")
    own.unlink()
    assert shown(cli, "model") == (None, "default", None)
    assert cli("model", "run", "a cat", "--sandbox").status == 2


def models_of(cli: Cli, *options: str, line: str = '{"body": {"prompt": "a"}}', **more: Any) -> Any:
    """Return the models that a batch would use for one line, which names none."""
    given = ("model", "batch", "-", "--sandbox", "--dry-run", "--json", *options)
    return list(cli(*given, stdin=line.encode(), **more).json["models"])


def test_precedence_of_the_model_of_batch_lines(
    cli: Cli, project: Project, profile: Project
) -> None:
    own, file = profile(f'model = "{OTHER}"'), project(f'model = "{MODEL}"')
    variable = {"MODELLIX_MODEL": "google/veo-3.1-fast-t2v"}
    named = '{"modelSlug": "sandbox/video", "body": {"prompt": "a"}}'
    option = ("--model", "bytedance/seedream-4.5-t2i")
    assert models_of(cli, *option, line=named, env=variable) == ["sandbox/video"]
    assert models_of(cli, *option, env=variable) == [option[1]]
    assert models_of(cli, env=variable) == [variable["MODELLIX_MODEL"]]
    assert models_of(cli) == [MODEL]
    file.unlink()
    assert models_of(cli) == [OTHER]
    own.unlink()
    refused = cli("model", "batch", "-", "--sandbox", "--dry-run", stdin=b'{"body": {}}')
    assert (refused.status, "--model SLUG" in refused.stderr) == (2, True)


def test_a_model_that_lines_got_although_nobody_named_it_is_told(
    cli: Cli, project: Project
) -> None:
    file = project(f'model = "{MODEL}"')
    lines = f'{{"body": {{"prompt": "a"}}}}\n{{"modelSlug": "{OTHER}", "body": {{}}}}\n'
    given = ("model", "batch", "-", "--sandbox", "--dry-run", "--output", "human")
    told = f"Model {MODEL}, from {file}:1, for lines that name none."
    assert cli(*given, stdin=lines.encode()).stderr.count(told) == 1
    own = lines.splitlines()[1].encode()
    assert "for lines that name none" not in cli(*given, stdin=own).stderr
    assert "for lines that name none" not in cli(*given, "--model", OTHER, stdin=own).stderr


def test_a_matrix_and_set_alone_use_the_default_model(cli: Cli, project: Project) -> None:
    project(f'model = "{MODEL}"')
    given = ("model", "batch", "--set", "prompt=a", "--sandbox", "--dry-run", "--json")
    assert cli(*given, "--matrix", "seed=1,2").json["models"] == {MODEL: 2}
    assert cli(*given, "--matrix", f"model={OTHER}").json["models"] == {OTHER: 1}


def test_the_resume_of_a_batch_names_the_default_model(cli: Cli, project: Project) -> None:
    project(f'model = "{MODEL}"')
    given = ("model", "batch", "-", "--sandbox", "--yes", "--json", "--tag", "x")
    line = b'{"body": {"prompt": "a"}}'
    assert cli(*given, stdin=line).status == 0
    resume = cli(*given, stdin=line).json["error"]["resume"]
    assert f"--model {MODEL} --resume" in resume


def test_the_parameters_of_a_project_are_not_for_batch_lines(cli: Cli, project: Project) -> None:
    project(f'model = "{MODEL}"\n[models."{MODEL}".parameters]\nseed = 1')
    given = ("model", "batch", "-", "--sandbox", "--dry-run", "--output", "jsonl")
    shown_line = cli(*given, stdin=b'{"body": {"prompt": "a"}}').stdout
    assert json.loads(shown_line)["body"] == {"prompt": "a"}


def test_what_a_setting_is_for_is_shown(cli: Cli, project: Project) -> None:
    project(f'model = "{MODEL}"\n[models."{MODEL}".parameters]\nseed = 1\n{BANNER}')
    settings = cli("project", "show", "--json").json["settings"]
    used = {one["name"]: one["usedBy"] for one in settings}
    assert used["model"] == ["model run", "lines of model batch without a model"]
    assert used[f"models.{MODEL}.seed"] == used["@banner"] == ["model run"]
    assert all(used.values())
    words = "The model is for model run, and for lines of model batch, that name none."
    assert words in cli("project", "show").stderr
    assert words not in cli("project", "show", env={"MODELLIX_PROJECT": "0"}).stderr


def is_json(text: str) -> bool:
    return text.startswith("{")


def test_precedence_of_the_output(cli: Cli, project: Project, profile: Project) -> None:
    own, file = profile('output = "human"'), project('output = "json"')
    variable = {"MODELLIX_OUTPUT": "human"}
    line = ("task", "history")
    assert is_json(cli(*line, "--output", "json", env=variable).stdout)
    assert not is_json(cli(*line, env=variable).stdout)
    assert is_json(cli(*line).stdout)
    assert shown(cli, "output") == ("json", "option", "--json")
    settings = json.loads(cli("project", "show").stdout)["settings"]
    assert {"value": "json", "source": "project"}.items() <= settings[2].items()
    file.unlink()
    assert cli("project", "show").stdout.splitlines()[2] == f"output\thuman\t{own}:1"
    own.write_text('output = "json"', encoding="utf-8")
    assert is_json(cli(*line).stdout)
    own.unlink()
    assert not is_json(cli(*line).stdout)


SAVE = ("model", "run", OTHER, "--sandbox", "--wait", "--body", '{"prompt": "a cat"}')


def folder_of(cli: Cli, *options: str, **more: Any) -> Path:
    result = cli(*SAVE, "--quiet", *options, **more)
    assert result.status == 0
    return Path(result.stdout.strip()).parent


def test_precedence_of_the_output_folder(
    cli: Cli, work: Path, tmp_path: Path, project: Project, profile: Project
) -> None:
    own, file = profile(f'output_dir = "{tmp_path / "own"}"'), project('output_dir = "pictures"')
    variable = {"MODELLIX_OUTPUT_DIR": "by-variable"}
    assert folder_of(cli, "--output-dir", "by-option", env=variable) == work / "by-option"
    assert folder_of(cli, env=variable) == work / "by-variable"
    assert shown(cli, "output_dir", env=variable)[1:] == ("variable", "MODELLIX_OUTPUT_DIR")
    assert folder_of(cli) == work / "pictures"
    assert shown(cli, "output_dir") == (str(work / "pictures"), "project", f"{file}:1")
    file.unlink()
    assert folder_of(cli) == tmp_path / "own"
    assert shown(cli, "output_dir") == (str(tmp_path / "own"), "profile", f"{own}:1")
    own.unlink()
    assert cli(*SAVE, "--quiet").stdout.startswith("http")


def name_of(cli: Cli, *options: str, **more: Any) -> str:
    result = cli(*SAVE, "--output-dir", "out", "--quiet", *options, **more)
    assert result.status == 0
    return Path(result.stdout.strip()).name


def test_precedence_of_the_name_template(cli: Cli, project: Project, profile: Project) -> None:
    own = profile('name_template = "own-{index}.{ext}"')
    file = project('name_template = "project-{index}.{ext}"')
    variable = {"MODELLIX_NAME_TEMPLATE": "variable-{index}.{ext}"}
    option = ("--name-template", "option-{index}.{ext}")
    assert name_of(cli, *option, env=variable) == "option-1.png"
    assert name_of(cli, env=variable) == "variable-1.png"
    assert shown(cli, "name_template", env=variable)[1:] == ("variable", "MODELLIX_NAME_TEMPLATE")
    assert name_of(cli) == "project-1.png"
    assert shown(cli, "name_template")[1:] == ("project", f"{file}:1")
    file.unlink()
    assert name_of(cli) == "own-1.png"
    assert shown(cli, "name_template")[1:] == ("profile", f"{own}:1")
    own.unlink()
    assert shown(cli, "name_template") == (None, "default", None)


def test_precedence_of_parameters(
    cli: Cli, plan: Callable[..., Any], project: Project, profile: Project
) -> None:
    table = f'[models."{MODEL}".parameters]\n'
    own = profile(f"{table}n = 4\nseed = 1\nsize = '1024*1024'")
    file = project(f"{table}n = 3\nseed = 2")
    body = plan(MODEL, "a cat", "-p", "n=2")["body"]
    assert body == {"n": 2, "seed": 2, "size": "1024*1024", "prompt": "a cat"}
    assert shown(cli, f"models.{MODEL}.n") == (3, "project", f"{file}:2")
    assert shown(cli, f"models.{MODEL}.size") == ("1024*1024", "profile", f"{own}:4")
    file.unlink()
    assert plan(MODEL, "a cat")["body"]["n"] == 4


def test_precedence_of_presets(
    cli: Cli, plan: Callable[..., Any], project: Project, profile: Project
) -> None:
    own = profile(f'[presets.banner]\nmodel = "{OTHER}"\n[presets.icon]\nmodel = "{OTHER}"')
    file = project(BANNER)
    assert plan("@banner", "a cat", "--model-slug", OTHER)["model"] == OTHER
    assert plan("@banner", "a cat")["model"] == MODEL
    assert shown(cli, "@banner")[1:] == ("project", f"{file}:2")
    assert shown(cli, "@icon")[1:] == ("profile", f"{own}:3")
    file.unlink()
    assert plan("@banner", "a cat")["model"] == OTHER


def test_precedence_of_the_profile(cli: Cli) -> None:
    variable = {"MODELLIX_PROFILE": "home"}
    assert shown(cli, "profile", "--profile", "work", env=variable)[:2] == ("work", "option")
    assert shown(cli, "profile", env=variable) == ("home", "variable", "MODELLIX_PROFILE")
    assert shown(cli, "profile") == ("default", "default", None)


@respx.mock(assert_all_called=False)
def test_precedence_of_the_budget(cli: Cli, project: Project, respx_mock: respx.MockRouter) -> None:
    service = Service(respx_mock)  # each request costs 0.04
    file = project('[budget]\nlimit = "0.03"\nperiod = "12h"')
    line = ("model", "run", "a/b", "--json", "--body")
    result = cli(*line, '{"line": 1}')
    assert (result.status, result.json["error"]["code"]) == (10, "BUDGET_EXCEEDED")
    assert f"raise budget.limit in {file}:2" in result.json["error"]["hint"]
    assert shown(cli, "budget") == ({"limit": "0.03", "period": "12h"}, "project", f"{file}:2")
    variable = {"MODELLIX_BUDGET": "5"}
    assert shown(cli, "budget", env=variable)[1:] == ("variable", "MODELLIX_BUDGET")
    assert cli(*line, '{"line": 2}', env=variable).status == 0
    assert cli(*line, '{"line": 3}').status == 10
    file.unlink()
    assert shown(cli, "budget") == (None, "default", None)
    assert cli(*line, '{"line": 4}').status == 0
    assert service.posts == [2, 4]


def test_the_budget_of_a_project_is_for_real_money(cli: Cli, project: Project) -> None:
    project('[budget]\nlimit = "0.01"')
    assert shown(cli, "budget", "--sandbox") == (None, "default", None)
    assert cli("model", "run", MODEL, "a cat", "--sandbox").status == 0


def test_settings_of_a_profile_are_those_of_the_selected_one(cli: Cli, profile: Project) -> None:
    profile(f'model = "{OTHER}"')
    assert shown(cli, "model", "--profile", "work") == (None, "default", None)


def test_the_table_in_the_docs_has_every_setting_with_its_variable(cli: Cli) -> None:
    page = (Path(__file__).parents[2] / "docs" / "project.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| .*? \| (?:`([A-Z_]+)`)?", page, re.MULTILINE)
    variables = dict(rows)
    settings = [one["name"] for one in cli("project", "show", "--json").json["settings"]]
    assert [name for name, _ in rows] == [*settings, "parameters", "presets"]
    values = {"output": "human", "name_template": "{index}", "model": "a/b", "output_dir": "x"}
    values |= {"budget": "5", "profile": "work"}
    chosen = {variables[name]: value for name, value in values.items()}
    rows_shown = cli("project", "show", env=chosen).stdout.splitlines()
    assert {row.split("\t")[2] for row in rows_shown} >= set(chosen)


# Presets and defaults in requests


def test_a_preset_lies_between_the_models_parameters_and_what_is_given(
    plan: Callable[..., Any], project: Project
) -> None:
    project(f'{BANNER}\n[models."{MODEL}".parameters]\nseed = 1\nn = 2\nsize = "1024*1024"')
    body = plan("@banner", "spring", "--body", '{"n": 3, "x": 1}', "-p", "x=2", "--no-check")
    assert body["body"] == {
        "seed": 7,
        "n": 3,
        "size": "1024*1024",
        "x": "2",
        "prompt": "A banner for spring",
    }


@pytest.mark.parametrize("given", [("a {prompt} $HOME",), ("-p", "prompt=a {prompt} $HOME")])
def test_the_prompt_goes_into_the_text_of_a_preset_as_it_is(
    plan: Callable[..., Any], project: Project, given: tuple[str, ...]
) -> None:
    project(BANNER)
    assert plan("@banner", *given)["body"]["prompt"] == "A banner for a {prompt} $HOME"


def test_a_text_without_a_place_for_the_prompt_is_what_is_sent_without_one(
    plan: Callable[..., Any], project: Project
) -> None:
    project(f'[presets.fox]\nmodel = "{MODEL}"\nprompt = "a fox"')
    assert plan("@fox")["body"] == {"prompt": "a fox"}
    assert plan("@fox", "a cat")["body"] == {"prompt": "a cat"}
    assert plan("@fox", "--body", '{"prompt": "a dog"}')["body"] == {"prompt": "a dog"}


def test_a_preset_that_needs_a_prompt_says_so(cli: Cli, project: Project) -> None:
    project(BANNER)
    result = cli("model", "run", "@banner", "--sandbox")
    assert result.status == 2
    assert "The preset banner makes its text from a prompt" in result.stderr
    assert cli("model", "run", "@banner", "-p", "prompt:=1", "--sandbox").status == 2


def test_an_unknown_preset_names_the_nearest(cli: Cli, project: Project) -> None:
    assert "There is no" not in cli("model", "run", "@baner", "x").stderr
    assert "project init" in cli("model", "run", "@baner", "x").stderr
    project(BANNER)
    assert "Did you mean @banner?" in cli("model", "run", "@baner", "x").stderr


def test_a_preset_without_a_model_takes_the_default_one_or_says_what_is_missing(
    cli: Cli, plan: Callable[..., Any], project: Project
) -> None:
    file = project("[presets.x.parameters]\nseed = 1")
    result = cli("model", "run", "@x", "a cat", "--sandbox")
    assert (result.status, f"{file}:1: the preset x names no model." in result.stderr) == (2, True)
    project(f'model = "{MODEL}"\n[presets.x.parameters]\nseed = 1')
    assert plan("@x", "a cat")["model"] == MODEL


def test_beside_model_slug_a_word_with_an_at_sign_may_be_a_prompt(
    plan: Callable[..., Any], project: Project
) -> None:
    project(BANNER)
    assert plan("--model-slug", MODEL, "@home")["body"] == {"prompt": "@home"}
    assert plan("--model-slug", OTHER, "@banner", "x")["body"]["prompt"] == "A banner for x"


def test_a_preset_saves_where_it_says(cli: Cli, work: Path, project: Project) -> None:
    project(
        'output_dir = "pictures"\n[presets.icon]\nmodel = "sandbox/image"\n'
        'output_dir = "icons"\nname_template = "icon-{index}.{ext}"'
    )
    line = ("model", "run", "@icon", "a cat", "--sandbox", "--wait", "--quiet")
    assert cli(*line).stdout == f"{work / 'icons' / 'icon-1.png'}\n"


def test_at_a_terminal_a_preset_waits_and_saves(
    env: dict[str, str], work: Path, project: Project
) -> None:
    project('[presets.fox]\nmodel = "sandbox/image"\nprompt = "a fox"')
    line = ("model", "run", "@fox", "--sandbox")
    assert invoke(*line, env=env, cwd=work, stdout=Terminal()).status == 0
    assert [path.suffix for path in work.glob("a-fox-*")] == [".png"]


def test_at_a_terminal_an_option_beats_the_folder_of_the_project(
    env: dict[str, str], work: Path, project: Project
) -> None:
    project('output_dir = "pictures"')
    line = ("model", "run", OTHER, "a fox", "--sandbox", "--output-dir", "here")
    assert invoke(*line, env=env, cwd=work, stdout=Terminal()).status == 0
    assert [path.parent.name for path in work.glob("*/*")] == ["here"]


def test_a_request_that_is_sent_again_gets_nothing_new(cli: Cli, project: Project) -> None:
    line = ("model", "run", MODEL, "--body", '{"prompt": "x"}', "--sandbox", "--output", "task-id")
    task = cli(*line).stdout.strip()
    project(f'[models."{MODEL}".parameters]\nseed = 1')
    again = cli("task", "rerun", task, "-p", "n=2", "--sandbox", "--dry-run", "--json")
    assert again.json["body"] == {"prompt": "x", "n": 2}


def test_with_a_default_model_a_single_argument_is_the_prompt_unless_it_is_a_model(
    plan: Callable[..., Any], project: Project
) -> None:
    project(f'model = "{MODEL}"')
    assert plan("cat")["body"] == {"prompt": "cat"}
    assert plan("and/or nothing")["model"] == MODEL
    assert plan(OTHER, "-p", "prompt=x")["model"] == OTHER
    assert plan("--body", '{"prompt": "x"}')["model"] == MODEL


def test_a_body_given_as_json_is_sent_byte_for_byte(cli: Cli, project: Project) -> None:
    project(f'[models."{MODEL}".parameters]\nn = 2')
    body = '{"prompt":  "a cat"}'
    result = cli("model", "run", MODEL, "--body", body, "--curl", "--sandbox")
    assert body in result.stdout


def test_what_a_request_gets_unasked_is_told(cli: Cli, project: Project) -> None:
    file = project(f'model = "{MODEL}"\n[models."{MODEL}".parameters]\nn = 2\nseed = 3')
    talk = cli("model", "run", "a cat", "--sandbox", "--dry-run").stderr
    assert f"Model {MODEL}, from {file}:1." in talk
    assert f"With n (line 3), seed (line 4), from {file}." in talk


def test_a_single_parameter_is_told_with_its_line(cli: Cli, project: Project) -> None:
    file = project(f'[models."{MODEL}".parameters]\n\nn = 2')
    talk = cli("model", "run", MODEL, "a cat", "--sandbox", "--dry-run").stderr
    assert f"With n, from {file}:3." in talk


def test_a_parameter_that_does_not_fit_names_the_file(cli: Cli, project: Project) -> None:
    file = project(f'[models."{MODEL}".parameters]\nn = 1\nsize = "1K"')
    result = cli("model", "run", MODEL, "x", "-p", "size.w=1", "--sandbox", "--dry-run")
    assert f"-p size.w=1 conflicts with {file}:3: size is" in result.stderr


def test_a_parameter_of_a_preset_that_does_not_fit_names_its_line(
    cli: Cli, project: Project
) -> None:
    file = project(f'[presets.x]\nmodel = "{MODEL}"\n\n[presets.x.parameters]\nn = 9\nodd = 1')
    result = cli("model", "run", "@x", "a cat", "--sandbox", "-p", "odd.w=1")
    assert f"-p odd.w=1 conflicts with {file}:6: odd is" in result.stderr
    result = cli("model", "run", "@x", "a cat", "--sandbox", "--json")
    assert f"body.n: 9 is greater than 4 (set in {file}:5)." in result.json["error"]["message"]


@pytest.mark.parametrize("options", [("--json",), ("--dry-run", "--json"), ("--strict", "--json")])
def test_what_a_model_refuses_in_a_file_is_told_with_its_line(
    cli: Cli, project: Project, options: tuple[str, ...]
) -> None:
    file = project(f'[models."{MODEL}".parameters]\nsead = 1\n\n\nn = 9')
    result = cli("model", "run", MODEL, "x", "--sandbox", *options)
    told = str(result.json)
    assert result.status == 2
    assert f"body.n: 9 is greater than 4 (set in {file}:5)." in told
    assert f'no parameter "sead" (set in {file}:2). Did you mean "seed"?' in told.replace("\\", "")


def test_a_path_in_a_file_where_the_model_takes_an_address_is_told_with_its_line(
    cli: Cli, project: Project
) -> None:
    slug = "alibaba/qwen-image-edit"
    file = project(f'[models."{slug}".parameters]\nimage = "cat.png"')
    result = cli("model", "run", slug, "x", "--sandbox", "--json")
    told = f'"cat.png" (set in {file}:2) is a path on this machine.'
    assert told in result.json["error"]["message"]


def test_what_the_command_line_sets_is_not_laid_to_a_file(cli: Cli, project: Project) -> None:
    file = project(f'[models."{MODEL}".parameters]\nn = 2\nseed = 3')
    result = cli("model", "run", MODEL, "x", "-p", "n=9", "--sandbox", "--json")
    assert str(file) not in str(result.json)


@respx.mock
def test_task_download_saves_in_the_folder_of_the_project(
    cli: Cli, work: Path, project: Project
) -> None:
    project('output_dir = "pictures"')
    submit = tuple(word for word in SAVE if word != "--wait")
    task = cli(*submit, "--output", "task-id").stdout.strip()
    assert cli("task", "wait", task, "--sandbox").status == 0
    line = ("task", "download", task, "--sandbox", "--quiet")
    assert Path(cli(*line).stdout.strip()).parent == work / "pictures"
    assert Path(cli(*line, "--output-dir", ".").stdout.strip()).parent == work


def test_a_batch_saves_by_the_settings(cli: Cli, work: Path, project: Project) -> None:
    project('output_dir = "pictures"\nname_template = "{id}.{ext}"')
    line = json.dumps({"id": "cat", "modelSlug": OTHER, "body": {"prompt": "a cat"}})
    options = ("--yes", "--sandbox", "--wait", "-q")
    assert cli("model", "batch", "-", *options, stdin=line.encode()).status == 0
    assert (work / "pictures" / "cat.png").is_file()


# Files that cannot be used, or are not wanted


BROKEN = 'base_url = "https://evil.example"'


@pytest.mark.parametrize("line", [
    ("model", "run", MODEL, "a cat", "--sandbox"),
    ("model", "run", MODEL, "--body", "{}", "--sandbox", "--json"),
    ("model", "batch", "-", "--yes", "--sandbox"),
    ("task", "download", "task-1"),
    ("project", "show"),
])  # fmt: skip
@respx.mock
def test_commands_that_use_a_broken_file_fail_before_anything_is_sent(
    cli: Cli, project: Project, line: tuple[str, ...]
) -> None:
    file = project(BROKEN)
    result = cli(*line, stdin=b'{"modelSlug": "a/b", "body": {}}')
    assert result.status == 2
    assert f"{file}:1: " in result.stdout + result.stderr
    assert "PROJECT_UNUSABLE" in result.stdout or result.stdout == ""


@respx.mock
def test_other_commands_warn_once_and_go_on(cli: Cli, project: Project) -> None:
    respx.get("https://api.modellix.ai/api/v1/tasks/ok-1").respond(
        json=task_reply("ok-1", "success")
    )
    file = project(BROKEN)
    result = cli("task", "get", "ok-1")
    assert (result.status, result.json["data"]["task_id"]) == (0, "ok-1")
    assert result.stderr.count(f"{file}:1: ") == 1
    assert cli("task", "get", "ok-1", "--json").stderr == ""


def test_a_project_can_be_switched_off(cli: Cli, project: Project) -> None:
    project(BROKEN)
    result = cli("project", "show", "--json", env={"MODELLIX_PROJECT": "0"})
    assert (result.status, result.json["project"]) == (0, None)


def test_a_completion_script_stays_a_script(cli: Cli, project: Project) -> None:
    project('output = "json"')
    assert not is_json(cli("completion", "bash").stdout)


@pytest.mark.parametrize(("variable", "value"), [
    ("MODELLIX_MODEL", "nonsense"),
    ("MODELLIX_NAME_TEMPLATE", "same"),
    ("MODELLIX_OUTPUT", "xml"),
])  # fmt: skip
def test_a_wrong_variable_is_named(cli: Cli, variable: str, value: str) -> None:
    result = cli("project", "show", env={variable: value})
    assert result.status == 2
    assert f'{variable}="{value}"' in result.stderr


# project show, project init


def test_show_tells_files_and_settings(
    cli: Cli, work: Path, project: Project, profile: Project
) -> None:
    own, file = profile(""), project(BANNER)
    (work / "deep").mkdir()
    found = cli("project", "show", "--json").json
    assert (found["project"], found["profileSettings"]) == (str(file), str(own))
    banner = found["settings"][-1]
    assert (banner["name"], banner["file"], banner["line"]) == ("@banner", str(file), 2)
    assert banner["value"]["parameters"] == {"seed": 7}
    assert cli("project", "show", "--quiet").stdout == f"{file}\n"


def test_show_without_any_file_says_so(cli: Cli) -> None:
    result = cli("project", "show")
    assert result.stdout.splitlines()[0] == "profile\tdefault\tdefault"
    assert "There is no modellix.toml here" in result.stderr


def test_init_writes_a_file_that_changes_nothing_and_never_replaces_one(
    cli: Cli, work: Path
) -> None:
    before = cli("project", "show", "--json").json["settings"]
    assert cli("project", "init").stdout == f"{work / 'modellix.toml'}\n"
    assert cli("project", "show", "--json").json["settings"] == before
    (work / "modellix.toml").write_text("# mine", encoding="utf-8")
    again = cli("project", "init", "--json")
    assert (again.status, again.json["error"]["code"]) == (2, "USAGE")
    assert (work / "modellix.toml").read_text(encoding="utf-8") == "# mine"


def test_init_does_not_write_through_a_link(cli: Cli, work: Path, tmp_path: Path) -> None:
    (work / "modellix.toml").symlink_to(tmp_path / "elsewhere")
    assert cli("project", "init").status == 2
    assert not (tmp_path / "elsewhere").exists()


def test_init_says_what_stands_in_the_place_of_the_file(cli: Cli, work: Path) -> None:
    path = work / "modellix.toml"
    path.mkdir()
    told = cli("project", "init").stderr
    assert f"{path} is a folder, and settings are read from a file only." in told
    assert "project show" not in told
    path.rmdir()
    path.symlink_to("gone.toml")
    told = cli("project", "init").stderr
    assert f"{path} is a link that leads to no file." in told
    assert "project show" not in told


@respx.mock
@pytest.mark.parametrize("path", ["modellix.toml", "config/modellix/profiles/default.toml"])
@pytest.mark.parametrize("what", ["folder", "link"])
def test_settings_cannot_get_lost_with_their_file(
    cli: Cli, work: Path, path: str, what: str
) -> None:
    route = respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    place = work / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if what == "folder":  # as a container makes one where a file was to be mounted
        place.mkdir()
    else:
        place.symlink_to("gone.toml")
    config = {"XDG_CONFIG_HOME": str(work / "config")}
    refused = cli("model", "run", "a/b", "--body", "{}", env=config)
    assert (refused.status, route.called) == (2, False)
    assert f"{place}: it is a {what}" in refused.stderr


def test_a_link_to_a_place_that_cannot_be_looked_at_is_the_files_fault(
    cli: Cli, work: Path
) -> None:
    (work / "modellix.toml").symlink_to("b" * 300)
    refused = cli("model", "run", "a/b", "--body", "{}", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (2, "PROJECT_UNUSABLE")
    assert cli("project", "init").status == 2


@pytest.mark.parametrize("target", ["gone.toml", "modellix.toml", "/gone/elsewhere"])
def test_a_link_that_leads_to_no_file_is_called_that(cli: Cli, work: Path, target: str) -> None:
    path = work / "modellix.toml"
    path.symlink_to(target)
    result = cli("project", "show", "--json")
    assert result.status == 2
    assert result.json["error"]["message"] == f"{path}: it is a link that leads to no file."
    assert "link" in result.json["error"]["hint"]


@pytest.mark.parametrize(
    "line", ['period = "often"', 'period = "0s"', 'period = "9999d"', "period = 24"]
)
def test_a_bad_period_is_told_with_one_that_is_allowed(
    cli: Cli, project: Project, line: str
) -> None:
    file = project(f"[budget]\nlimit = 5\n{line}")
    error = cli("project", "show", "--json").json["error"]
    assert error["message"].startswith(f"{file}:3: period")
    assert error["hint"] == 'For example: period = "24h". At most 8784h.'


@pytest.mark.parametrize("key", ["model", "output", "output_dir", "name_template"])
def test_what_is_no_text_is_told_with_an_example(cli: Cli, project: Project, key: str) -> None:
    project(f"{key} = 3")
    assert f'For example: {key} = "' in cli("project", "show").stderr


# Tab, and what is loaded


@pytest.fixture
def session(env: dict[str, str], work: Path, clock: FakeClock) -> Session:
    return Session(Runtime(None, None, None, env, work, clock), Sink(None, None, env))


def offered(session: Session, incomplete: str) -> list[str]:
    context = typer.Context(typer.core.TyperCommand("run"), obj=session)
    return completers.runnable(context, incomplete)


def test_tab_offers_the_default_model_and_presets(session: Session, project: Project) -> None:
    project(f'model = "{OTHER}"\n{BANNER}')
    assert offered(session, "") == [OTHER, "@banner"]
    assert offered(session, "@b") == ["@banner"]


def test_tab_goes_on_without_a_broken_file(session: Session, project: Project) -> None:
    session.stores.model_cache.keep([OTHER])
    project(BROKEN)
    assert offered(session, "") == [OTHER]


def test_tab_knows_the_parameters_of_a_preset(session: Session, project: Project) -> None:
    session.stores.schema_cache.keep(parse_slug(MODEL), schema({"seed": {"type": "integer"}}))
    project(f'model = "{MODEL}"\n{BANNER}')
    context = typer.Context(typer.core.TyperCommand("run"), obj=session)
    for word in ("@banner", None):
        context.params["slug"] = word
        assert completers.parameters(context, "s") == ["seed="]


LOADED = (
    "import sys; from modellix_cli.__main__ import main; main(); "
    "found = [name for name in sys.modules if name == 'tomllib' or 'modellix_cli.project' in name];"
    "print(sorted(found), file=sys.stderr)"
)


@pytest.mark.parametrize("line", ["--help", "task history", "config path", "completion bash"])
def test_without_a_file_nothing_that_reads_one_is_loaded(
    env: dict[str, str], work: Path, line: str
) -> None:
    ran = subprocess.run(
        [Path(COMMAND).with_name("python"), "-c", LOADED, *line.split()],
        env=env, cwd=work, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stderr.splitlines()[-1] == "[]"


def test_with_a_file_and_options_that_decide_nothing_that_reads_it_is_loaded(
    env: dict[str, str], work: Path, project: Project
) -> None:
    project(BROKEN)
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, "task", "history", "--json"],
        env=env, cwd=work, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stderr.splitlines()[-1] == "[]"
