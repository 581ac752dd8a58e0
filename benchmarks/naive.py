"""The baseline: what a person writes first. Ten threads, a fixed pause after a refusal, polling
each task every 2 s. Started by the benchmarks; reads lines or task ids from stdin.

    python benchmarks/naive.py submit | run | wait
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

THREADS = 10
HEADERS = {"Authorization": "Bearer any", "Content-Type": "application/json"}
HTTP = httpx.Client(
    base_url=os.environ["MODELLIX_BASE_URL"] + "/api/v1", headers=HEADERS, trust_env=False
)


def submit(line: str) -> str:
    """Submit one line, a second after each refusal again."""
    asked = json.loads(line)
    while True:
        reply = HTTP.post(f"/{asked['modelSlug']}/async", json=asked["body"])
        if reply.status_code == 200:
            return str(reply.json()["data"]["task_id"])
        time.sleep(1.0)


def ended(task_id: str) -> bool:
    reply = HTTP.get(f"/tasks/{task_id}")
    return reply.status_code == 200 and reply.json()["data"]["status"] in ("success", "failed")


def run(line: str) -> str:
    task_id = submit(line)
    while not ended(task_id):
        time.sleep(2.0)
    return task_id


def wait(pool: ThreadPoolExecutor, task_ids: list[str]) -> None:
    """Ask for all that are left, pause, ask again: the official CLI's rounds."""
    while task_ids:
        answers = list(pool.map(ended, task_ids))
        task_ids = [i for i, done in zip(task_ids, answers, strict=True) if not done]
        if task_ids:
            time.sleep(2.0)


def main(what: str, threads: int) -> None:
    lines: list[Any] = sys.stdin.read().split("\n")
    given = [line for line in lines if line]
    with ThreadPoolExecutor(threads) as pool:
        if what == "wait":
            wait(pool, given)
        else:
            print("\n".join(pool.map(submit if what == "submit" else run, given)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else THREADS)
