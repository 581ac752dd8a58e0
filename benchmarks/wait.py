"""Waiting, as processes against a service that counts polls and lateness, next to naive rounds.

    python benchmarks/wait.py [--only wait300|crowd|crowd3|learn]
                              [--variant headers|bare|sliding|all]

wait300: one `task wait` for 300 strange tasks; crowd: 24 `model run --wait` at once with one key;
crowd3: the same where 3 tasks may run; learn: six runs in a row of a model of constant length.
Lateness is the time between a task's end and the first poll that saw it ended. Exit 1 if a figure
is over its limit.
"""

import json
import sys

from harness import Home, Report, main, prompts

from tests.e2e.served import FakeService

TASKS = 300
CROWD = 24
RUNS = 6
LENGTH = 4.0


def wait300(served: FakeService, place: Home, report: Report) -> None:
    """300 tasks of 1 to 6 s that the journal does not know."""
    ids = served.submit_all(prompts(TASKS))
    served.change()
    ran = place.run("task", "wait", *ids)
    stats = served.stats()
    report.exit_status(ran)
    report.figure("time", ran.seconds, 14, "s")
    report.figure("polls a task, mean", stats["poll_counts"]["mean"], 5)
    report.figure("polls a task, most", stats["poll_counts"]["max"], 5)
    report.figure("peak memory", ran.peak, 90, "MiB")
    report.figure("requests in a second, most", stats["max_requests_in_any_second"])
    report.figure("lateness, mean", stats["lateness"]["mean"], unit="s")
    report.figure("lateness, most", stats["lateness"]["max"], unit="s")
    served.reset()
    ids = served.submit_all(prompts(TASKS))
    served.change()
    naive = place.naive("wait", "8", stdin="\n".join(ids).encode())
    stats = served.stats()
    report.figure("baseline: time", naive.seconds, unit="s")
    report.figure("baseline: polls a task, mean", stats["poll_counts"]["mean"])
    report.figure("baseline: requests in a second", stats["max_requests_in_any_second"])
    report.figure("baseline: lateness, mean", stats["lateness"]["mean"], unit="s")


def crowd(served: FakeService, place: Home, report: Report) -> None:
    """24 processes that know of each other only by what they keep on disk."""
    bodies = [json.dumps(body) for body in prompts(CROWD)]
    started = [place.start("model", "run", "a/b", "--body", b, "--wait") for b in bodies]
    ended = [run.end() for run in started]
    stats = served.stats()
    report.paid_once(stats, CROWD)
    statuses = [ran.status for ran in ended]
    report.exactly("ended with 0", statuses.count(0), CROWD)
    for ran in [ran for ran in ended if ran.status][:2]:
        report.note(f"exit {ran.status}: " + " | ".join(ran.stderr.splitlines()[-3:])[:300])
    report.figure("refusals", stats["refused"], 12)
    report.figure("  by rate", stats["refused_rate"])
    report.figure("  by running tasks", stats["refused_running"])
    report.figure("requests a task", stats["requests"] / CROWD)
    report.figure("time of the last", max(ran.seconds for ran in ended), unit="s")
    report.figure("lateness, mean", stats["lateness"]["mean"], unit="s")
    served.reset()
    lines = "\n".join(json.dumps({"modelSlug": "a/b", "body": body}) for body in prompts(CROWD))
    naive = place.naive("run", str(CROWD), stdin=lines.encode())
    stats = served.stats()
    report.figure("baseline: time", naive.seconds, unit="s")
    report.figure("baseline: refusals", stats["refused"])
    report.figure("baseline: requests a task", stats["requests"] / CROWD)


def learn(served: FakeService, place: Home, report: Report) -> None:
    """The same model again and again: the journal could know how long it takes."""
    requests: list[float] = []
    for body in prompts(RUNS):
        before = served.stats()["requests"]
        ran = place.run("model", "run", "a/b", "--body", json.dumps(body), "--wait")
        if ran.status:
            report.exit_status(ran)
        requests.append(served.stats()["requests"] - before)
    late = [entry["lateness"][0] or 0.0 for entry in served.stats()["bodies"]]
    report.note("requests " + " ".join(f"{count:4.0f}" for count in requests))
    report.note("lateness " + " ".join(f"{seconds:4.2f}" for seconds in late))
    report.figure("requests, mean of the last 3", sum(requests[-3:]) / 3, 3)
    report.figure("lateness, most of the last 3", max(late[-3:]), max(1.0, LENGTH / 10), "s")
    served.reset()
    for body in prompts(2):
        line = json.dumps({"modelSlug": "a/b", "body": body})
        place.naive("run", "1", stdin=line.encode())
    stats = served.stats()
    report.figure("baseline: requests", stats["requests"] / 2)
    report.figure("baseline: lateness, most", stats["lateness"]["max"], unit="s")


if __name__ == "__main__":
    rate = ["--rate", "40", "--window", "5", "--task-time", "1-3"]
    cases = {
        "wait300": (["--task-time", "1-6"], wait300),
        "crowd": (rate, crowd),
        "crowd3": ([*rate, "--running", "3"], crowd),
        "learn": (["--task-time", str(LENGTH)], learn),
    }
    sys.exit(main(__doc__, cases))
