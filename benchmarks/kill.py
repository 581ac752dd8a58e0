"""The kill loop: batches killed at random moments and resumed, judged by the service's account.

    python benchmarks/kill.py [--rounds 200] [--seed 0] [--jobs 2]
    python benchmarks/kill.py --signal TERM|INT|HUP [--rounds 20]
    python benchmarks/kill.py --rounds 1 --seed 17      repeat one round

Rounds alternate between limits and none, with and without --wait, one kill and several. With
--signal the batch must end within 2 s with 128+n, its result on stdout and on stderr a command
that completes it. Exit 1 if anything was lost, paid twice or told wrongly.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import COMMAND

from tests.e2e.killing import Machine, Plan, Verdict, kill_round, signal_round
from tests.e2e.served import FakeService, service

SIGNALS = {"TERM": signal.SIGTERM, "INT": signal.SIGINT, "HUP": signal.SIGHUP}


def play(seed: int, served: FakeService, number: int | None) -> Verdict | None:
    """Play one round in a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        env = os.environ | dict.fromkeys(names, folder)
        env |= {"MODELLIX_API_KEY": "any", "MODELLIX_BASE_URL": served.url}
        machine = Machine(COMMAND, env, Path(folder))
        plan = Plan.of(seed)
        if number is None:
            return kill_round(plan, machine, served)
        return signal_round(plan, machine, served, number)


def work(seeds: list[int], number: int | None) -> list[Verdict]:
    """Play rounds one after the other against a service of their own."""
    verdicts = []
    with service() as served:
        for seed in seeds:
            verdict = play(seed, served, number)
            if verdict is None:
                continue
            verdicts.append(verdict)
            if not verdict.good:
                faults = verdict.twice + verdict.lost + verdict.wrong
                print(f"seed {seed} {Plan.of(seed)}: " + "; ".join(faults)[:600], flush=True)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--signal", choices=SIGNALS)
    asked = parser.parse_args()
    seeds = list(range(asked.seed, asked.seed + asked.rounds))
    number = SIGNALS[asked.signal] if asked.signal else None
    began = time.perf_counter()
    with ThreadPoolExecutor(asked.jobs) as pool:
        parts = pool.map(lambda i: work(seeds[i :: asked.jobs], number), range(asked.jobs))
        verdicts = [verdict for part in parts for verdict in part]
    print(f"rounds     {len(verdicts):5} in {time.perf_counter() - began:.0f} s")
    print(f"{'signals' if number else 'kills':10} {sum(v.kills for v in verdicts):5}")
    print(f"unknown    {sum(v.unknown for v in verdicts):5}")
    print(f"  of which made {sum(v.unknown_paid for v in verdicts)}")
    print(f"lost       {sum(len(v.lost) for v in verdicts):5}")
    print(f"twice      {sum(len(v.twice) for v in verdicts):5}")
    print(f"wrong      {sum(len(v.wrong) for v in verdicts):5}")
    good = bool(verdicts) and all(verdict.good for verdict in verdicts)
    print("All kept." if good else "NOT kept.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
