"""What the tests of logins share: the API's answers, and what is on disk."""

import json
from pathlib import Path
from typing import Any

import httpx
import respx

from modellix_cli.profiles.credentials import credential_ref
from tests.support import API

ORIGIN = "https://api.modellix.ai"
NO_KEY: dict[str, str | None] = {"MODELLIX_API_KEY": None}


def answer_validity(valid: bool = True) -> respx.Route:
    data = {"code": 0, "message": "success", "data": {"is_valid": valid}}
    return respx.get(f"{API}/apikey/validate").respond(json=data)


def answer_balance(balance: float = 12.5) -> respx.Route:
    data = {"code": 0, "message": "success", "data": {"balance": balance}}
    return respx.get(f"{API}/team/balance").respond(json=data)


def sent_key(route: respx.Route) -> str:
    request = route.calls.last.request
    assert isinstance(request, httpx.Request)
    return request.headers["Authorization"].removeprefix("Bearer ")


class Disk:
    """The login's files in a test's home."""

    def __init__(self, env: dict[str, str]) -> None:
        self.folder = Path(env["XDG_CONFIG_HOME"]) / "modellix"
        self.config = self.folder / "config.json"

    def write(self, config: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(config if isinstance(config, str) else json.dumps(config))

    def key(self, profile: str, origin: str = ORIGIN) -> str | None:
        """The key in credentials.json."""
        path = self.folder / "credentials.json"
        if not path.exists():
            return None
        entries = json.loads(path.read_text())["credentials"]
        entry = entries.get(credential_ref(origin, profile))
        return None if entry is None else str(entry["apiKey"])

    @property
    def empty(self) -> bool:
        return not self.folder.exists() or list(self.folder.iterdir()) == []
