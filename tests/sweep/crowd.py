"""A crowd on one machine: mixed commands killed at random, resumed at the end, and compared.

    python -m tests.sweep.crowd [--seconds 120] [--processes 60] [--seed 0]

So many processes at a time run single requests, batches whose lines overlap, with and without
--wait and saving, and waits, under profiles that log in and out meanwhile, all with the same key.
Some are killed (kill -9) after a random time. All of them have a budget, which grows with time and
is too small at first. In the end everything is resumed: no request may be paid twice, every task is
known or its request is unknown, the ledger is sound; what was billed never exceeds the budget, lies
within what `usage` says, and equals it once all tasks were looked at. Exit 1 if not.
"""

import argparse
import random
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.account import SAVE, batch_of, broken_files, faults, told_ids
from tests.e2e.served import FakeService, service
from tests.sweep.places import KEY, Place, result_of

RUNS = [f"run-{number}" for number in range(40)]
NAMES = [f"line-{number}" for number in range(60)]
FILES = 12
FILE_LINES = 12
PROFILES = ["work", "home", "ci"]
KILLED_SHARE = 0.5
LONGEST_LIFE = 12.0
"""Seconds after which one that is to be killed is; most of the time goes into starting."""
LINGER = 60.0
PRICE = 40
"""Thousandths of a dollar that a request may cost; every second task costs half of it."""
FIRST_BUDGET = 10 * PRICE
WHOLE_BUDGET = (len(RUNS) + len(NAMES)) * PRICE * 6 // 10
"""Less than everything costs, so that the budget is short to the end."""
LISTED = ",".join(f"a/{name}" for name in (*RUNS, *NAMES))
SETTINGS = (
    *("--task-time", "0.1-1", "--latency", "0.05"),
    *("--price", str(PRICE), "--listed", LISTED),
)
GOING_ON = ("--yes", "--resume", "--continue-on-unknown")


