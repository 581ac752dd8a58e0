"""For every command something to show at a terminal, on a machine that has been used."""

import itertools
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import respx

from modellix_cli.sandbox import submit, uploads
from tests.support import API, FakeClock, invoke
from tests.terminals import Ended, Host, Keys, Order

_ID: Final = "task-{:03d}" + "7f3a9c1e5b2d806" * 2 + "7f"
"""Ids of 40 characters."""
DONE, SPOKEN, FAILED, CAT, DOG, OWL, PENDING = (_ID.format(n) for n in (1, 2, 3, 5, 6, 7, 8))
UNKNOWN: Final = "4"
TAG: Final = "campaign-autumn-2026-with-a-name-that-goes-on-and-on-up-to-64-c"
_LINES: Final = (
    '{"id": "cat", "modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}\n'
    '{"id": "犬", "modelSlug": "bytedance/seedream-4.5-t2i", "body": {"prompt": "犬 🐕 夕暮れ"}}\n'
    '{"id": "owl-with-a-long-name", "modelSlug": "sandbox/fails", "body": {"prompt": "an owl"}}\n'
)
_PROJECT: Final = """\
model = "alibaba/qwen-image-plus"
output_dir = "pictures"

[models."alibaba/qwen-image-plus".parameters]
n = 2

[presets.poster]
model = "bytedance/seedream-4.5-t2i"
prompt = "a poster of {prompt}"
"""
NO_SERVICE: Final = "--base-url http://127.0.0.1:9"
_CTRL_C: Final = (("Ctrl-C", "\x03"),)
_YES: Final = (("[y/N]", "y\n"),)
_NO: Final = (("[y/N]", "n\n"),)
_ANSWERS: Final = (("\x1b[c", "\x1b[?62;22c"),)
"""What a terminal without pictures answers to the question what it is."""


@dataclass(frozen=True)
class Scene:
    """A command line, words that must be seen, and the exit status. `keys` are typed."""

    line: str
    shows: tuple[str, ...] = ()
    status: int = 0
    keys: Keys = ()
    sandbox: bool = True

    @property
    def is_text_of_a_program(self) -> bool:
        """Whether it writes a program's text, which nobody breaks into lines."""
        return self.line.startswith("completion zsh")


def _run_scenes() -> tuple[Scene, ...]:
    return (
        Scene('model run sandbox/image "a cat in the sun"', ("Saved:", "png, 512×512")),
        Scene('model run sandbox/fails "an owl"', ("content_policy",), 1),
        Scene('model run sandbox/many "boats" --preview on', ("▀", "-4.png"), keys=_ANSWERS),
        Scene(
            'model run sandbox/image "犬が走る 🐕 夕暮れの海辺を、どこまでも" --tag 犬', ("犬が",)
        ),
        Scene('model run alibaba/qwen-image-plus "a fox" -p n=2 --dry-run', ("$0.06", '"n": 2')),
        Scene('model run sandbox/image "a fox" --curl', ("--data-raw",)),
        Scene('model run sandbox/image "a fox" -p sead=3 --strict', ('"seed"',), 2),
    )


def _task_scenes() -> dict[str, tuple[Scene, ...]]:
    return {
        "task get": (
            Scene(f"task get {DONE}", (DONE, "pictures/1.png")),
            Scene(f"task get {FAILED}", ("(content_policy)",)),
            Scene("task get @last", (PENDING, "submitted 0s ago")),
        ),
        "task wait": (
            Scene(f"task wait {DONE} {SPOKEN} {FAILED}", ("Results", "pictures/1.wav"), 1),
            Scene("task wait @last --timeout 5s", ("modellix-cli task wait",), 124),
            Scene(f"task wait {DONE} --quiet", ("https://",)),
        ),
        "task download": (
            Scene(f"task download {DONE} --output-dir again", ("again/", "512×512")),
            Scene("task download --pending", ("still running: 1",)),
        ),
        "task history": (
            Scene("task history", (DONE, "$0.0003", "Message")),
            Scene("task history --files", (SPOKEN, "pictures/1.wav")),
            Scene("task history --status success --tag 犬", ("No task matches.",)),
            Scene("task history --clear", ("Nothing was changed",), 1, _NO),
        ),
        "task show": (
            Scene(f"task show {DONE}", (TAG, "Make again:")),
            Scene(
                f"task show {OWL}", (f"see modellix-cli task get {OWL}", '("owl-with-a-long-name")')
            ),
            Scene(f"task show {UNKNOWN}", ("been created and charged.",)),
        ),
        "task rerun": (Scene(f"task rerun {DONE} --wait", ("Billed:",)),),
        "task gallery": (
            Scene("task gallery", ("modellix-gallery.html",)),
            Scene("task gallery --serve --port 0", ("Stopped.",), 0, _CTRL_C),
        ),
        "task url": (Scene(f"task url {DONE}", ("/1.png",)),),
        "task open": (Scene(f"task open {DONE} --print", ("1.png",)),),
        "task resolve": (
            Scene(f"task resolve {UNKNOWN} --not-created", ("It can be sent again.",)),
            Scene(f"task resolve {UNKNOWN} --task-id {DONE}", ("is that of request 1",), 2),
        ),
        "task preview": (
            Scene(f"task preview {DONE}", ("1.png", "▀"), keys=_ANSWERS),
            Scene(f"task preview {SPOKEN} --width 60", ("1.wav", "█"), keys=_ANSWERS),
        ),
        "task watch": (Scene("task watch", ("a slow river", "q quit"), keys=(("q quit", "q"),)),),
    }


