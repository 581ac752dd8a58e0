"""Writes the completion scripts beside this file; a test tells when they are out of date."""

from pathlib import Path

from modellix_cli.commands._framework.completing import script

FILES = {
    "bash": "modellix-cli.bash",
    "zsh": "_modellix-cli",
    "fish": "modellix-cli.fish",
    "powershell": "modellix-cli.ps1",
}

if __name__ == "__main__":
    for shell, name in FILES.items():
        (Path(__file__).parent / name).write_text(script(shell) + "\n", encoding="utf-8")
