"""The kill loop: batches killed at random moments and resumed, judged by the service's account.

    python benchmarks/kill.py [--rounds 200] [--seed 0] [--jobs 4]
    python benchmarks/kill.py --signal TERM|INT|HUP [--rounds 20]
    python benchmarks/kill.py --rounds 1 --seed 17 --aim 1.5      repeat one round

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
from dataclasses import replace
from pathlib import Path

from harness import COMMAND

from tests.e2e.killing import Machine, Plan, Verdict, kill_round, signal_round
from tests.e2e.served import FakeService, service

SIGNALS = {"TERM": signal.SIGTERM, "INT": signal.SIGINT, "HUP": signal.SIGHUP}


Usual = dict[tuple[bool, bool], float]
KINDS = [(False, False), (False, True), (True, False), (True, True)]


def play(plan: Plan, served: FakeService, number: int | None, usual: Usual) -> Verdict | None:
    """Play one round in a home of its own; the first of its kind undisturbed, to learn `usual`."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        env = os.environ | dict.fromkeys(names, folder)
        env |= {"MODELLIX_API_KEY": "any", "MODELLIX_BASE_URL": served.url}
        machine = Machine(COMMAND, env, Path(folder))
        kind = (plan.wait, plan.limited)
        if number is None and kind not in usual:
            began = time.perf_counter()
            verdict = kill_round(replace(plan, kills=0), machine, served, 0.0)
            usual[kind] = time.perf_counter() - began
            return verdict
        if number is None:
            return kill_round(plan, machine, served, usual[kind])
        return signal_round(plan, machine, served, number)


def work(seeds: list[int], number: int | None, aim: float | None) -> list[Verdict]:
    """Play rounds one after the other against a service of their own."""
    verdicts = []
    usual: Usual = dict.fromkeys(KINDS, aim) if aim else {}
    with service() as served:
        for seed in seeds:
            verdict = play(Plan.of(seed), served, number, usual)
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
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--aim", type=float, help="seconds of a usual run; measured if not given")
    parser.add_argument("--signal", choices=SIGNALS)
    asked = parser.parse_args()
    seeds = list(range(asked.seed, asked.seed + asked.rounds))
    number = SIGNALS[asked.signal] if asked.signal else None
    began = time.perf_counter()
    with ThreadPoolExecutor(asked.jobs) as pool:
        parts = pool.map(
            lambda i: work(seeds[i :: asked.jobs], number, asked.aim), range(asked.jobs)
        )
        verdicts = [verdict for part in parts for verdict in part]
    print(f"rounds     {len(verdicts):5} in {time.perf_counter() - began:.0f} s")
    print(f"{'signals' if number else 'kills':10} {sum(v.kills for v in verdicts):5}")
    print(f"unknown    {sum(v.unknown for v in verdicts):5}")
    print(f"  of these made {sum(v.unknown_paid for v in verdicts)}")
    print(f"lost       {sum(len(v.lost) for v in verdicts):5}")
    print(f"twice      {sum(len(v.twice) for v in verdicts):5}")
    print(f"wrong      {sum(len(v.wrong) for v in verdicts):5}")
    good = bool(verdicts) and all(verdict.good for verdict in verdicts)
    print("All kept." if good else "NOT kept.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
