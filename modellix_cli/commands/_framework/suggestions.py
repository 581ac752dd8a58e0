"""What to type instead: for options and commands that do not exist, and for lines a shell split."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.text import clip, one_line

if TYPE_CHECKING:
    from typer import TyperException

    from modellix_cli.commands._framework.command import Group
    from modellix_cli.commands._framework.typer_types import Context

_CLOSE: Final = 0.8
"""How alike a name must be to be meant, as difflib measures it; --search and --clear are not."""
_CLOSE_COMMAND: Final = 0.6
_NEVER_SUGGESTED: Final = frozenset(
    {
        *("--clear", "--force", "--yes", "--overwrite", "--new", "--same-account"),
        *("--resend-unknown", "--retry-failed", "--allow-http-api", "--allow-insecure-http"),
        "--allow-private-network",
    }
)
"""Options that delete, replace, pay again or lower a guard: nobody should type them by mistake."""
_VERBS_NEVER_SUGGESTED: Final = frozenset({"acknowledge", "clear", "delete", "reset"})
"""Verbs that remove something or answer a warning: who means them can type them."""
_PARAMETER: Final = """Give the prompt behind the model, and its parameters with -p: """ + (
    'modellix-cli model run SLUG "a cat" -p seed=7'
)
_DASH: Final = """A prompt that begins with - is given as -p prompt=TEXT, or behind --: """ + (
    'modellix-cli model run SLUG -- "-a cat"'
)
_NO_TASK: Final = "Give a task's id, or @last for the task submitted last: {path} @last"
_UNQUOTED: Final = 'Put the prompt in quotes: modellix-cli model run SLUG "a black cat"'
_RUN: Final = 'modellix-cli model run SLUG "a cat"'
_NO_CANCEL: Final = (
    "The service cannot cancel a task. To stop waiting for it, press Ctrl-C; the task itself runs "
    "on and is charged."
)
_COMMANDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("balance", "credits", "credit"), "Show it with: modellix-cli auth status"),
    **dict.fromkeys(("cancel", "abort", "kill"), _NO_CANCEL),
    **dict.fromkeys(("generate", "create", "submit"), f"Run a model with: {_RUN}"),
    "models": "List models with: modellix-cli model list",
    "search": "Find models with: modellix-cli model find WORDS",
    **dict.fromkeys(("tasks", "jobs"), "List tasks with: modellix-cli task history"),
    **dict.fromkeys(
        ("batch run", "batch start", "batch submit", "batch create"),
        "Run a batch with: modellix-cli model batch tasks.jsonl --yes",
    ),
    "batch resume": "Continue one with the command that modellix-cli batch show 1 tells, such as: "
    "modellix-cli model batch tasks.jsonl --yes --resume",
    "task status": "See a task's status with: modellix-cli task get TASK_ID",
    "task list": "List tasks with: modellix-cli task history",
    "version": "Print it with: modellix-cli --version",
    "run": f"Run a model with: {_RUN}",
    "list": "List models with modellix-cli model list, tasks with modellix-cli task history.",
    "upgrade": "Upgrade with: pip install --upgrade modellix-cli",
    "update": "Upgrade with: pip install --upgrade modellix-cli",
}
"""What people type that is no command, and the answer; by the whole path, else by the last word."""
_QUOTING: Final = (
    'The shell split --body at its blanks. In sh write --body \'{"prompt": "a cat"}\'; in '
    'cmd.exe --body "{\\"prompt\\": \\"a cat\\"}"; in Windows PowerShell 5.1 '
    '--body \'{\\"prompt\\": \\"a cat\\"}\'. Or put the JSON in a file: --body-file body.json'
)
_KINDS: Final = {
    "is not a valid int range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
    "is not a valid float range": "is not a number",
}


def explain_usage(error: "TyperException") -> ModellixError:
    """Return the usage error for what Typer refused, with what to type instead where it is known.

    `error` is a `typer.TyperException`.
    """
    context = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if option is not None and type(error).__name__ == "NoSuchOption":
        return _unknown_option(option, context)
    message = error.format_message()
    for typer_says, kind in _KINDS.items():
        message = message.replace(typer_says, kind)
    hint = None
    if "Missing argument 'TASKID" in message and context is not None:
        hint = _NO_TASK.format(path=context.command_path)
    if "unexpected extra argument" in message and context is not None:
        hint = _about_extra_words(context)
    return usage(message, hint=hint)


def _unknown_option(option: str, context: "Context | None") -> ModellixError:
    message = f"No such option: {clip(one_line(option), 80)}."
    path = context.command_path if context is not None else ""
    near = close_option(option, _options(context))
    if near is not None:
        return usage(f"{message} Did you mean {near}?")
    if path.endswith(("model run", "model invoke")) and (option[1:2] != "-" or " " in option):
        return usage(message, hint=f"See {path} --help. {_DASH}")
    if path.endswith(("model run", "model invoke")):
        return usage(message, hint=f"See {path} --help. {_PARAMETER}")
    if option in ("--prompt", "-p", "--model"):
        return usage(message, hint=f"Run a model with: {_RUN}")
    return usage(message)


def _options(context: "Context | None") -> list[str]:
    params = context.command.get_params(context) if context is not None else []
    return [option for param in params for option in param.opts if option.startswith("--")]


def close_option(word: str, options: Iterable[str]) -> str | None:
    """Return the option that was meant by a misspelt or shortened one, None if none is close."""
    known = [option for option in options if option not in _NEVER_SUGGESTED]
    if word.startswith("--") and len(word) > 4:
        longer = [option for option in known if option.startswith(word)]
        if len(longer) == 1:
            return longer[0]
    return next(iter(get_close_matches(word, known, n=1, cutoff=_CLOSE)), None)


def _about_extra_words(context: "Context") -> str | None:
    names = {param.name for param in context.command.params}
    if "body" not in names:
        return None
    return quoting_advice(context.params.get("body")) or _UNQUOTED


def quoting_advice(body: str | None) -> str | None:
    """Return what to do where `body` is the first piece of JSON that a shell split, else None."""
    text = (body or "").strip()
    begins = text.startswith(("{", "'{", '"{', "\\"))
    whole = text.rstrip("'\"").endswith("}")
    return _QUOTING if begins and not whole else None


def answer(path: str, word: str) -> str | None:
    """Return what to type instead of a command that many expect; `path` is the noun, or ""."""
    return _COMMANDS.get(f"{path} {word}".strip()) or _COMMANDS.get(word)


def close_answer(path: str, word: str) -> str | None:
    """Return the answer to a command that many expect, where `word` is a misspelling of it."""
    words = {key: key for key in _COMMANDS if " " not in key}
    words |= {key.rpartition(" ")[2]: key for key in _COMMANDS if key.rpartition(" ")[0] == path}
    near = get_close_matches(word, words, n=1, cutoff=_CLOSE)
    return _COMMANDS[words[near[0]]] if near else None


def close_command(word: str, commands: Iterable[str]) -> str | None:
    """Return the command that was meant by a misspelt one, None if none is close."""
    known = [command for command in commands if command not in _VERBS_NEVER_SUGGESTED]
    return next(iter(get_close_matches(word, known, n=1, cutoff=_CLOSE_COMMAND)), None)


def elsewhere(word: str, root: "Group", ctx: "Context") -> list[str]:
    """Return the commands `noun verb` whose verb is `word`, unless it removes something."""
    if word in _VERBS_NEVER_SUGGESTED:
        return []
    found = []
    for noun in root.list_commands(ctx):
        verbs = getattr(root.get_command(ctx, noun), "verbs", ()) if noun in root.nouns else ()
        found += [f"{noun} {verb}" for verb in verbs if verb == word]
    return found
