"""`model batch` as a process against a service that enforces its limits, next to a naive loop.

    python benchmarks/batch.py [--only busy40|wait40|many] [--variant headers|bare|sliding|all]

busy40: 40 lines where 3 tasks may run; wait40: 40 lines to their end where requests are counted
too; many: 20,000 lines without limits. Exit 1 if a figure is over its limit.
"""

import sys
from pathlib import Path

from harness import Home, Report, main, prompts

from tests.e2e.served import FakeService

LINES = 40
MANY = 20_000


def busy40(served: FakeService, place: Home, report: Report) -> None:
    """40 tasks of 0.5 s, 3 at a time: 6.7 s if the service never idles."""
    path = place.lines(prompts(LINES))
    ran = place.run("model", "batch", path, "--yes", "--concurrency", "10", "--json")
    stats = served.stats()
    report.exit_status(ran)
    report.paid_once(stats, LINES)
    report.figure("time", ran.seconds, 2 * LINES * 0.5 / 3, "s")
    report.figure("refusals", stats["refused"], 60)
    served.reset()
    naive = place.naive("submit", stdin=Path(path).read_bytes())
    report.figure("baseline: time", naive.seconds, unit="s")
    report.figure("baseline: refusals", served.stats()["refused"])


def wait40(served: FakeService, place: Home, report: Report) -> None:
    """40 tasks of 1 to 3 s, 3 at a time, 20 requests in 5 s: 27 s at best."""
    path = place.lines(prompts(LINES))
    ran = place.run("model", "batch", path, "--yes", "--wait", "--json")
    stats = served.stats()
    report.exit_status(ran)
    report.paid_once(stats, LINES)
    report.figure("time", ran.seconds, 45, "s")
    report.figure("requests a task", stats["requests"] / LINES, 4.5)
    report.figure("refusals", stats["refused"], 12)
    report.figure("  by rate", stats["refused_rate"])
    report.figure("  by running tasks", stats["refused_running"])
    report.figure("lateness, mean", stats["lateness"]["mean"], unit="s")
    served.reset()
    naive = place.naive("run", "3", stdin=Path(path).read_bytes())
    stats = served.stats()
    report.figure("baseline: time", naive.seconds, unit="s")
    report.figure("baseline: requests a task", stats["requests"] / LINES)
    report.figure("baseline: refusals", stats["refused"])


def many(served: FakeService, place: Home, report: Report) -> None:
    """20,000 lines as fast as it goes: every one journalled before it is sent."""
    path = place.lines(prompts(MANY))
    ran = place.run("model", "batch", path, "--yes", "--concurrency", "10", "--json")
    report.exit_status(ran)
    report.paid_once(served.stats(), MANY)
    report.at_least("lines a second", MANY / ran.seconds, 250)
    report.figure("peak memory", ran.peak, 160, "MiB")
    served.reset()
    naive = place.naive("submit", stdin=Path(path).read_bytes())
    report.figure("baseline: lines a second", MANY / naive.seconds)
    report.figure("baseline: peak memory", naive.peak, unit="MiB")


if __name__ == "__main__":
    tight = ["--rate", "20", "--window", "5", "--running", "3", "--task-time", "1-3"]
    cases = {
        "busy40": (["--running", "3", "--task-time", "0.5"], busy40),
        "wait40": (tight, wait40),
        "many": (["--task-time", "1"], many),
    }
    sys.exit(main(__doc__, cases))
