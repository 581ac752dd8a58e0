"""Kill the paying commands at their system calls, resume them, and compare with the service.

    python -m tests.sweep.sweep [--every 25] [--kind run …] [--jobs 2]
    python -m tests.sweep.sweep --kind batch --at 317        repeat one kill

Each kill happens on a machine of its own, before the N-th call (kill_at.c) of the command; then
`--resume` runs until it ends by itself. Needs Linux and gcc. Exit 1 if anything was paid twice,
lost, made up, or if a file is not whole.
"""

import argparse
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.account import KINDS, broken_files, command, faults, names_of, told_ids
from tests.e2e.served import FakeService, service
from tests.sweep.places import Place, result_of

SOURCE = Path(__file__).with_name("kill_at.c")
TASK_TIME = "0.05"
RESUMES = 3
"""How often a command is resumed at most until it ends as it should."""


@dataclass(frozen=True)
class Round:
    """A kill and what came of it; `killed` is whether the command lived to that call."""

    kind: str
    call: int
    killed: bool
    unknown: int
    wrong: list[str]


class Sweep:
    """Kills commands in a folder against a service."""

    def __init__(self, folder: Path, served: FakeService) -> None:
        self.folder = folder
        self.served = served
        self.library = folder / "kill_at.so"
        build = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(self.library), str(SOURCE), "-ldl"]
        subprocess.run(build, check=True)

    def count(self, kind: str) -> int:
        """Return how many calls a whole run makes."""
        with self._place(f"{kind}-whole") as place:
            count = self._count_file(place)
            words = command(kind, f"{kind.replace(' ', '-')}-0", place.folder)
            status, _, err = place.run(*words, **self._env(count, 0))
            if status:
                raise RuntimeError(f"{kind}: exit {status}, {err}")
            return int.from_bytes(count.read_bytes(), "little")

    def kill(self, kind: str, call: int) -> Round:
        """Kill a command before its `call`-th call, resume it, and judge."""
        number = f"{kind.replace(' ', '-')}-{call}"
        with self._place(number) as place:
            words = command(kind, number, place.folder)
            status, _, _ = place.run(*words, **self._env(self._count_file(place), call))
            wrong = [f"{path} is not whole" for path in broken_files(place.folder)]
            for _ in range(RESUMES):
                ended, out, err = place.run(*words, "--resume", "--json")
                if ended in (0, 8):
                    break
                wrong.append(f"resume: exit {ended}, {err[-300:]}")
            names = names_of(kind, number)
            try:
                told = dict(zip(names, told_ids(kind, result_of(out)), strict=True))
            except (KeyError, ValueError):
                told = dict.fromkeys(names)
                wrong.append(f"resume: exit {ended}, no result, {err[-300:]}")
            doubted = [] if all(told.values()) else place.unknown()
            made = self.served.tasks_of()
            wrong += faults(told, {name: made[name] for name in names if name in made}, doubted)
            wrong += [f"{path} is not whole" for path in broken_files(place.folder)]
            if (said := place.integrity()) != "ok":
                wrong.append(f"integrity: {said}")
            if "saving" in kind:
                files = len(list(place.folder.glob("out-*/*.png")))
                if files < sum(map(bool, told.values())):
                    wrong.append(f"{files} files for {told}")
        return Round(kind, call, status == -signal.SIGKILL, len(doubted), wrong)

    @contextmanager
    def _place(self, name: str) -> Iterator[Place]:
        place = Place.new(self.folder / name.replace(" ", "-"), self.served)
        try:
            yield place
        finally:
            shutil.rmtree(place.folder)

    def _count_file(self, place: Place) -> Path:
        path = place.folder / "count"
        path.write_bytes(bytes(8))
        return path

    def _env(self, count: Path, call: int) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "MODELLIX_KILL_AT": str(call),
            "MODELLIX_KILL_COUNT": str(count),
        }


def sweep(sweeper: Sweep, kind: str, every: int, at: int | None, pool: ThreadPoolExecutor) -> bool:
    """Kill a command at every so many calls and print a line; return whether all is well."""
    began = time.monotonic()
    total = sweeper.count(kind)
    # Not always the same calls: another sweep with the same step finds others.
    calls = [at] if at else list(range(random.randint(1, min(every, total)), total + 1, every))
    rounds = list(pool.map(lambda call: sweeper.kill(kind, call), calls))
    bad = [one for one in rounds if one.wrong]
    for one in bad:
        print(f"{kind}, call {one.call}: " + "; ".join(one.wrong)[:800], flush=True)
    print(
        f"{kind:18} {total:5} calls, {sum(one.killed for one in rounds):4} kills, "
        f"{sum(one.unknown for one in rounds):3} unknown, {len(bad)} wrong, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return not bad


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=25, help="kill at each so-many-th call")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these commands")
    parser.add_argument("--at", type=int, help="only this call")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        service("--task-time", TASK_TIME) as served,
        ThreadPoolExecutor(asked.jobs) as pool,
    ):
        sweeper = Sweep(Path(folder), served)
        kinds = asked.kind or list(KINDS)
        good = [sweep(sweeper, kind, asked.every, asked.at, pool) for kind in kinds]
    print("All kept." if all(good) else "NOT kept.")
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main())
