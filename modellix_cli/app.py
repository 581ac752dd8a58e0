"""The command tree: which noun lives where. Only registers; a command loads when it is named."""

from typing import TYPE_CHECKING

from modellix_cli.commands._framework.command import PROGRAM, Command, Group, load
from modellix_cli.commands._framework.global_options import version_option

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import Context, HelpFormatter

MODEL = {
    "run": "model.run",
    "invoke": "model.run",
    "batch": "model.batch",
    "list": "model.list",
    "find": "model.find",
    "diff": "model.diff",
    "describe": "model.describe",
    "params": "model.params",
    "get-schema": "model.get_schema",
    "docs": "model.docs",
}
TASK = {
    "get": "task.get",
    "wait": "task.wait",
    "download": "task.download",
    "history": "task.history",
    "show": "task.show",
    "rerun": "task.rerun",
    "gallery": "task.gallery",
    "url": "task.url",
    "open": "task.open",
    "resolve": "task.resolve",
    "preview": "task.preview",
    "watch": "task.watch",
}
BATCH = {"list": "batch.list", "show": "batch.show"}
AUTH = {
    "login": "auth.login",
    "status": "auth.status",
    "whoami": "auth.status",
    "logout": "auth.logout",
    "import-env": "auth.import_env",
    "migrate": "auth.migrate",
}
CONFIG = {"path": "config.path", "show": "config.show", "clear": "config.clear"}
PROJECT = {"show": "project.show", "init": "project.init"}
LEDGER = {"path": "ledger.path", "acknowledge": "ledger.acknowledge"}
DOCS = {"list": "docs.list", "page": "docs.page", "search": "docs.search"}
FILE = {"upload": "file.upload", "list": "file.list", "delete": "file.delete"}
ALONE = {
    "init": "init",
    "doctor": "doctor",
    "completion": "completion",
    "autocomplete": "autocomplete",
    "help": "help",
    "quickstart": "quickstart",
    "which": "which",
    "usage": "usage",
}
WEBHOOK = {"listen": "webhook.listen"}
SANDBOX = {"serve": "sandbox.serve", "reset": "sandbox.reset"}


NOUNS = (
    *("model", "task", "batch", "file", "webhook", "docs"),
    *("ledger", "project", "auth", "config", "sandbox"),
)


class Root(Group):
    """The program itself: its commands are the nouns, and those that stand alone."""

    @property
    def nouns(self) -> tuple[str, ...]:
        """Which of its commands are nouns: groups of commands."""
        return NOUNS

    def without_command(self, ctx: "Context") -> str | None:
        """Run `quickstart` for a bare command line."""
        return "quickstart"

    def get_command(self, ctx: "Context", cmd_name: str) -> Command | Group | None:
        """Build a noun or load a command, or return None if there is none of that name."""
        if cmd_name == "model":
            return Group("model", "Run models (paid), find them, read about them.", MODEL)
        if cmd_name == "task":
            return Group("task", "Show tasks, wait for them, save their results.", TASK)
        if cmd_name == "batch":
            return Group("batch", "Show the batches of this machine; model batch runs them.", BATCH)
        if cmd_name == "auth":
            return Group("auth", "Log in and out; save, check and migrate API keys.", AUTH)
        if cmd_name == "config":
            return Group("config", "Show the saved configuration, or remove a profile.", CONFIG)
        if cmd_name == "ledger":
            return Group("ledger", "The record of what was paid.", LEDGER)
        if cmd_name == "project":
            return Group(
                "project",
                "Settings of a project, kept in modellix.toml.",
                PROJECT,
                more=_project_settings,
            )
        if cmd_name == "docs":
            return Group("docs", "Read the documentation of Modellix; needs no key.", DOCS)
        if cmd_name == "file":
            return Group("file", "Give models your own images, video and audio.", FILE)
        if cmd_name == "webhook":
            return Group("webhook", "Be told by Modellix when tasks end.", WEBHOOK)
        if cmd_name == "sandbox":
            return Group(
                "sandbox",
                "The embedded Modellix: no key, no cost. With --sandbox every command uses it.",
                SANDBOX,
                more=_sandbox_models,
            )
        return load(ALONE[cmd_name], cmd_name) if cmd_name in ALONE else None

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write how to begin, the commands, the topics of `help`, and the program's own options."""
        from modellix_cli.commands._framework import help_page as page
        from modellix_cli.commands._framework.topics import TOPICS
        from modellix_cli.output.first_steps import FIRST, shown

        page.write_usage(ctx, formatter, self.collect_usage_pieces(ctx))
        page.write_summary(formatter, self.help)
        page.write_lines(formatter, "Examples", shown(FIRST, PROGRAM))
        page.write_commands(self, ctx, formatter)
        page.write_rows(formatter, f"Topics ({PROGRAM} help TOPIC)", list(TOPICS.items()))
        own = [param.get_help_record(ctx) for param in self.get_params(ctx) if param.is_eager]
        page.write_rows(formatter, "Options", [row for row in own if row is not None])
        page.write_pointers(formatter, ())


def _project_settings() -> str:
    """Return what may be in modellix.toml."""
    from modellix_cli.project.starter import STARTER

    lines = (f"  {line}".rstrip() for line in STARTER.splitlines())
    return "\n".join(("Every setting, as project init writes them:", "", *lines))


def _sandbox_models() -> str:
    """Return the models that provoke one behaviour each, a line for each."""
    from modellix_cli.sandbox.faults import FAULTS

    lines = (f"  {fault.slug:22} {fault.summary}" for fault in FAULTS.values())
    return "\n".join(("Models that provoke one behaviour each:", *lines))


def build() -> Root:
    """Return the root command."""
    root = Root(
        PROGRAM,
        "Generate images and video with Modellix: never pays twice, never loses a task.",
        dict.fromkeys((*NOUNS, *ALONE), ""),
    )
    root.params.append(version_option())
    return root
