"""One round of the kill loop: start a batch, kill it, resume it until it ends by itself, judge.

`benchmarks/kill.py` runs hundreds of them, `test_batch_kill.py` a few. The judge compares the
batch's own account with the service's: nothing paid twice, nothing lost, nothing made up.
"""

import json
import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.served import FakeService

LINES = 12
CONCURRENCY = 4
PATIENCE = 120.0


@dataclass(frozen=True)
class Plan:
    """A round. `kills` is how often it is killed at most; `limited`: 3 running tasks, else any."""

    seed: int
    wait: bool
    limited: bool
    kills: int

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """Alternate: limits, then --wait, then further kills of the resumed runs."""
        more = random.Random(seed).randint(1, 3) if seed // 4 % 2 else 0
        return cls(seed, wait=seed // 2 % 2 == 1, limited=seed % 2 == 1, kills=1 + more)


@dataclass
class Verdict:
    """What a round came to. `wrong` says in words what was promised and not kept."""

    kills: int = 0
    unknown: int = 0
    unknown_paid: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.twice or self.wrong)


@dataclass(frozen=True)
class Machine:
    """Where the command runs: a state folder that survives its kills."""

    command: str
    env: dict[str, str]
    folder: Path

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [self.command, *arguments],
            env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def shell(self, line: str) -> tuple[int, bytes, str]:
        """Run a line that was printed for a person to paste."""
        path = f"{Path(self.command).parent}:{self.env['PATH']}"
        ran = subprocess.run(
            line, shell=True, env=self.env | {"PATH": path}, cwd=self.folder,
            capture_output=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout, ran.stderr.decode()


def kill_round(plan: Plan, machine: Machine, served: FakeService, usual: float) -> Verdict:
    """Kill a batch at random moments, resume it, and judge what is left at the end.

    `usual` is about how long it takes undisturbed, in seconds: where to aim.
    """
    rng = random.Random(plan.seed)
    arguments = begin(plan, machine, served)
    verdict = Verdict()
    options: tuple[str, ...] = ()
    while True:
        run = machine.start(*arguments, *options)
        if verdict.kills < plan.kills:
            take_aim(rng, run, served, usual)
            run.kill()
        out, err = finish(run)
        if run.returncode != -signal.SIGKILL:
            break
        verdict.kills += 1
        options = ("--resume",)
    if run.returncode == 2 and not served.stats()["tasks_created"]:
        # Killed before it kept anything: there may be nothing to resume.
        out, err = finish(run := machine.start(*arguments))
    judge(verdict, plan, out, served)
    check_status(verdict, run.returncode, err)
    return verdict


def signal_round(
    plan: Plan, machine: Machine, served: FakeService, number: int, within: float = 2.0
) -> Verdict | None:
    """Send a signal during the submissions, then run the command that stderr names.

    None if the batch ended before the signal came. It must end `within` seconds.
    """
    arguments = begin(plan, machine, served)
    slow = {"running": 1, "task_time": "0.5"} if plan.limited else {"latency": 0.3}
    served.change(**slow)
    run = machine.start(*arguments)
    while run.poll() is None and not served.stats()["posts"]:
        time.sleep(0.01)
    time.sleep(random.Random(plan.seed).uniform(0.0, 0.6))
    if run.poll() is not None:
        finish(run)
        return None
    sent = time.monotonic()
    run.send_signal(number)
    out, err = finish(run)
    verdict = Verdict(kills=1)
    if (spent := time.monotonic() - sent) > within:
        verdict.wrong.append(f"took {spent:.1f} s to end")
    if run.returncode == 0:
        return None
    if run.returncode != -number:  # it died by the signal
        verdict.wrong.append(f"exit {run.returncode} after signal {number}: {err[-300:]}")
    before = Verdict(kills=1)
    judge(before, plan, out, served, finished=False)
    verdict.wrong += before.wrong
    if not (found := re.search(r"^.*?(modellix-cli model batch .*)$", err, re.MULTILINE)):
        verdict.wrong.append(f"stderr names no command to resume with: {err[-300:]}")
        return verdict
    served.change(running=0, latency=0.0)
    status, out, err = machine.shell(found[1].rstrip("."))
    judge(verdict, plan, out, served)
    check_status(verdict, status, err)
    return verdict


def begin(plan: Plan, machine: Machine, served: FakeService) -> list[str]:
    """Set the service, write the lines and return the command's arguments."""
    latency = random.Random(plan.seed).choice([0.0, 0.02, 0.1])
    served.reset(running=3 if plan.limited else 0, task_time="0.2", latency=latency)
    path = machine.folder / f"lines-{plan.seed}.jsonl"
    with path.open("w") as file:
        for number in range(1, LINES + 1):
            line = {"modelSlug": "a/b", "body": {"prompt": prompt(plan, number)}}
            file.write(json.dumps(line) + "\n")
    arguments = ["model", "batch", str(path), "--yes", "--concurrency", str(CONCURRENCY), "--json"]
    return [*arguments, "--wait"] if plan.wait else arguments


def prompt(plan: Plan, number: int) -> str:
    return f"round {plan.seed} line {number}"


def take_aim(
    rng: random.Random, run: "subprocess.Popen[bytes]", served: FakeService, usual: float
) -> None:
    """Wait for a random moment: of the clock, or, where it hurts, just after some paid POST."""
    deadline = time.monotonic() + rng.uniform(0.0, 1.5 * usual)
    if rng.random() < 0.5:
        posts = served.stats()["posts"] + rng.randint(1, LINES)
        while run.poll() is None and served.stats()["posts"] < posts:
            time.sleep(0.002)
        deadline = time.monotonic() + rng.uniform(0.0, 0.05)
    while run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)


