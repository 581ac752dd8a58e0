"""A server that says the API key back: it is neither on disk nor in the output.

That URLs of results lose it too is in tests/api/test_read.py.
"""

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, KEY, accepted

RUN = ("model", "run", "a/b", "--body", "{}", "--wait")


def found_in(folder: Path) -> list[Path]:
    """The files whose name or content has the key."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if KEY in path.name or KEY.encode() in path.read_bytes()]


@respx.mock
@pytest.mark.parametrize("where", ["body", "header"])
def test_a_key_in_the_place_of_a_task_id_is_not_kept(
    cli: Cli, work: Path, tmp_path: Path, where: str
) -> None:
    reply: dict[str, Any] = accepted(KEY) if where == "body" else {"code": 0, "message": "success"}
    headers = {} if where == "body" else {"X-Task-Id": KEY}
    respx.post(f"{API}/a/b/async").respond(json=reply, headers=headers)
    respx.get(url__startswith=f"{API}/tasks/").mock(return_value=httpx.Response(404))
    result = cli(*RUN, "--timeout", "1s")
    assert result.status != 0
    assert KEY not in result.stdout + result.stderr
    assert found_in(tmp_path) == found_in(work) == []
