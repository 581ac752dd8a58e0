"""Start and question `service.py`, for tests and benchmarks.

with service("--running", "3") as served:
    ... run commands with `served.url` as MODELLIX_BASE_URL ...
    print(served.stats()["duplicates"])
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.e2e.service import Settings

SERVICE = Path(__file__).with_name("service.py")
KEPT = {"port", "with_parent", "seed"}
HEADERS = {"Authorization": "Bearer any", "Content-Type": "application/json"}


@dataclass(frozen=True)
class FakeService:
    """A running service."""

    url: str

    def stats(self) -> Any:
        return self._ask("/__stats__?bodies=1")

    def reset(self, **settings: Any) -> None:
        """Forget every task and count, and change settings."""
        self.change(**settings)
        self._ask("/__reset__", b"")

    def restore(self, **settings: Any) -> None:
        """Forget every task and count, and go back to the settings without faults but these."""
        usual = {name: value for name, value in asdict(Settings()).items() if name not in KEPT}
        self.reset(**usual | settings)

    def change(self, **settings: Any) -> None:
        self._ask("/__set__", json.dumps(settings).encode())

    def tasks_of(self) -> dict[str, list[str]]:
        """The ids of the tasks made for each body, by the body's `prompt`."""
        return {entry["body"]["prompt"]: entry["tasks"] for entry in self.stats()["bodies"]}

    def bills(self) -> dict[str, int]:
        """What each task cost, in thousandths of a dollar."""
        return dict(self.stats()["bills"])

    def submit(self, body: dict[str, Any]) -> str:
        """Make a task, as another program of the same team would."""
        reply = self._ask("/api/v1/a/b/async", json.dumps(body).encode())
        return str(reply["data"]["task_id"])

    def submit_all(self, bodies: list[dict[str, Any]]) -> list[str]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self.submit, bodies))

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + path, data=body, headers=HEADERS)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


@contextmanager
def service(*options: str) -> Iterator[FakeService]:
    """Run the service with these options until the block ends."""
    command = [sys.executable, str(SERVICE), "--with-parent", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield FakeService(process.stdout.readline().decode().strip())
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
