"""Completion: the scripts in completions/ are what the program prints, and Tab is answered."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import respx

from completions.generate import FILES
from modellix_cli.clock import Clock
from modellix_cli.models.cache import ModelCache
from modellix_cli.sandbox.media.png import png
from tests.conftest import Cli
from tests.e2e.conftest import COMMAND
from tests.support import API, BASE, KEY, invoke, task_reply

FOLDER = Path(__file__).parent.parent / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_the_committed_script_is_the_one_that_is_printed(cli: Cli, shell: str) -> None:
    assert (FOLDER / FILES[shell]).read_text(encoding="utf-8") == cli("completion", shell).stdout


@pytest.mark.parametrize(("words", "wanted"), [
    ("modellix-cli ", {"model", "task", "sandbox"}),
    ("modellix-cli task ", {"get", "wait", "download", "history"}),
    ("modellix-cli file ", {"upload", "delete"}),
    ("modellix-cli task w", {"wait"}),
    ("modellix-cli model run --body", {"--body", "--body-file"}),
    ("modellix-cli --sandbox task get --q", {"--quiet"}),
    ("modellix-cli completion z", {"zsh"}),
    ("modellix-cli completion ", {"bash", "install", "remove"}),
    ("modellix-cli completion install --shell f", {"fish"}),
    ("modellix-cli auth login --store k", {"keychain"}),
    ("modellix-cli auth login --store=k", {"--store=keychain"}),
    ("modellix-cli model list --sort=p", {"--sort=price"}),
    ("modellix-cli --output=", {"--output=human", "--output=json"}),
    ("modellix-cli model run --output t", {"task-id"}),
    ("modellix-cli model list --output=s", {"--output=slugs"}),
    ("modellix-cli model find --type=text-to-s", {"--type=text-to-speech"}),
    ("modellix-cli help ", {"model", "exit-status"}),
    ("modellix-cli usage --by=d", {"--by=day"}),
    ("modellix-cli task history --status ", {"success", "rejected", "unknown"}),
    ("modellix-cli help task w", {"wait"}),
    ("modellix-cli model run 'it is' --bo", {"--body"}),
    ('modellix-cli model run "it\'s" \'a b', set()),
])  # fmt: skip
def test_bash_is_told_what_could_follow(words: str, wanted: set[str]) -> None:
    assert wanted <= set(complete({}, words))


@pytest.mark.parametrize(("words", "kind"), [
    ("modellix-cli model batch ", "files"),
    ("modellix-cli model batch --results=x", "files"),
    ("modellix-cli model run --body-file ", "files"),
    ("modellix-cli file upload ", "files"),
    ("modellix-cli which ", "files"),
    ("modellix-cli model run --output-dir ", "folders"),
    ("modellix-cli task download --output-dir=", "folders"),
])  # fmt: skip
def test_a_path_is_left_to_the_shell(words: str, kind: str) -> None:
    assert answer({}, words) == [kind]


@pytest.mark.parametrize("words", [
    "modellix-cli model list --limit ", "modellix-cli nonsense ", "modellix-cli model nonsense x",
    "modellix-cli config path ", "modellix-cli docs page ",
])  # fmt: skip
def test_where_nothing_fits_the_answer_is_empty(words: str) -> None:
    assert answer({}, words) == []


def test_other_shells_are_told_what_the_words_mean() -> None:
    told = answer({}, "modellix-cli task w", _MODELLIX_CLI_COMPLETE="complete_zsh")
    assert told[0] == "words"
    assert told[1].startswith("wait\tWait until tasks end.")


@pytest.mark.parametrize("asked", [
    {}, {"COMP_WORDS": "modellix-cli"}, {"COMP_CWORD": "x"}, {"COMP_CWORD": "-9"},
    {"COMP_WORDS": "", "COMP_CWORD": "99"}, {"_MODELLIX_CLI_COMPLETE": ""},
])  # fmt: skip
def test_a_shell_that_asks_wrongly_hears_no_error(asked: dict[str, str]) -> None:
    env = {"_MODELLIX_CLI_COMPLETE": "complete_bash"} | asked
    ran = subprocess.run([COMMAND], env=env, capture_output=True, check=True)
    assert ran.stderr == b""


def answer(env: dict[str, str], words: str, **more: str) -> list[str]:
    """Return the lines of what a shell is told; `words` are split at blanks, but for quotes."""
    typed = re.findall(r"""(?:'[^']*'?|"[^"]*"?|[^ '"])+|(?<= )$""", words)
    asked = {
        "COMP_WORDS": "\n".join(typed),
        "COMP_CWORD": str(len(typed) - 1),
        "_MODELLIX_CLI_COMPLETE": "complete_bash",
    }
    ran = subprocess.run(
        [COMMAND], env=env | asked | more, capture_output=True, check=True, text=True
    )
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def complete(env: dict[str, str], words: str, **more: str) -> list[str]:
    return answer(env, words, **more)[1:]


