"""The ledger against the accounts of two services, after rounds of kills.

    python -m tests.sweep.accounts [--rounds 50] [--seed 0]

The services are the sandbox, inside each command and so killed with it, and `tests/e2e/service.py`,
which shares no code with the program and bills every second task at half the listed price. In each
round five commands start: three runs, a batch, and a batch of an earlier round again; each is
killed (kill -9) after a random time. Some replies are lost besides. After each round what the
service charged must lie between what `usage` says is billed and that plus what is reserved. In the
end everything is resumed, what is of unknown outcome is settled by the account, as its page would
show it, and every task is looked at: then billed and charged are equal to the last digit, nothing
is reserved, and no request was paid for twice. Exit 1 if not.
"""

import argparse
import random
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from modellix_cli.clock import Clock
from modellix_cli.domain.jsontext import loads
from modellix_cli.sandbox.database import FIRST_BALANCE
from modellix_cli.sandbox.prices import MICRO
from modellix_cli.sandbox.store import Store
from tests.e2e.orders import lines
from tests.e2e.served import FakeService, service
from tests.sweep.places import Place, result_of

LIFE = (0.3, 3.0)
"""Seconds after which a command is killed: from its start-up to the end of a short wait."""
LINES = 3
SLUG = "alibaba/qwen-image-plus"
PRICE = 70
"""Thousandths of a dollar; the second service bills every second task at half of it."""
SETTINGS = (
    *("--task-time", "0.1-1", "--latency", "0.2", "--cut-rate", "0.1"),
    *("--price", str(PRICE), "--listed", SLUG),
)
ODD_SLUGS = ("sandbox/cut", "sandbox/error", SLUG)
"""What the sandbox loses replies of, in turns: with a task, and without one."""
ENOUGH = "1000"
"""A budget in dollars; with one, each request has an estimate."""
GOING_ON = ("--yes", "--resume", "--continue-on-unknown")


class Account(ABC):
    """What a service charged one machine, by its own books. `options` go with each command."""

    name: str
    options: tuple[str, ...] = ()
    odd_slugs: tuple[str, ...] = (SLUG,)

    @abstractmethod
    def charged(self) -> Decimal:
        """Return what all tasks cost together, in dollars."""

    @abstractmethod
    def tasks_of(self) -> dict[str, list[str]]:
        """Return the ids of tasks by the prompts of their requests."""

    def faults(self) -> list[str]:
        """Return what is wrong with the account itself."""
        return []


class SandboxAccount(Account):
    """The account of the sandbox whose state is in the folder of a place."""

    name = "sandbox"
    options = ("--sandbox",)
    odd_slugs = ODD_SLUGS

    def __init__(self, place: Place) -> None:
        self._place = place

    @contextmanager
    def _store(self) -> Iterator[Store]:
        (path,) = (self._place.folder / "home").rglob("sandbox-2.db")
        store = Store(path, Clock())
        yield store
        store.close()

    def charged(self) -> Decimal:
        with self._store() as store:
            return Decimal(str(store.stats()["billed"]))

    def tasks_of(self) -> dict[str, list[str]]:
        with self._store() as store:
            return {loads(entry["body"])["prompt"]: entry["tasks"] for entry in store.bodies()}

    def faults(self) -> list[str]:
        _, out, _ = self._place.run("auth", "status", "--json", *self.options)
        left = Decimal(FIRST_BALANCE) / MICRO - self.charged()
        told = result_of(out).get("balance")
        same = told is not None and Decimal(str(told)) == left
        return [] if same else [f"the balance is {told}, and {left} is left by the tasks"]


class ServedAccount(Account):
    """The account of a service in a process of its own."""

    name = "foreign"

    def __init__(self, served: FakeService) -> None:
        self._served = served

    def charged(self) -> Decimal:
        return Decimal(sum(self._served.bills().values())) / 1000

    def tasks_of(self) -> dict[str, list[str]]:
        return self._served.tasks_of()