def _other_scenes() -> dict[str, tuple[Scene, ...]]:
    plus = "alibaba/qwen-image-plus"
    return {
        "model run": _run_scenes(),
        "model invoke": (
            Scene('model invoke sandbox/image --body \'{"prompt": "a"}\'', ("pending",)),
        ),
        "model batch": (
            Scene("model batch more.jsonl --yes --wait --output-dir out", ("✓ 2  犬-2", "✗ 3"), 1),
            Scene("model batch more.jsonl --yes --dry-run", ("3 tasks, nothing submitted.",)),
            Scene("model batch tasks.jsonl --yes", ("--resume",), 2),
        ),
        "model list": (
            Scene("model list", ("Slug", "alibaba/qwen-audio-3.0-tts-flash  text-to-speech")),
            Scene("model list --search wan2.5 --columns slug,docs", ("alibaba/wan2.5-t2v",)),
        ),
        "model find": (
            Scene("model find photo", ("Photographic images.",)),
            Scene("model find zzz", ("No model",)),
        ),
        "model diff": (Scene("model diff", ("models noted.",)),),
        "model describe": (Scene(f"model describe {plus}", ("Price:", "$0.03/img")),),
        "model params": (Scene(f"model params {plus}", ("negative_prompt", "Description")),),
        "model get-schema": (Scene(f"model get-schema {plus}", ("negative_prompt",)),),
        "model docs": (Scene(f"model docs {plus}", ("negative_prompt", "Request")),),
        "batch list": (Scene("batch list", ("Accepted", "tasks.jsonl")),),
        "batch show": (Scene("batch show 1", ("$0.04", "Billed $0.06", "(content_policy)")),),
        "file upload": (Scene("file upload pictures/1.png", ("File ID:",)),),
        "file list": (Scene("file list", ("Uploaded", "2027-01-15 08:08 UTC")),),
        "file delete": (
            Scene("file delete file-1", ("Deleted Modellix file file-1.",)),
            Scene("file delete file-0", ("file-0",), 5),
        ),
        "webhook listen": (Scene("webhook listen --port 0", ("0 deliveries",), 0, _CTRL_C),),
        "docs list": (Scene("docs list", ("/ways-to-use/cli", "Command line")),),
        "docs page": (Scene("docs page /ways-to-use/cli", ("Command line",)),),
        "docs search": (Scene("docs search webhook", ("/ways-to-use/webhooks",)),),
        "ledger path": (Scene("ledger path", ("ledger.db",)),),
        "ledger acknowledge": (Scene("ledger acknowledge", ("Nothing is known",)),),
        "project show": (Scene("project show", ("output_dir", "modellix.toml")),),
        "project init": (Scene("project init", ("modellix.toml",), 0),),
        "sandbox serve": (Scene("sandbox serve --port 0", ("Stopped.",), 0, _CTRL_C),),
        "sandbox reset": (Scene("sandbox reset", ("$10.00",)),),
        "which": (Scene("which pictures/1.png", (DONE, TAG, "Make again:")),),
        "usage": (
            Scene("usage", ("Billed", "alibaba/qwen-audio-3.0-tts-flash")),
            Scene("usage --by tag", (TAG[:20],)),
            Scene("usage --by batch", ("Batch",)),
        ),
    }