def list_models(env: dict[str, str], work: Path) -> None:
    assert invoke("model", "list", "--sandbox", env=env, cwd=work, clock=Clock()).status == 0


@pytest.mark.parametrize("before", [
    *("model run", "model run --body {} --model-slug", "model invoke", "model describe"),
    *("model params", "model get-schema", "model docs", "model batch --model"),
    "task history --model",
])  # fmt: skip
def test_slugs_that_were_listed_are_offered(env: dict[str, str], work: Path, before: str) -> None:
    list_models(env, work)
    offered = complete(env, f"modellix-cli --sandbox {before} alibaba/q")
    assert {"alibaba/qwen-image-plus", "alibaba/qwen-image-edit"} < set(offered)
    assert all(slug.startswith("alibaba/q") for slug in offered)
    assert complete(env, f"modellix-cli {before} alibaba/q") == []


def test_after_a_type_the_models_of_that_type_are_offered(env: dict[str, str], work: Path) -> None:
    list_models(env, work)
    offered = complete(env, "modellix-cli --sandbox model run text-to-speech/")
    assert offered
    assert all(slug.startswith("text-to-speech/") for slug in offered)
    assert "text-to-speech/alibaba/qwen-image-plus" not in offered


def test_saved_profiles_are_offered_without_reading_a_key(env: dict[str, str]) -> None:
    folder = Path(env["XDG_CONFIG_HOME"]) / "modellix"
    folder.mkdir(parents=True)
    entries = ", ".join(f'"{name}": {{"origins": {{}}}}' for name in ("work", "home", "w;x", "w y"))
    (folder / "config.json").write_text(f'{{"schemaVersion": 2, "profiles": {{{entries}}}}}')
    (folder / "credentials.json").mkdir()  # whoever reads it fails
    assert complete(env, "modellix-cli --profile ") == ["work", "home"]
    assert complete(env, "modellix-cli task get --profile=w") == ["--profile=work"]


@pytest.mark.slow
def test_batches_are_offered_by_number_the_last_first(cli: Cli, env: dict[str, str]) -> None:
    for name in ("a", "b"):
        line = f'{{"modelSlug": "sandbox/image", "body": {{"prompt": "{name}"}}}}'
        assert cli("model", "batch", "-", "--yes", "--sandbox", stdin=line.encode()).status == 0
    assert complete(env, "modellix-cli --sandbox batch show ") == ["2", "1"]
    assert complete(env, "modellix-cli batch show ") == []


@pytest.mark.slow
def test_tags_are_offered_the_last_used_first(cli: Cli, env: dict[str, str]) -> None:
    run = ("model", "run", "sandbox/image", "--sandbox", "-q")
    for number, tag in enumerate(("old", "client=acme", "two words", "old")):
        assert cli(*run, f"a cat {number}", "--tag", tag).status == 0
    for before in ("model run x/y --tag ", "model batch --tag ", "task history --tag "):
        offered = complete(env, f"modellix-cli --sandbox {before}")
        assert offered == ["old", "client=acme"]
    assert complete(env, "modellix-cli --sandbox usage --tag=c") == ["--tag=client=acme"]
    assert complete(env, "modellix-cli usage --tag ") == []


