"""The command tree: which noun lives where. Only registers; a command loads when it is named."""

from typing import Any

from modellix_cli.commands.command import PROGRAM, Group, load
from modellix_cli.errors import Exit

MODEL = {"run": "model.run", "invoke": "model.run"}
TASK = {
    "get": "task.get",
    "wait": "task.wait",
    "download": "task.download",
    "history": "task.history",
}
FILE = {"upload": "file.upload", "delete": "file.delete"}
ALONE = {"doctor": "doctor", "completion": "completion", "quickstart": "quickstart"}
SANDBOX = {"serve": "sandbox.serve", "reset": "sandbox.reset"}


class Root(Group):
    """The program itself: its commands are the nouns, and those that stand alone."""

    def without_command(self, ctx: Any) -> str | None:
        """Run `quickstart` for a bare command line."""
        return "quickstart"

    def get_command(self, ctx: object, cmd_name: str) -> Any:
        """Build a noun or load a command, or return None if there is none of that name."""
        if cmd_name == "model":
            return Group("model", "Run models: submit paid tasks.", MODEL)
        if cmd_name == "task":
            return Group("task", "Look at tasks, wait for them, save what they made.", TASK)
        if cmd_name == "file":
            return Group("file", "Give models your own pictures: upload and delete them.", FILE)
        if cmd_name == "sandbox":
            from modellix_cli.sandbox.faults import FAULTS

            return Group(
                "sandbox",
                "The embedded Modellix: every command with --sandbox, or a server for others.",
                SANDBOX,
                epilog="Models that provoke one behaviour each:\n"
                + "\n".join(f"  {fault.slug:22} {fault.summary}" for fault in FAULTS.values()),
            )
        return load(ALONE[cmd_name], cmd_name) if cmd_name in ALONE else None


def build() -> Root:
    """Return the root command."""
    statuses = "\n".join(f"  {int(status):3}  {status.meaning}" for status in Exit)
    return Root(
        PROGRAM,
        "Generate images and video with Modellix: never pays twice, never loses a task.\n\n"
        "Start without a key:  modellix-cli model run sandbox/image "
        """--body '{"prompt": "a cat"}' --wait --output-dir . --sandbox""",
        dict.fromkeys(("model", "task", "file", "sandbox", *ALONE), ""),
        epilog=f"Exit status:\n{statuses}",
    )