def _setup_scenes() -> dict[str, tuple[Scene, ...]]:
    key = (("(hidden)", "mk-typed\n"),)
    return {
        "auth login": (
            Scene("auth login --api-key mk-new", ("Authentication succeeded",)),
            Scene(f"auth login --api-key mk-new {NO_SERVICE}", ("Error:",), 7, sandbox=False),
            Scene(f"auth login {NO_SERVICE}", ("Error:",), 7, key, sandbox=False),
        ),
        "auth status": (
            Scene("auth status", ("Team balance:",)),
            Scene(f"auth status {NO_SERVICE}", ("Missing API key",), 3, sandbox=False),
        ),
        "auth whoami": (Scene("auth whoami", ("Validation:",)),),
        "auth logout": (Scene("auth logout", ("Removed profile work",), 0, _YES, sandbox=False),),
        "auth import-env": (Scene("auth import-env", ("MODELLIX_API_KEY",), 3, sandbox=False),),
        "auth migrate": (Scene("auth migrate", ("[y/N]",), 0, _YES, sandbox=False),),
        "config path": (Scene("config path", ("config.json",)),),
        "config show": (Scene("config show", ("Saved profiles: default, work",), sandbox=False),),
        "config clear": (Scene("config clear --yes", ("Removed profile work",), sandbox=False),),
        "init": (
            Scene("init --api-key mk-new", ("Next steps:",)),
            Scene(f"init {NO_SERVICE}", ("[Y/n]",), 7, (("[Y/n]", "n\n"), *key), sandbox=False),
        ),
        "doctor": (
            Scene("doctor", ("All required checks passed.",)),
            Scene(f"doctor {NO_SERVICE}", ("Fix this first:",), 1, sandbox=False),
        ),
        "completion": (
            Scene("completion install --shell bash", ("Start a new bash to use it.",)),
            Scene("completion zsh", ("compdef",)),
        ),
        "autocomplete": (Scene("autocomplete bash", ("completion bash",)),),
        "help": (
            Scene("help", ("Topics",)),
            Scene("help globals", ("--profile",)),
            Scene("help exit-status", ("124",)),
            Scene("help environment", ("MODELLIX_API_KEY",)),
            Scene("help automation", ("--output task-id",)),
            Scene("help sandbox", ("sandbox/rate-limited",)),
            Scene("help pricing", ("--max-cost",)),
            Scene("help support", ("console",)),
            Scene("help --nested-commands", ("ledger acknowledge",)),
        ),
        "quickstart": (
            Scene("quickstart", ("Next steps:",)),
            Scene("", ("Help: modellix-cli --help",)),
        ),
    }


SCENES: Final = _other_scenes() | _task_scenes() | _setup_scenes()
"""The scenes of each command."""


class Machine:
    """A home and a folder in which commands have run, restored before each scene."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "kept"
        self.root = folder / "at"
        self.work = self.root / "work"
        self.clock = FakeClock()
        home = self.root / "home"
        self.env = {
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "TERM": "xterm-256color",
            "TZ": "UTC",
        }
        self._use()
        shutil.copytree(self.root, self._kept)

    def _use(self) -> None:
        self.work.mkdir(parents=True)
        (self.work / "tasks.jsonl").write_text(_LINES, encoding="utf-8")
        more = _LINES.replace('", "modelSlug"', '-2", "modelSlug"').replace('"}}', ', again"}}')
        (self.work / "more.jsonl").write_text(more, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch, respx.mock() as router:
            numbers = itertools.count(1)
            patch.setattr(submit, "token_hex", lambda _: _ID.format(next(numbers))[5:])
            patch.setattr(uploads, "token_hex", lambda _: "1")
            valid = {"code": 0, "message": "success", "data": {"is_valid": True}}
            router.get(f"{API}/apikey/validate").respond(json=valid)
            self._did("auth", "login", "--api-key", "mk-0", sandbox="")
            self._did("auth", "login", "--api-key", "mk-1", "--profile", "work", sandbox="")
            saved = ("--wait", "--output-dir", "pictures")
            about = "a lighthouse at dawn, with waves that break on the rocks below"
            self._did("model", "run", "sandbox/image", about, "--tag", TAG, *saved)
            spoken = ("alibaba/qwen-audio-3.0-tts-flash", "犬が走る 🐕 夕暮れの海辺を、どこまでも")
            self._did("model", "run", *spoken, *saved)
            self._did("model", "run", "sandbox/fails", "an owl", "--wait")
            self._did("model", "run", "sandbox/cut", "a boat")
            self._did("model", "batch", "tasks.jsonl", "--yes", "--concurrency", "1", *saved)
            self._did("file", "upload", "pictures/1.png")
            self._did("model", "run", "sandbox/slow", "a slow river", "--no-wait")

    def _did(self, *arguments: str, sandbox: str = "1") -> None:
        env = self.env | {"MODELLIX_SANDBOX": sandbox, "MODELLIX_CLI_NO_PROGRESS": "1"}
        self.clock.sleep(60)
        invoke(*arguments, env=env, cwd=self.work, clock=self.clock)

    def show(self, scene: Scene, host: Host, columns: int, rows: int) -> Ended:
        """Run a scene at a terminal of this size."""
        shutil.rmtree(self.root)
        shutil.copytree(self._kept, self.root)
        if scene.line == "project show":
            (self.work / "modellix.toml").write_text(_PROJECT, encoding="utf-8")
        env = self.env | ({"MODELLIX_SANDBOX": "1"} if scene.sandbox else {})
        return self.run(scene.line, host, columns, rows, scene.keys, env)

    def run(
        self,
        line: str,
        host: Host,
        columns: int,
        rows: int,
        keys: Keys = (),
        env: dict[str, str] | None = None,
    ) -> Ended:
        """Run a command line on the machine as it is."""
        words, now = tuple(shlex.split(line)), self.clock.time
        return host.run(Order(words, env or self.env, str(self.work), columns, rows, now, keys))