@pytest.mark.slow
def test_what_can_be_resolved_is_offered_by_its_number(cli: Cli, env: dict[str, str]) -> None:
    run = ("model", "run", "--sandbox", "-q")
    cli(*run, "sandbox/cut", "a")
    task_id = cli(*run, "sandbox/image", "a").stdout.strip()
    cli(*run, "sandbox/cut", "b")
    assert complete(env, "modellix-cli --sandbox task resolve ") == ["3", "1"]
    offered = complete(env, "modellix-cli --sandbox task resolve 1 --task-id ")
    assert offered == ["@last", task_id]
    assert complete(env, "modellix-cli task resolve ") == []


@pytest.mark.slow
def test_uploads_that_live_are_offered_to_be_deleted(
    cli: Cli, env: dict[str, str], work: Path
) -> None:
    (work / "a.png").write_bytes(png("a", 8, 8))
    sent = cli("file", "upload", "a.png", "--sandbox", "--json")
    assert sent.status == 0
    run = ("model", "run", "sandbox/image", "a", "-p", "image=@a.png", "--sandbox", "-q")
    assert cli(*run).status == 0
    offered = complete(env, "modellix-cli --sandbox file delete ")
    assert len(offered) >= 1
    assert all(word.startswith("file-") for word in offered)
    assert complete(env, "modellix-cli file delete ") == []


def test_types_and_providers_are_offered(env: dict[str, str], work: Path) -> None:
    list_models(env, work)
    sandbox = {"MODELLIX_SANDBOX": "1"}
    types = complete(env, "modellix-cli model list --type text-to-", **sandbox)
    assert types == ["text-to-image", "text-to-video", "text-to-speech"]
    assert complete(env, "modellix-cli model list --provider g", **sandbox) == ["google"]


@pytest.mark.parametrize("before", ["get", "wait", "wait task-x", "download"])
@pytest.mark.slow
def test_recent_tasks_are_offered_the_last_first(
    cli: Cli, env: dict[str, str], before: str
) -> None:
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "x"}', "--sandbox", "-q")
    first, second = cli(*run).stdout.strip(), cli(*run).stdout.strip()
    words = f"modellix-cli --sandbox task {before} "
    assert complete(env, words) == ["@last", second, first]
    assert complete(env, words + "@") == ["@last"]
    assert complete(env | {"MODELLIX_PROFILE": "work"}, words) == []


