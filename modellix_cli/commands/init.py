"""`modellix-cli init`: from no account to a first picture, and to an API key that is saved."""

import shlex
from typing import Final

import typer

from modellix_cli.commands._framework.command import PROGRAM, Group, command
from modellix_cli.commands._framework.options import ApiKey, ApiKeyStdin, Check, Force, StoreIn, Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, ModellixError
from modellix_cli.domain.values import KEY_PAGE
from modellix_cli.output.sink import Output

QUESTION: Final = f"Enter your Modellix API key ({KEY_PAGE}):"


@command(
    default=Output.HUMAN,
    examples=("init", "init --api-key-stdin < key.txt", "init --check --json"),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def init(
    ctx: typer.Context,
    api_key: ApiKey = None,
    api_key_stdin: ApiKeyStdin = False,
    check: Check = False,
    force: Force = False,
    yes: Yes = False,
    store: StoreIn = None,
) -> None:
    """Begin: a first picture in the sandbox, an API key, the first real picture.

    At a terminal without a key it offers a picture that needs no account. Then it asks for a key,
    validates and saves it, and shows what to do next. Nothing is charged.

    The key comes from --api-key, from stdin, from MODELLIX_API_KEY (then it is not saved), from
    the saved profile, or from a hidden prompt. A saved key that no longer works is replaced.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login import Wanted, sign_in
    from modellix_cli.workflows.setup import find_setup

    session = Session.of(ctx)
    wanted = Wanted(api_key, api_key_stdin, check, force, yes, store)
    if not (check or yes or api_key_stdin or find_setup(session, api_key).configured):
        offer_first_picture(session, ctx)
    accounts.set_up(session.out, sign_in(session, wanted, QUESTION), session.stores.accounts.path)


def offer_first_picture(session: Session, ctx: typer.Context) -> None:
    """Make a picture in the sandbox if the user agrees; whatever comes of it, `init` goes on."""
    from modellix_cli.context.prompts import agrees
    from modellix_cli.output.first_steps import SANDBOX_PICTURE

    line = f"{PROGRAM} {SANDBOX_PICTURE[0]}"
    if not agrees(session, f"Make a first picture now? No key, no cost: {line}"):
        return
    root = ctx.find_root().command
    assert isinstance(root, Group)
    run_in_sandbox(session, root, shlex.split(SANDBOX_PICTURE[0]))
    session.out.line("")
    session.out.line(f"For real pictures you need an API key. Get one at {KEY_PAGE}")


def run_in_sandbox(session: Session, root: Group, words: list[str]) -> None:
    """Run a command line as a run of its own, and tell its failure in words."""
    inner = Session(session.runtime, session.out)
    mode = session.out.mode
    try:
        with inner.opened():
            root.main(words, prog_name=PROGRAM, standalone_mode=False, obj=inner)
    except ModellixError as error:
        session.out.warn(f"{error.message} {error.hint}".strip())
    except OSError as error:  # no folder for the sandbox
        session.out.warn(f"{error}.")
    finally:
        session.out.mode = mode
