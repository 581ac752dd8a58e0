"""`modellix-cli` alone: how to begin, or how to go on."""

from typing import Any, Final

import typer

from modellix_cli.commands._framework.command import PROGRAM, command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output

KEY_PAGE: Final = "https://www.modellix.ai/console/api-key"
_FIRST: Final = (
    """model run sandbox/image --sandbox --body '{"prompt": "a cat"}' --wait --output-dir .""",
    f"Get an API key at {KEY_PAGE}",
    "init",
    "doctor",
)
_THEN: Final = (
    "doctor",
    "model list",
    """model run --model-slug <provider/model> --body '{"prompt":"Hello"}'""",
    "task get <task_id>",
)


@command(default=Output.HUMAN, examples=("quickstart", "quickstart --json"), hidden=True)
def quickstart(ctx: typer.Context) -> None:
    """Say how to begin; also what modellix-cli prints without a command. Asks no server."""
    from modellix_cli.output.setup import welcome
    from modellix_cli.workflows.setup import find_setup

    session = Session.of(ctx)
    found = find_setup(session)
    welcome(session.out, found, next_steps(ctx, configured=found.configured))


def next_steps(ctx: typer.Context, *, configured: bool) -> list[str]:
    """Return what to do next, in order; commands among it are those this program has."""
    root = ctx.find_root()
    steps = []
    for step in _THEN if configured else _FIRST:
        words = step.split()
        if not words[0].islower():
            steps.append(step)
        elif _exists(root, words):
            steps.append(f"{PROGRAM} {step}")
    return steps


def _exists(root: Any, words: list[str]) -> bool:
    """Whether the root command has the command that `words` begin with."""
    group = root.command
    for word in words:
        if word not in group.list_commands(root):
            return False
        group = group.get_command(root, word)
        if not hasattr(group, "list_commands"):
            return True
    return False