@dataclass
class Crowd:
    """The processes that run, and how those before them ended."""

    place: Place
    served: FakeService
    rng: random.Random
    running: dict["subprocess.Popen[bytes]", float] = field(default_factory=dict)
    budget: int = FIRST_BUDGET
    ends: Counter[str] = field(default_factory=Counter)
    samples: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        for number in range(FILES):
            names = self.rng.sample(NAMES, FILE_LINES)
            self._file(number).write_text(batch_of(names))
        for profile in PROFILES:
            status, _, err = self.place.run(*login(profile), MODELLIX_API_KEY=KEY)
            if status:
                raise RuntimeError(f"login: exit {status}, {err}")

    def keep_going(self, seconds: float, processes: int) -> None:
        """Start processes and kill some until the time is over, then end them all."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.budget = int(FIRST_BUDGET + (WHOLE_BUDGET - FIRST_BUDGET) * (1 - left / seconds))
            self._reap()
            if len(self.running) < processes:
                self._start()
            else:
                time.sleep(0.02)
        until = time.monotonic() + LINGER
        while self.running and time.monotonic() < until:
            self._reap()
            time.sleep(0.05)
        for process in self.running:
            process.kill()
        self._reap(wait=True)

    def settle(self) -> list[str]:
        """Resume everything; return in words what is wrong."""
        made, billed = self.served.stats()["tasks_created"], sum(self.served.bills().values())
        print(f"budget     {self.budget / 1000:7.2f}, billed {billed / 1000:.2f} for {made} tasks")
        wrong = [f"{billed} is billed of a budget of {self.budget}"] * (billed > self.budget)
        return wrong + self._bounds("after the kills") + self._resume_all() + self._account()

    def _usage(self) -> tuple[int, int, int]:
        """Return what `usage` says is billed and reserved, in thousandths, and what is unpriced."""
        _, out, _ = self.place.run("usage", "--json")
        total = result_of(out)["total"]
        amounts = [round(total[name] * 1000) for name in ("billedUsd", "reservedUsd")]
        return amounts[0], amounts[1], total["unpriced"]

    def _bounds(self, when: str) -> list[str]:
        """Check that the account lies within what is billed and reserved."""
        account = sum(self.served.bills().values())
        billed, reserved, unpriced = self._usage()
        print(f"{when}: account {account}, billed {billed}, reserved {reserved}")
        within = billed <= account <= billed + reserved and not unpriced
        return [] if within else [f"{when}: {account} is not within {billed} + {reserved}"]

    def _account(self) -> list[str]:
        """Look at every task that is known, and compare the bills."""
        _, out, _ = self.place.run("task", "history", "--json", "--limit", "1000")
        known = sorted({entry["taskId"] for entry in result_of(out)["entries"]})
        self.place.run("task", "wait", *known, MODELLIX_API_KEY=KEY)
        bills = self.served.bills()
        billed = self._usage()[0]
        lost = len(bills) - len(known)
        print(f"in the end: {len(known)} tasks known, {lost} not; billed {billed}")
        wrong = self._bounds("in the end")
        if billed != sum(bills[task_id] for task_id in known):
            wrong.append(f"billed are {billed}, and the known tasks cost another sum")
        if not lost and billed != sum(bills.values()):
            wrong.append(f"billed are {billed}, and the account says {sum(bills.values())}")
        return wrong

    def _resume_all(self) -> list[str]:
        told: dict[str, str | None] = {}
        path = self.place.folder / "all.jsonl"
        path.write_text(batch_of(NAMES))
        words = ("model", "batch", str(path), *GOING_ON, "--json")
        status, out, err = self.place.run(*words, MODELLIX_API_KEY=KEY)
        if status not in (0, 8):
            return [f"the last resume: exit {status}, {err[-500:]}"]
        told |= dict(zip(NAMES, told_ids("batch", result_of(out)), strict=True))
        with ThreadPoolExecutor(2) as pool:
            for name, (status, out, err) in zip(RUNS, pool.map(self._resume, RUNS), strict=True):
                if status not in (0, 8):
                    return [f"the resume of {name}: exit {status}, {err[-500:]}"]
                told[name] = told_ids("run", result_of(out))[0]
        unknown = self.place.unknown()
        wrong = faults(told, self.served.tasks_of(), unknown)
        wrong += [f"{path} is not whole" for path in broken_files(self.place.folder)]
        if (said := self.place.integrity()) != "ok":
            wrong.append(f"integrity: {said}")
        made = self.served.stats()["tasks_created"]
        print(f"made       {made:5} tasks for {len(told)} requests")
        print(f"unknown    {len(unknown):5}")
        return wrong

    def _resume(self, name: str) -> tuple[int, bytes, str]:
        return self.place.run(*run_words(name), "--resume", "--json", MODELLIX_API_KEY=KEY)

    def _file(self, number: int) -> Path:
        return self.place.folder / f"lines-{number}.jsonl"

    def _start(self) -> None:
        words, env = self._words()
        env = env | {"MODELLIX_BUDGET": str(self.budget / 1000)}
        process = self.place.start(*words, **env)
        doomed = self.rng.random() < KILLED_SHARE
        life = self.rng.uniform(0.0, LONGEST_LIFE) if doomed else float("inf")
        self.running[process] = time.monotonic() + life

    def _words(self) -> tuple[list[str], dict[str, str]]:
        """Return the next command: mostly work, sometimes another login."""
        rng, profile = self.rng, self.rng.choice(PROFILES)
        kind = rng.random()
        if kind < 0.06:
            return login(profile), {"MODELLIX_API_KEY": KEY}
        if kind < 0.10:
            return ["auth", "logout", "--yes", "--profile", profile], {}
        # By a profile that may be gone just now, or by the key itself.
        named = ["--profile", profile] if rng.random() < 0.6 else []
        env = {} if named else {"MODELLIX_API_KEY": KEY}
        if kind < 0.18:
            return ["task", "wait", "@last", "--timeout", "5s", *named], env
        options = rng.choice([[], list(SAVE), ["--wait"]])
        if kind < 0.5:
            return [*run_words(rng.choice(RUNS)), "--resume", *options, *named], env
        path = str(self._file(rng.randrange(FILES)))
        return ["model", "batch", path, *GOING_ON, *options, *named], env

    def _reap(self, *, wait: bool = False) -> None:
        """Kill what has lived long enough, and count how the others ended."""
        for process, end in list(self.running.items()):
            if time.monotonic() >= end:
                process.kill()
            if wait or time.monotonic() >= end:
                process.wait()
            if process.poll() is not None:
                del self.running[process]
                _, err = process.communicate()
                status = f"exit {process.returncode}"
                self.ends["killed" if process.returncode == -9 else status] += 1
                self.samples[status] = err.decode()[-300:].strip()


def login(profile: str) -> list[str]:
    return ["auth", "login", "--profile", profile, "--api-key", KEY, "--force", "--yes"]


def run_words(name: str) -> list[str]:
    return ["model", "run", f"a/{name}", "--body", f'{{"prompt": "{name}"}}']


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--processes", type=int, default=60, help="at a time")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(*SETTINGS) as served:
        place = Place.new(Path(folder) / "place", served, key=None)
        crowd = Crowd(place, served, random.Random(asked.seed))
        crowd.prepare()
        crowd.keep_going(asked.seconds, asked.processes)
        for status, count in crowd.ends.most_common():
            sample = crowd.samples.get(status, "").splitlines()
            print(f"{status:10} {count:5}  {sample[0] if sample else ''}"[:160])
        wrong = crowd.settle()
    for words in wrong:
        print(words)
    print("NOT kept." if wrong else "All kept.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
