"""The service's account against the command's, for the tests that kill.

Every request has a name: the `prompt` of its body, and the model `a/<name>`, by which an unknown
request is known in `task history`.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.orders import SAVING, lines
from tests.e2e.service import PNG

LINES = 3
SAVE = (*SAVING, "--output-dir", "out")
KINDS: dict[str, Sequence[str]] = {
    "run": (),
    "run with saving": SAVE,
    "batch": ("--concurrency", "2"),
    "batch with saving": ("--concurrency", "2", *SAVE),
}
"""The commands that pay, by name, with their options."""


def command(kind: str, number: object, folder: Path) -> list[str]:
    """Return the words of the `number`-th command of a kind; the lines of a batch are written."""
    names = names_of(kind, number)
    out = (f"out-{number}" if word == "out" else word for word in KINDS[kind])
    if kind.startswith("run"):
        return ["model", "run", f"a/{names[0]}", "--body", f'{{"prompt": "{names[0]}"}}', *out]
    path = folder / f"{number}.jsonl"
    path.write_text(batch_of(names))
    return ["model", "batch", str(path), "--yes", "--continue-on-unknown", *out]


def names_of(kind: str, number: object) -> list[str]:
    """Return the names of what the `number`-th command of a kind asks for."""
    count = 1 if kind.startswith("run") else LINES
    return [f"{number}-{line}" for line in range(1, count + 1)]


def batch_of(names: Iterable[str]) -> str:
    return "".join(lines({"prompt": name}, slug=f"a/{name}") for name in names)


def told_ids(kind: str, result: Any) -> list[str | None]:
    """Return the task ids that a result in JSON tells; None where none is known."""
    if kind.startswith("run"):
        return [result.get("data", {}).get("task_id")]
    return [entry.get("taskId") for entry in result["tasks"]]


def faults(
    told: Mapping[str, str | None], made: Mapping[str, Sequence[str]], unknown: Iterable[str]
) -> list[str]:
    """Return in words what was paid twice, lost or made up; nothing is as it must be.

    `told` are the ids by name that results tell, `made` those that the service made, `unknown` the
    names of the requests that `task history` lists as unknown.
    """
    doubted, wrong = set(unknown), []
    for name in sorted({*told, *made}):
        ids, known = made.get(name, []), told.get(name)
        if len(ids) > 1:
            wrong.append(f"{name}: paid twice, {ids}")
        elif known is None and name not in doubted:
            wrong.append(f"{name}: lost, made were {ids}")
        elif known is not None and [known] != ids:
            wrong.append(f"{name}: says {known}, made were {ids}")
    return wrong


def unknown_names(history: Any) -> list[str]:
    """Return the names of the unknown requests in the JSON of `task history`."""
    return [entry["modelSlug"].removeprefix("a/") for entry in history["unknownSubmissions"]]


def broken_files(folder: Path) -> list[str]:
    """Return the saved files below a folder that are not whole."""
    return [str(path) for path in folder.rglob("*.png") if path.read_bytes() != PNG]
