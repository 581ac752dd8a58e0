"""What the sweep and the crowd share: a machine of one's own, and the account at its end."""

import json
import os
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from typing import Any

from tests.e2e.account import unknown_names
from tests.e2e.served import FakeService

COMMAND = str(Path(sys.executable).with_name("modellix-cli"))
KEY = "any"
PATIENCE = 180.0


@dataclass(frozen=True)
class Place:
    """A machine with a folder, that has no state but what its commands keep there."""

    folder: Path
    env: dict[str, str]

    @classmethod
    def new(cls, folder: Path, served: FakeService, *, key: str | None = KEY) -> "Place":
        folder.mkdir(parents=True)
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        env = kept | dict.fromkeys(names, str(folder / "home"))
        env |= {"MODELLIX_BASE_URL": served.url, "MODELLIX_CLI_NO_PROGRESS": "1"}
        return cls(folder, env | ({"MODELLIX_API_KEY": key} if key else {}))

    def start(self, *words: str, **env: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [COMMAND, *words], env=self.env | env, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words: str, **env: str) -> tuple[int, bytes, str]:
        """Run a command to its end, and return its status, stdout and stderr."""
        process = self.start(*words, **env)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return process.returncode, out, err.decode()

    def unknown(self) -> list[str]:
        """Return the names of the requests that `task history` lists as unknown."""
        status, out, err = self.run("task", "history", "--json")
        if status:
            raise RuntimeError(f"task history: exit {status}, {err[-300:]}")
        return unknown_names(json.loads(out))

    def integrity(self) -> str:
        """Return what SQLite says of the ledger: `ok`, else what is wrong with it."""
        paths = list((self.folder / "home").rglob("ledger.db"))
        if len(paths) != 1:
            return f"ledgers: {paths}"
        with closing(connect(paths[0])) as db:
            return ", ".join(str(row[0]) for row in db.execute("PRAGMA integrity_check"))


def result_of(out: bytes) -> Any:
    """Return the JSON on stdout; an empty object where there is none."""
    with suppress(ValueError):
        return json.loads(out)
    return {}