class Rounds:
    """Rounds of kills on one machine, held against one account."""

    def __init__(self, place: Place, account: Account, rng: random.Random) -> None:
        self._place = place
        self._account = account
        self._rng = rng
        self._runs: list[str] = []
        self._batches: list[Path] = []
        self.wrong: list[str] = []
        self.killed = 0

    def play(self, rounds: int) -> None:
        """Play the rounds and settle everything; what is wrong is in `wrong`."""
        open_rounds = 0
        for number in range(1, rounds + 1):
            self._kill_some(number)
            open_rounds += self._check_bounds(f"round {number}")
        unknown = self._settle()
        self._look_at_every_task()
        self._check_bounds("in the end", equal=True)
        self.wrong += [f"in the end: {words}" for words in self._account.faults()]
        made = self._account.tasks_of()
        self.wrong += [f"{prompt}: paid twice, {ids}" for prompt, ids in made.items() if ids[1:]]
        if (said := self._place.integrity()) != "ok":
            self.wrong.append(f"integrity: {said}")
        print(
            f"{self._account.name:8} {rounds} rounds, {self.killed} kills, {open_rounds} rounds "
            f"with something reserved, {unknown} of unknown outcome settled, {len(made)} tasks"
        )

    def _kill_some(self, number: int) -> None:
        running = {}
        for words in self._commands(number):
            process = self._place.start(*words, *self._account.options)
            running[process] = time.monotonic() + self._rng.uniform(*LIFE)
        while running:
            for process, end in list(running.items()):
                if time.monotonic() >= end:
                    process.kill()
                if process.poll() is not None:
                    process.communicate()
                    self.killed += process.returncode == -9
                    del running[process]
            time.sleep(0.01)

    def _commands(self, number: int) -> list[list[str]]:
        earlier = self._rng.choice(self._batches) if self._batches else None
        self._batches.append(self._place.folder / f"{number}.jsonl")
        names = [f"{number}-line-{line}" for line in range(LINES)]
        self._batches[-1].write_text("".join(lines({"prompt": name}, slug=SLUG) for name in names))
        runs = [f"{number}-run-{run}" for run in range(2)]
        self._runs += runs
        waits = self._rng.choice([[], ["--wait"]])
        odd = self._account.odd_slugs[number % len(self._account.odd_slugs)]
        return [
            run_words(runs[0]),
            [*run_words(runs[1]), "--wait"],
            run_words(f"{number}-odd", odd),
            [*batch_words(self._batches[-1]), *waits],
            *([] if earlier is None else [[*batch_words(earlier), "--wait"]]),
        ]

    def _usage(self) -> Any:
        _, out, err = self._place.run("usage", "--json", *self._account.options)
        found = loads(out)
        if "total" not in found:
            raise RuntimeError(f"usage: {out.decode()} {err}")
        return found["total"]

    def _check_bounds(self, when: str, *, equal: bool = False) -> bool:
        """Check that the account lies within what is billed and reserved; return if that is more.

        With `equal` nothing may be reserved.
        """
        usage, charged = self._usage(), self._account.charged()
        billed, reserved = (Decimal(str(usage[name])) for name in ("billedUsd", "reservedUsd"))
        within = billed <= charged <= billed + reserved and not usage["unpriced"]
        if not within or (equal and reserved):
            self.wrong.append(f"{when}: {charged} is charged, {billed} billed, {reserved} reserved")
        if equal:
            print(f"{self._account.name:8} charged {charged}, billed {billed}, reserved {reserved}")
        return bool(reserved)

    def _settle(self) -> int:
        """Resume everything, settle what is of unknown outcome; return how many those were."""
        before = self._settle_unknown()
        whole = self._place.folder / "all.jsonl"
        whole.write_text("".join(path.read_text() for path in self._batches))
        made = self._account.tasks_of()
        left = [run_words(name) for name in self._runs if name not in made]
        for words in (batch_words(whole), *left):
            status, _, err = self._place.run(*words, *self._account.options)
            if status not in (0, 8):
                self.wrong.append(f"{' '.join(words)}: exit {status}, {err[-300:]}")
        return before + self._settle_unknown()

    def _settle_unknown(self) -> int:
        """Say of each request of unknown outcome what the account says."""
        unknown = self._history()["unknownSubmissions"]
        made = self._account.tasks_of()
        for one in unknown:
            number = str(one["request"])
            _, out, _ = self._place.run("task", "show", number, "--json", *self._account.options)
            tasks = made.get(result_of(out)["prompt"], [])
            words = ["--task-id", tasks[0]] if tasks else ["--not-created"]
            resolve = ("task", "resolve", number, *words, *self._account.options)
            status, _, err = self._place.run(*resolve)
            if status:
                self.wrong.append(f"{' '.join(resolve)}: exit {status}, {err[-300:]}")
        return len(unknown)

    def _look_at_every_task(self) -> None:
        known = sorted({entry["taskId"] for entry in self._history()["entries"]})
        self._place.run("task", "wait", *known, *self._account.options)
        made = {task for tasks in self._account.tasks_of().values() for task in tasks}
        if made != set(known):
            self.wrong.append(f"known are {len(known)} tasks, made were {len(made)}")

    def _history(self) -> Any:
        words = ("task", "history", "--json", "--limit", "5000", *self._account.options)
        return result_of(self._place.run(*words)[1])


def run_words(name: str, slug: str = SLUG) -> list[str]:
    return ["model", "run", slug, "--body", f'{{"prompt": "{name}"}}', "--resume"]


def batch_words(path: Path) -> list[str]:
    return ["model", "batch", str(path), *GOING_ON]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, service(*SETTINGS) as served:
        for name in ("sandbox", "foreign"):
            place = Place.new(Path(folder) / name, served)
            place.env.update(MODELLIX_BUDGET=ENOUGH, MODELLIX_SANDBOX_BUDGET=ENOUGH)
            own: Account = SandboxAccount(place) if name == "sandbox" else ServedAccount(served)
            rounds = Rounds(place, own, random.Random(asked.seed))
            rounds.play(asked.rounds)
            wrong += [f"{name}: {words}" for words in rounds.wrong]
    for words in wrong:
        print(words)
    print("NOT kept." if wrong else "All kept.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
