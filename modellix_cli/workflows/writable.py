"""The places that a command is to write to, tried before anything is paid and without writing."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.options.saving import Saving
from modellix_cli.paths import config_dir, state_dir

if TYPE_CHECKING:
    from pathlib import Path

    from modellix_cli.downloads.fetcher import MediaFetcher


def check_saving(session: Session, options: Saving) -> None:
    """Refuse a folder for results in which nothing could be saved. Nothing is made.

    Raises the usage error, `OUTPUT_UNWRITABLE`, and `RESOURCE_REFUSED` where none could be fetched.
    """
    if options.output_dir is None:
        return
    from modellix_cli.downloads.files import check_folder

    check_folder(session.settings.path(options.output_dir))
    media_fetcher(session, options)


def media_fetcher(session: Session, options: Saving) -> "MediaFetcher":
    """Return what fetches results. Raises `RESOURCE_REFUSED` where it could fetch none."""
    from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy

    policy = MediaPolicy(
        options.allow_insecure_http, options.allow_private_network, session.settings.base_url
    )
    fetcher = MediaFetcher(policy, session.connections.sandbox_app, session.runtime.clock)
    session.closing.callback(fetcher.close)
    fetcher.check_before_paying(session.settings.base_url)
    return fetcher


def check_results(
    session: Session, results: str | None, source: str | None, given: Iterable[str] = ()
) -> None:
    """Refuse a file for results that cannot be written, or must not be. Nothing is opened.

    `source` is the batch's input as it was named, `given` are parameters, `KEY=@FILE` among them.
    Raises the usage error for a file that is an input, or one of this program's own, and
    `OUTPUT_UNWRITABLE`.
    """
    if results is None:
        return
    from modellix_cli.downloads.files import check_file

    path = session.settings.path(results)
    if _is_input(session, path, source):
        raise usage("--results names the input, which it would overwrite.")
    if any(_is_same(path, session.settings.path(name)) for name in _files_in(given)):
        raise usage("--results names a file of --set or --matrix, which it would overwrite.")
    env = session.runtime.env
    if any(_is_own(path, folder) for folder in (state_dir(env), config_dir(env))):
        raise usage(
            f"--results names {path}, in the folder where modellix-cli keeps what was paid for "
            "and its settings.",
            hint="Name a file in another folder.",
        )
    check_file(path)


def _is_input(session: Session, path: "Path", source: str | None) -> bool:
    stdin = session.runtime.stdin
    try:
        if source not in (None, "-"):
            given = session.settings.path(str(source)).stat()
        elif source == "-" and stdin is not None:
            given = os.fstat(stdin.fileno())
        else:
            return False
        return os.path.samestat(path.stat(), given)
    except (OSError, ValueError):  # one of them is gone, or is no file
        return False


def _files_in(given: Iterable[str]) -> Iterator[str]:
    """Yield what may be files in `KEY=@FILE` and `KEY=@ONE,@TWO`."""
    for text in given:
        value = text.partition("=")[2]
        yield from (name[1:] for name in (value, *value.split(",")) if name.startswith("@"))


def _is_same(path: "Path", other: "Path") -> bool:
    try:
        return os.path.samestat(path.stat(), other.stat())
    except (OSError, ValueError):  # one of them is not there, or is no name of a file
        return False


def _is_own(path: "Path", folder: "Path") -> bool:
    """Whether a path leads into a folder of this program, or is a file of it by another name."""
    try:
        if path.resolve().is_relative_to(folder.resolve()):
            return True
        return path.exists() and any(_is_same(path, own) for own in folder.rglob("*"))
    except (OSError, RuntimeError):  # links that lead in a circle
        return False