def finish(run: "subprocess.Popen[bytes]") -> tuple[bytes, str]:
    """Let a run end, and return its output."""
    try:
        out, err = run.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        run.kill()
        raise
    return out, err.decode()


def check_status(verdict: Verdict, status: int, err: str) -> None:
    """A batch that ended by itself is 0, or 8 if something is unknown."""
    if status != (8 if verdict.unknown else 0):
        verdict.wrong.append(f"exit {status} with {verdict.unknown} unknown: {err[-300:]}")


def judge(
    verdict: Verdict,
    plan: Plan,
    out: bytes,
    served: FakeService,
    *,
    finished: bool = True,
) -> None:
    """Compare what the batch says of its lines with what the service made.

    The account of an interrupted run (`finished` false) may hold lines of which nothing was made.
    """
    try:
        entries = json.loads(out)["tasks"]
    except (ValueError, KeyError, TypeError):
        verdict.wrong.append(f"stdout holds no result: {out[-200:]!r}")
        return
    compare(verdict, plan, entries, served.tasks_of(), finished=finished)


def compare(
    verdict: Verdict,
    plan: Plan,
    entries: list[dict[str, Any]],
    made: dict[str, list[str]],
    *,
    finished: bool = True,
) -> None:
    """The judgement itself: `entries` of the result against the ids that the service `made`."""
    indexes = [entry["index"] for entry in entries]
    if indexes != list(range(1, LINES + 1)):
        verdict.wrong.append(f"lines of the result: {indexes}")
    verdict.twice += [name for name, ids in made.items() if len(ids) > 1]
    for entry in entries:
        name = prompt(plan, entry["index"])
        ids, state = made.get(name, []), entry["submissionState"]
        if state == "accepted":
            if ids != [entry.get("taskId")]:
                verdict.wrong.append(f"{name}: says {entry.get('taskId')}, made were {ids}")
            if finished and plan.wait and entry["status"] != "success":
                verdict.wrong.append(f"{name}: waited for, but {entry['status']}")
        elif state == "unknown":
            verdict.unknown += 1
            verdict.unknown_paid += len(ids)
        elif finished:
            verdict.lost.append(f"{name}: {state}")
        elif ids or state not in ("skipped", "rejected"):  # rejected: a 429 came, then the signal
            verdict.wrong.append(f"{name}: {state}, made were {ids}")
    if verdict.unknown > CONCURRENCY * verdict.kills:
        verdict.wrong.append(f"{verdict.unknown} unknown after {verdict.kills} kills")
