"""The types of what Typer hands out, for annotations only.

Typer carries its own click, which is private: nothing of it is imported when the program runs.
Import this module under `TYPE_CHECKING`.
"""

from typer._click.core import Command as AnyCommand
from typer._click.core import Context, Parameter
from typer._click.formatting import HelpFormatter

__all__ = ["AnyCommand", "Context", "HelpFormatter", "Parameter"]