@pytest.mark.parametrize("words", [
    "modellix-cli model run a",
    "modellix-cli task wait ",
    "modellix-cli --profile bad/name task wait ",
    "modellix-cli --base-url nonsense model run ",
    "modellix-cli --output xml task get --in",
    "modellix-cli modle run ",
    "modellix-cli --sandbox model describe ",
])  # fmt: skip
def test_tab_creates_nothing_and_says_nothing(
    env: dict[str, str], tmp_path: Path, words: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    complete(env, words)
    assert sorted(tmp_path.rglob("*")) == before


def test_tab_offers_only_what_means_nothing_to_a_shell(env: dict[str, str]) -> None:
    slugs = [
        "a/b",
        "a/$(reboot)",
        "a/`x`",
        "a/b c",
        "a/;x",
        "a/'",
        'a/"',
        "a/\x1b",
        "a/*",
        "a/é",
        "a/é\u3164",
    ]
    cache_of(env).keep(slugs)
    assert complete(env, "modellix-cli model run a") == ["a/b", "a/é"]


def test_tab_says_nothing_where_cache_and_journal_are_broken(env: dict[str, str]) -> None:
    cache = cache_of(env)
    cache.keep(["a/b"])
    cache.path.write_bytes(b"\xff{")
    state = Path(env["XDG_STATE_HOME"]) / "modellix"
    state.mkdir(parents=True)
    (state / "journal.db").write_bytes(b"not a database" * 100)
    assert complete(env, "modellix-cli model run ") == []
    assert complete(env, "modellix-cli task get ") == []
    assert [file.name for file in state.iterdir()] == ["journal.db"]


def cache_of(env: dict[str, str]) -> ModelCache:
    return ModelCache(Path(env["XDG_CACHE_HOME"]) / "modellix", BASE, Clock())


def test_an_unknown_shell_is_refused(cli: Cli) -> None:
    result = cli("completion", "cmd")
    assert result.status == 2
    assert "powershell" in result.stderr


def test_the_official_name_says_how_to_set_it_up(cli: Cli) -> None:
    assert cli("autocomplete", "bash").stdout.startswith("modellix-cli completion bash > ")
    assert cli("autocomplete", "script", "zsh").stdout == cli("completion", "zsh").stdout
    assert len(cli("autocomplete", "-r").stdout.splitlines()) == 3
    told = cli("autocomplete", "bash", "--json").json
    assert told["commands"][0].startswith("modellix-cli completion bash > ")
    script = cli("autocomplete", "script", "zsh", "--json").json["script"]
    assert script == cli("completion", "zsh", "--json").json["script"]


@pytest.mark.parametrize(("pieces", "replaced", "words", "replies", "shown"), [
    (["x", " ru"], "ru", ["x", "ru"], ["run"], ["run"]),
    (["x", " -p", " "], "", ["x", "-p", ""], ["size=", "n="], ["size=", "n="]),
    (["x", " -p", " size", "="], "", ["x", "-p", "size="], ["size=1K"], ["1K"]),
    (["x", " -p", " size", "=", "1"], "1", ["x", "-p", "size=1"], ["size=1K"], ["1K"]),
    (["x", " -p", " r", "=", "16", ":"], "", ["x", "-p", "r=16:"], ["r=16:9"], ["9"]),
    (["x", " a", "=", "b", " -p", " n"], "n", ["x", "a=b", "-p", "n"], ["n="], ["n="]),
    (["x", " 'a b'", " c"], "c", ["x", "'a b'", "c"], ["cd"], ["cd"]),
    (["x", " c"], "c", ["x", "c"], [], []),
    (["x", " @", "l"], "@l", ["x", "@l"], ["@last"], ["@last"]),
    (["x", " a", "@", "b"], "@b", ["x", "a@b"], ["a@bc"], ["@bc"]),
    (["x", " --type", "=", "t"], "t", ["x", "--type=t"], ["--type=text"], ["text"]),
])  # fmt: skip
def test_bash_puts_words_together_that_it_splits_at_some_characters(
    tmp_path: Path,
    pieces: list[str],
    replaced: str,
    words: list[str],
    replies: list[str],
    shown: list[str],
) -> None:
    stub = tmp_path / "stub"
    reply = "".join(f"{one}\n" for one in ("words", *replies))
    stub.write_text(f'#!/bin/sh\nprintf "%s|%s" "$COMP_WORDS" $COMP_CWORD >asked\nprintf "{reply}"')
    stub.chmod(0o755)
    given = " ".join(shlex.quote(piece.removeprefix(" ")) for piece in pieces)
    line = "".join(pieces)
    asked = f"""
        source {shlex.quote(str(FOLDER / FILES["bash"]))}
        COMP_WORDS=({given}) COMP_CWORD={len(pieces) - 1}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        _modellix_cli_completion ./stub {shlex.quote(replaced)}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "-c", asked], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert (tmp_path / "asked").read_text() == f"{chr(10).join(words)}|{len(words) - 1}"
    assert ran.stdout.split() == shown
    assert ran.stderr == ""


@respx.mock
def test_tab_offers_no_task_id_with_the_key_in_it(cli: Cli, env: dict[str, str]) -> None:
    for task_id in ("t-1", f"t-{KEY}"):
        respx.get(f"{API}/tasks/{task_id}").respond(json=task_reply(task_id))
        cli("task", "get", task_id)
    assert complete(env, "modellix-cli task wait ") == ["@last", "t-1"]
