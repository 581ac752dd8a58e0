"""A request as code: one curl command, or a short program that submits, polls and saves.

The key stays in MODELLIX_API_KEY; what is printed works as it stands. The programs do not repeat
the paid request, and follow docs/spec/service.md 2 and 3.
"""

import json
from string import Template
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.shell import quote as quote_word
from modellix_cli.domain.task import FAILED, SUCCEEDED

LANGUAGES: Final = ("curl", "python", "javascript")
_LONGEST_ARGUMENT: Final = 100_000
"""Bytes; a longer body is given to curl by its standard input."""


@frozen
class RequestAsCode:
    """A paid request: the full address of its submission, the API's address, and its body.

    `body` is JSON text, `api` ends in /api/v1, `webhook` is the address to be called.
    """

    url: str
    api: str
    body: str
    webhook: str | None = None

    def curl(self) -> str:
        """Return one command for a POSIX shell that submits the request."""
        words = ["curl", "-sS", "--fail-with-body", quote_word(self.url)]
        lines = [" ".join(words), '-H "Authorization: Bearer $MODELLIX_API_KEY"']
        lines.append("-H 'Content-Type: application/json'")
        if self.webhook is not None:
            lines.append("-H " + quote_word(f"X-Webhook-URL: {self.webhook}"))
        if len(self.body.encode()) <= _LONGEST_ARGUMENT:
            return _join([*lines, "--data-raw " + quote_word(self.body)])
        mark = _mark(self.body)
        return _join([*lines, f"--data-binary @- <<'{mark}'"]) + f"\n{self.body}\n{mark}"

    def program(self, language: str) -> str:
        """Return a program of `LANGUAGES` that submits, polls and saves."""
        quote = {"curl": quote_word, "python": ascii, "javascript": json.dumps}[language]
        headers = {} if self.webhook is None else {"X-Webhook-URL": self.webhook}
        values = {
            "url": quote(self.url),
            "api": quote(self.api),
            "body": quote(self.body),
            "headers": json.dumps(headers),
            "webhook": "" if self.webhook is None else _shell_webhook(self.webhook),
            "done": json.dumps(sorted(SUCCEEDED)),
            "failed": json.dumps(sorted(FAILED)),
            "done_words": "|".join(sorted(SUCCEEDED)),
            "failed_words": "|".join(sorted(FAILED)),
        }
        return Template(_PROGRAMS[language]).substitute(values).strip()


def _join(lines: list[str]) -> str:
    return " \\\n  ".join(lines)


def _mark(body: str) -> str:
    """Return a word that ends a here-document, as no line of the body is it."""
    mark, lines = "BODY", set(body.splitlines())
    while mark in lines:
        mark += "_"
    return mark


def _shell_webhook(webhook: str) -> str:
    return " -H " + quote_word(f"X-Webhook-URL: {webhook}")


_PYTHON: Final = """
# Run with the key in MODELLIX_API_KEY. Needs nothing but Python 3.
import json
import os
import time
import urllib.error
import urllib.request

HEADERS = {
    "Authorization": "Bearer " + os.environ["MODELLIX_API_KEY"],
    "Content-Type": "application/json",
}
BODY = $body


def call(url, body=None, more=None):
    request = urllib.request.Request(url, body, HEADERS | (more or {}))
    with urllib.request.urlopen(request, timeout=60) as reply:
        document = json.load(reply)
    if document.get("code"):
        raise SystemExit(document.get("message"))
    return document["data"]


# Paid, so it is sent once.
task_id = call($url, BODY.encode(), $headers)["task_id"]
print("Submitted:", task_id, flush=True)

pause, failures = 1, 0
while True:
    time.sleep(pause)
    pause = min(pause * 2, 10)
    try:
        task = call($api + "/tasks/" + task_id)
    except urllib.error.URLError as error:  # a passing failure: the task goes on
        failures += 1
        if failures > 10:
            raise SystemExit(f"Task {task_id}: {error}") from error
        continue
    if task["status"] in $failed:
        raise SystemExit(f"Task {task_id} ended: {task['status']}")
    if task["status"] in $done:
        break

for number, resource in enumerate(task["result"]["resources"], 1):
    extension = "".join(filter(str.isalnum, resource.get("format") or "bin"))
    name = f"result-{number}.{extension}"
    urllib.request.urlretrieve(resource["url"], name)
    print("Saved:", name)
"""
_JAVASCRIPT: Final = """
// Run with the key in MODELLIX_API_KEY: node program.mjs. Needs Node.js 18 or newer.
import { writeFile } from "node:fs/promises";

const headers = {
  Authorization: `Bearer $${process.env.MODELLIX_API_KEY}`,
  "Content-Type": "application/json",
};
const body = $body;

async function call(url, options = {}) {
  const reply = await fetch(url, { ...options, headers: { ...headers, ...options.headers } });
  const document = await reply.json();
  if (!reply.ok || document.code) throw new Error(document.message);
  return document.data;
}

// Paid, so it is sent once.
const { task_id } = await call($url, { method: "POST", body, headers: $headers });
console.log("Submitted:", task_id);

let task, pause = 1000, failures = 0;
while (true) {
  await new Promise((done) => setTimeout(done, pause));
  pause = Math.min(pause * 2, 10000);
  try {
    task = await call($api + "/tasks/" + task_id);
  } catch (error) { // a passing failure: the task goes on
    if (++failures > 10) throw error;
    continue;
  }
  if ($failed.includes(task.status)) throw new Error(`Task $${task_id} ended: $${task.status}`);
  if ($done.includes(task.status)) break;
}

for (const [index, resource] of task.result.resources.entries()) {
  const extension = (resource.format || "bin").replace(/[^a-z0-9]/gi, "");
  const name = `result-$${index + 1}.$${extension}`;
  await writeFile(name, Buffer.from(await (await fetch(resource.url)).arrayBuffer()));
  console.log("Saved:", name);
}
"""
_CURL: Final = """
#!/usr/bin/env bash
# Run with the key in MODELLIX_API_KEY. Needs curl and jq.
set -euo pipefail
key="Authorization: Bearer $${MODELLIX_API_KEY:?Set MODELLIX_API_KEY}"
body=$body

# Paid, so it is sent once.
task_id=$$(printf %s "$$body" | curl -sS --fail-with-body -H @<(printf %s "$$key") \\
  -H 'Content-Type: application/json'$webhook --data-binary @- $url | jq -er .data.task_id)
echo "Submitted: $$task_id"

pause=1 failures=0
while true; do
  sleep "$$pause"
  pause=$$((pause * 2 > 10 ? 10 : pause * 2))
  if ! task=$$(curl -sS --fail-with-body -H @<(printf %s "$$key") $api"/tasks/$$task_id"); then
    failures=$$((failures + 1)) # a passing failure: the task goes on
    if [ "$$failures" -gt 10 ]; then exit 1; fi
    continue
  fi
  case $$(jq -r .data.status <<<"$$task") in
    $done_words) break ;;
    $failed_words) echo "Task $$task_id did not succeed." >&2; exit 1 ;;
  esac
done

number=0
jq -r '.data.result.resources[] | [.url, (.format // "bin" | gsub("[^a-zA-Z0-9]"; ""))] | @tsv' \\
  <<<"$$task" | while IFS=$$'\\t' read -r url extension; do
  number=$$((number + 1))
  curl -sSL --fail -o "result-$$number.$$extension" "$$url"
  echo "Saved: result-$$number.$$extension"
done
"""
_PROGRAMS: Final = {"curl": _CURL, "python": _PYTHON, "javascript": _JAVASCRIPT}
