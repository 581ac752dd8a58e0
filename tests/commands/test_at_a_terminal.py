"""What people see at a terminal of 80 columns, where nothing they need may be cut off."""

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.screen import Screen
from tests.support import API, FakeClock, Result, Terminal, invoke, task_reply

See = Callable[..., "Seen"]


class Seen:
    """What a command wrote on a terminal, and how that looks there."""

    def __init__(self, result: Result, columns: int) -> None:
        self.status = result.status
        self.written = result.stdout
        self.screen = Screen(columns, 200).feed(self.written)
        self.lines = self.screen.all_lines

    @property
    def text(self) -> str:
        """All of it on one line, as prose goes on."""
        return " ".join(" ".join(self.lines).split())

    def line(self, words: str) -> str:
        """The only line that has these words."""
        (found,) = [line for line in self.lines if words in line]
        return found


@pytest.fixture
def see(env: dict[str, str], work: Path, clock: FakeClock) -> See:
    """Run a command line with the sandbox at a terminal."""

    def run(line: str, columns: int = 80, sandbox: bool = True, **more: str) -> Seen:
        chosen = env | {"TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "1"} | more
        chosen.pop("MODELLIX_CLI_NO_PROGRESS")
        chosen |= {"MODELLIX_SANDBOX": "1"} if sandbox else {}
        terminal = Terminal()
        result = invoke(
            *shlex.split(line), env=chosen, cwd=work, clock=clock, stdout=terminal, stderr=terminal
        )
        return Seen(result, columns)

    return run


def batch_file(work: Path, *models: str) -> None:
    lines = (f'{{"modelSlug": "sandbox/{model}", "body": {{"prompt": "a"}}}}\n' for model in models)
    (work / "tasks.jsonl").write_text("".join(lines), encoding="utf-8")


def test_a_line_that_was_not_waited_for_leaves_its_command_to_the_summary(
    see: See, work: Path
) -> None:
    batch_file(work, "slow", "image")
    seen = see("model batch tasks.jsonl --yes --wait --timeout 3s --output-dir out")
    assert seen.line("✗ 1").endswith("Timed out while waiting for Modellix tasks.")
    resume = "modellix-cli model batch tasks.jsonl --yes --wait --timeout 3s --output-dir out"
    assert f"Resume with: {resume} --resume --sandbox\n" in seen.written


def test_a_log_still_has_the_command_of_a_line_that_was_not_waited_for(
    env: dict[str, str], work: Path, clock: FakeClock
) -> None:
    batch_file(work, "slow", "image")
    line = "model batch tasks.jsonl --yes --wait --timeout 3s --output human --sandbox"
    err = io.StringIO()
    del env["MODELLIX_CLI_NO_PROGRESS"]
    invoke(*shlex.split(line), env=env, cwd=work, clock=clock, stderr=err)
    (end,) = [line for line in err.getvalue().splitlines() if line.startswith("✗ 1")]
    assert "Modellix tasks. Resume with: modellix-cli task wait task-" in end


BODY = {
    "prompt": "a lighthouse at dawn, with waves that break on the rocks below",
    "seed": 12345678901234567890,
    "negative_prompt": "blurry, low quality, text, watermark",
    "style": "oil on canvas",
}


def under(seen: Seen, label: str) -> list[str]:
    """Return the lines of a fact: that of its label, and those that go on below it."""
    start = next(place for place, line in enumerate(seen.lines) if line.startswith(f"{label}:"))
    lines = [seen.lines[start][13:]]
    for line in seen.lines[start + 1 :]:
        if not line.startswith(" " * 13):
            break
        lines.append(line[13:])
    return lines


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("shows", ["task show @last", "which out/made.png"])
def test_long_parameters_go_on_below_and_the_command_can_be_copied(
    see: See, work: Path, shows: str, columns: int
) -> None:
    body = json.dumps(BODY, separators=(",", ":"))
    see(f"model run sandbox/image --body {shlex.quote(body)} --wait --output-dir out")
    (made,) = (work / "out").iterdir()
    made.rename(work / "out" / "made.png")
    seen = see(shows, columns)
    assert [line for line, _ in seen.screen.wrapped if not line.startswith("Files:")] == []
    parameters = under(seen, "Parameters")
    assert len(parameters) > 1
    assert "".join(parameters).replace(" ", "") == body.replace(" ", "")
    command = "\n".join(under(seen, "Make again"))
    words = shlex.split(command.replace("\\\n", ""))  # as a shell reads it
    assert words[:3] == ["modellix-cli", "task", "rerun"]
    assert words[4:7] == ["--wait", "--output-dir", "."]
    assert all(line.endswith(" \\") for line in command.split("\n")[:-1])


@pytest.mark.parametrize(
    "line", ["task history", "batch show 1"], ids=["task history", "batch show"]
)
def test_what_has_no_room_in_a_table_is_named_below_it(see: See, work: Path, line: str) -> None:
    batch_file(work, "image", "image")
    see("model batch tasks.jsonl --yes --wait --output-dir out --tag client=a-long-name")
    for columns in (64, 80, 100, 200):
        seen = see(line, columns)
        (head,) = [row for row in seen.lines if "Status" in row]
        left_out = re.findall(r"No room for (.+): see [^:]+ or a wider terminal\.", seen.text)
        every = {"Task", "File"} if "batch" in line else {"Task", "Prompt", "Tag"}
        assert every == set(head.split()) & every | {
            name for found in left_out for name in found.split(", ")
        }


def test_a_model_list_without_room_for_descriptions_says_so(see: See) -> None:
    told = "No room for Description: see --columns, --json or a wider terminal."
    assert told in see("model list --limit 2", 56).text
    assert "Description" in see("model list --limit 2", 100).lines[1]
    assert "No room" not in see("model list --limit 2", 100).text
    assert "No room" not in see("model list --limit 2 --columns slug,price", 56).text


def test_a_history_at_80_columns_has_the_task_and_its_prompt(see: See) -> None:
    see('model run sandbox/image "a lighthouse at dawn, with waves" --wait --tag client=acme')
    seen = see("task history")
    row = seen.line("task-")
    assert re.fullmatch(r"01-15 \S+  task-\w{16}  image  success  \$0.01  a lighthouse.*", row)
    assert "No room for Tag: see --columns, --json or a wider terminal." in seen.text
    assert re.match(
        r"2027-01-15 \S+  task-\w{16}  sandbox/image ", see("task history", 120).line("task-")
    )


PROJECT = """\
model = "alibaba/qwen-image-plus"
[budget]
limit = "25.00"
[models."alibaba/qwen-image-plus".parameters]
negative_prompt = "blurry, low quality"
[presets.banner]
model = "sandbox/image"
prompt = "a wide banner with the words {prompt}, in the style of old travel posters, no text"
output_dir = "banners"
[presets.banner.parameters]
seed = 5
"""


@pytest.mark.parametrize("columns", [80, 100])
def test_project_show_has_a_line_for_each_setting_also_of_a_preset(
    see: See, work: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    (work / "modellix.toml").write_text(PROJECT, encoding="utf-8")
    seen = see("project show", columns, sandbox=False)
    words = [" ".join(line.split()) for line in seen.lines]
    for line in (
        "profile: default (default)",
        "model: alibaba/qwen-image-plus (modellix.toml:1)",
        "output: -",
        "budget: $25.00 in 24h (modellix.toml:3)",
        "alibaba/qwen-image-plus gets:",
        "negative_prompt: blurry, low quality (modellix.toml:5)",
        "@banner (modellix.toml:6)",
        "model: sandbox/image",
        "output_dir: banners",
        "-p seed: 5",
    ):
        assert line in words, seen.lines
    assert "a wide banner with the words {prompt}, in the style of old travel posters" in seen.text
    assert all(len(line) > 40 for line in seen.lines if "a wide banner" in line)
    assert seen.screen.wrapped == []


def test_a_bill_of_the_sandbox_says_that_it_is_one(see: See, cli: Cli) -> None:
    assert see("model run sandbox/image a --wait").line("Billed:") == "Billed:  $0.01 (sandbox)"
    assert "Billed $0.01 (sandbox) for 1 task" in run_batch(see, "one").text
    assert "Billed $0.01 (sandbox) for 1 task" in see("batch show 1").text
    piped = cli("task", "get", "@last", "--output", "human", "--sandbox").stdout
    assert "Billed:  $0.01\n" in piped


def run_batch(see: See, prompt: str, options: str = "") -> Seen:
    line = f"model batch --model sandbox/image --matrix prompt={prompt} --yes --wait {options}"
    return see(line)


def test_one_line_that_is_paid_for_is_one(see: See) -> None:
    run_batch(see, "a")
    assert "Of 1 line, 1 is paid for: batch 1" in run_batch(see, "a").text


def test_batches_are_listed_by_when_they_were_created(see: See) -> None:
    run_batch(see, "a")
    assert "Created" in see("batch list").lines[0]


def test_a_resume_that_saves_nothing_new_says_what_was_saved_before(see: See) -> None:
    first = run_batch(see, "a,b", "--output-dir out")
    assert "Saved 2 files (" in first.text
    again = run_batch(see, "a,b", "--output-dir out --resume")
    assert "Saved before: 2 files (" in again.text
    assert "Saved 2 files" not in again.text
    more = run_batch(see, "a,b,c", "--output-dir out --resume")
    assert "Saved 1 file (" in more.text
    assert "Saved before: 2 files (" in more.text


def test_pending_without_anything_to_save_does_not_speak_of_0_files(see: See) -> None:
    see("model run sandbox/denied a --wait")
    failed = see("task download --pending --output-dir out")
    assert failed.line("Nothing was downloaded") == "Nothing was downloaded."
    assert "0 files" not in failed.text
    see("model run sandbox/slow a --no-wait")
    running = see("task download --pending --output-dir out")
    assert "Nothing was downloaded; still running: 1." in running.text


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("task history", "task history"),
        ("usage", "usage"),
        ("task show @last", "task show @last"),
        ("task wait @last", "task wait @last"),
        ("task download --pending --output-dir out", "task download --pending"),
    ],
)
def test_where_only_the_sandbox_has_tasks_people_are_told(
    see: See, cli: Cli, line: str, command: str
) -> None:
    assert "The sandbox has" not in see(line, sandbox=False).text
    see("model run sandbox/image a --wait")
    see("model run sandbox/image b --wait")
    told = f"The sandbox has 2 tasks: modellix-cli {command} --sandbox"
    assert told in see(line, sandbox=False).text
    piped = cli(*shlex.split(line))
    assert "The sandbox has" not in piped.stdout + piped.stderr
    assert "The sandbox has" not in see(f"{line} --json", sandbox=False).text
    assert "The sandbox has" not in see(line).text


@respx.mock
def test_where_the_service_has_tasks_the_sandbox_is_not_mentioned(see: See, cli: Cli) -> None:
    see("model run sandbox/image a --wait")
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1"))
    cli("task", "get", "t-1")
    assert "sandbox" not in see("usage", sandbox=False).text.lower()
