"""What an argument or option offers to Tab, by the name of a function in completers.py."""

from collections.abc import Callable

import typer

Offer = Callable[[typer.Context, list[str], str], list[str]]


def offer(name: str) -> Offer:
    """Return what Typer asks, which loads completers.py only once a shell asks."""

    def offered(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
        from modellix_cli.commands._framework import completers

        found: list[str] = getattr(completers, name)(ctx, incomplete)
        return found

    return offered
