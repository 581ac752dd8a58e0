"""The programs that `model run --snippet` prints, with places for the request (`snippets.py`).

Each sends the paid request once, tells the id of its task at once, and says in a sentence what
went wrong. A reply without an id is shown as it came, as it may hold one in another place.
"""

from typing import Final

_PYTHON: Final = r"""
# Run with the key in MODELLIX_API_KEY. Needs nothing but Python 3.9 or newer.
import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

KEY = "".join(os.environ.get("MODELLIX_API_KEY", "").split())
if not KEY:
    sys.exit("Set MODELLIX_API_KEY to your API key.")
HEADERS = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json"}
BODY = $body


class Refused(Exception):
    pass


class Here(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):  # the key goes nowhere else
        return None


def call(url, field, body=None, more=None):
    # Returns the data of a reply that has the field, else raises what came instead.
    request = urllib.request.Request(url, body, HEADERS | (more or {}))
    try:
        reply = urllib.request.build_opener(Here).open(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    try:
        text = reply.read().decode("utf-8", "replace")
    except http.client.IncompleteRead as error:
        text = error.partial.decode("utf-8", "replace")
    try:
        document = json.loads(text)
        data, code = document.get("data"), document.get("code")
    except (ValueError, AttributeError):
        data = code = None
    if isinstance(data, dict) and data.get(field):
        return data
    refused = code in $refusals and reply.status in (200, code) and not data
    shown = text[: 65536 if body else 500]  # an id may stand anywhere in it
    raise (Refused if refused else OSError)(f"HTTP {reply.status}: {shown!r}")


# Paid, so it is sent once.
try:
    task = call($url, "task_id", BODY.encode(), $headers)
except Refused as error:
    sys.exit(f"The API refused the request. {error}")
except Exception as error:
    sys.exit(f"$unknown {error}")
task_id = urllib.parse.quote(str(task["task_id"]), safe="")
address = $api + "/tasks/" + task_id
print("Submitted:", task_id, flush=True)

pause, failures = 1, 0
while True:
    time.sleep(pause)
    pause = min(pause * 2, 10)
    try:
        task, failures = call(address, "status"), 0
    except Exception as error:  # a passing failure: the task goes on
        failures += 1
        if failures > 10:
            sys.exit(f"The task cannot be read, and may go on: {address} {error}")
        continue
    status = str(task["status"]).lower()
    if status in $failed:
        sys.exit(f"Task {task_id} ended: {status}")
    if status in $done:
        break


def content(resource):
    # Returns the bytes of a result and the extension of its file.
    resource = {"url": resource} if isinstance(resource, str) else resource
    url, text = str(resource.get("url")), resource.get("text") or resource.get("content")
    extension = re.sub("[^a-zA-Z0-9]", "", str(resource.get("format") or "").split("/")[-1])
    if re.match("https?://|data:", url):
        with urllib.request.urlopen(url, timeout=60) as reply:
            return reply.read(), extension or "bin"
    if isinstance(text, str):
        return text.encode(), extension or "txt"
    return json.dumps(resource).encode(), "json"


result, missing = task.get("result"), False
resources = result.get("resources") if isinstance(result, dict) else None
if not isinstance(resources, list) or not resources:
    resources = [task]
for number, resource in enumerate(resources, 1):
    try:
        data, extension = content(resource)
        name = f"{task_id}-{number}.{extension}"
        with open(name, "xb") as file:  # replaces no file
            file.write(data)
        print("Saved:", name)
    except Exception as error:
        missing = True
        print(f"Not saved: result {number}. {str(error)!r}", file=sys.stderr)
if missing:
    sys.exit(f"Results are kept for 7 days: {address}")
"""
_JAVASCRIPT: Final = r"""
// Run with the key in MODELLIX_API_KEY: node program.mjs. Needs Node.js 18 or newer.
import { writeFile } from "node:fs/promises";

const key = (process.env.MODELLIX_API_KEY ?? "").replace(/\s/g, "");
if (!key) end("Set MODELLIX_API_KEY to your API key.");
const headers = { Authorization: `Bearer $${key}`, "Content-Type": "application/json" };
const body = $body;

function end(message) {
  console.error(message);
  process.exit(1);
}

function why(error) {
  return [error.message, error.cause?.message].filter(Boolean).join(": ");
}

// Returns the data of a reply that has the field, else throws what came instead.
async function call(url, field, options = {}) {
  const all = { ...headers, ...options.headers };
  const reply = await fetch(url, { ...options, headers: all, redirect: "error" });
  const parts = [];
  try {
    for await (const part of reply.body) parts.push(part);
  } catch {} // half a reply is shown too
  const text = Buffer.concat(parts).toString();
  let document;
  try {
    document = JSON.parse(text);
  } catch {}
  if (document?.data?.[field]) return document.data;
  const shown = text.slice(0, options.body ? 65536 : 500); // an id may stand anywhere in it
  const error = new Error(`HTTP $${reply.status}: $${JSON.stringify(shown)}`);
  const code = document?.code;
  const empty = Object.keys(document?.data ?? {}).length === 0;
  error.refused = $refusals.includes(code) && [200, code].includes(reply.status) && empty;
  throw error;
}

// Paid, so it is sent once.
let task;
try {
  task = await call($url, "task_id", { method: "POST", body, headers: $headers });
} catch (error) {
  if (error.refused) end(`The API refused the request. $${why(error)}`);
  end(`$unknown $${why(error)}`);
}
const task_id = encodeURIComponent(task.task_id);
const address = $api + "/tasks/" + task_id;
console.log("Submitted:", task_id);

let pause = 1000, failures = 0;
while (true) {
  await new Promise((done) => setTimeout(done, pause));
  pause = Math.min(pause * 2, 10000);
  try {
    task = await call(address, "status");
    failures = 0;
  } catch (error) { // a passing failure: the task goes on
    if (++failures > 10) end(`The task cannot be read, and may go on: $${address} $${why(error)}`);
    continue;
  }
  const status = String(task.status).toLowerCase();
  if ($failed.includes(status)) end(`Task $${task_id} ended: $${status}`);
  if ($done.includes(status)) break;
}

// Returns the content of a result and the extension of its file.
async function content(resource) {
  if (typeof resource === "string") resource = { url: resource };
  const extension = String(resource.format ?? "").split("/").pop().replace(/[^a-z0-9]/gi, "");
  const text = resource.text || resource.content;
  if (/^(https?:\/\/|data:)/.test(resource.url)) {
    const reply = await fetch(resource.url);
    if (!reply.ok) throw new Error(`HTTP $${reply.status}`);
    return [Buffer.from(await reply.arrayBuffer()), extension || "bin"];
  }
  if (typeof text === "string") return [text, extension || "txt"];
  return [JSON.stringify(resource), "json"];
}

const found = task.result?.resources;
const resources = Array.isArray(found) && found.length ? found : [task];
let missing = false;
for (const [index, resource] of resources.entries()) {
  try {
    const [data, extension] = await content(resource);
    const name = `$${task_id}-$${index + 1}.$${extension}`;
    await writeFile(name, data, { flag: "wx" }); // replaces no file
    console.log("Saved:", name);
  } catch (error) {
    missing = true;
    console.error(`Not saved: result $${index + 1}. $${JSON.stringify(why(error))}`);
  }
}
if (missing) end(`Results are kept for 7 days: $${address}`);
"""
_CURL: Final = r"""
#!/usr/bin/env bash
# Run with the key in MODELLIX_API_KEY. Needs curl and jq.
set -euo pipefail
key="Authorization: Bearer $${MODELLIX_API_KEY:?Set it to your API key.}"
body=$body

end() { printf '%s\n' "$$1" >&2; exit 1; }
call() { curl -sS --max-time 60 --retry 0 -H @<(printf %s "$$key") "$$@"; }
field() { jq -r "$$1" <<<"$$reply" 2>/dev/null || true; } # of the last reply
shown() { printf %s "$$reply" | jq -Rs ".[:$$1]"; }
command -v jq >/dev/null || end "Install jq first."

# Paid, so it is sent once.
reply=$$(printf %s "$$body" | call -H 'Content-Type: application/json'$webhook \
  -w '\n%{http_code}' --data-binary @- $url) || true
status=$${reply##*$$'\n'} reply=$${reply%$$'\n'*}
task_id=$$(field '.data.task_id // empty | @uri')
if [ -z "$$task_id" ]; then
  code=$$(field .code) data=$$(field '.data // empty | select(length > 0)')
  case $$code in
    $refused_words)
      if [ -z "$$data" ] && [[ $$status = 200 || $$status = "$$code" ]]; then
        end "The API refused the request. $$(shown 500)"
      fi ;;
  esac
  end "$unknown $$(shown 65536)" # an id may stand anywhere in it
fi
address=$api"/tasks/$$task_id"
echo "Submitted: $$task_id"

pause=1 failures=0
while true; do
  sleep "$$pause"
  pause=$$((pause * 2 > 10 ? 10 : pause * 2))
  reply=$$(call "$$address") || true
  case $$(field '.data.status | ascii_downcase') in
    $done_words) break ;;
    $failed_words) end "Task $$task_id ended: $$(field '.data.status | ascii_downcase')" ;;
    "") failures=$$((failures + 1)) ;; # a passing failure: the task goes on
    *) failures=0 ;;
  esac
  if [ "$$failures" -gt 10 ]; then
    end "The task cannot be read, and may go on: $$address $$(shown 500)"
  fi
done

content() { # writes a result to stdout
  case $$url in
    http://* | https://*) curl -sSgL --fail --proto =http,https "$$url" ;;
    data:*\;base64,*) base64 -d <<<"$${url#*,}" ;;
    *) jq -j '(.text? // .content? | strings) // .' <<<"$$resource" ;;
  esac
}

resources=$$(jq -c '.data | (.result.resources? | arrays | select(. != [])) // [.]' <<<"$$reply")
missing=
for ((number = 1; number <= $$(jq length <<<"$$resources"); number++)); do
  resource=$$(jq -c ".[$$number - 1]" <<<"$$resources" |
    jq -c 'if type == "string" then {url: .} else . end')
  url=$$(jq -r '.url? // ""' <<<"$$resource")
  extension=$$(jq -r '(.format? // "" | tostring | gsub(".*/|[^a-zA-Z0-9]"; "")) as $$format |
    if (.url? // "" | tostring | test("^(https?://|data:.*;base64,)")) then [$$format, "bin"]
    elif (.text? // .content? | type) == "string" then [$$format, "txt"]
    else ["json"] end | map(select(. != ""))[0]' <<<"$$resource")
  name=$$task_id-$$number.$$extension
  if [ -e "$$name" ]; then
    echo "Not saved: $$name is there already." >&2
    missing=1
  elif content >"$$name.part" && mv -n -- "$$name.part" "$$name"; then
    echo "Saved: $$name"
  else
    rm -f -- "$$name.part"
    echo "Not saved: result $$number." >&2
    missing=1
  fi
done
if [ "$$missing" ]; then end "Results are kept for 7 days: $$address"; fi
"""
PROGRAMS: Final = {"curl": _CURL, "python": _PYTHON, "javascript": _JAVASCRIPT}
