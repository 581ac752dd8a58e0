"""`python -m tests.engine.simulator --runs N [--seed S]`: simulate, and say what was seen."""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.engine.simulator.coverage import Coverage
from tests.engine.simulator.runner import Failure, Figures, Simulator
from tests.engine.simulator.table import report

Part = tuple[Figures, Coverage, list[tuple[int, str]]]
_CHUNK = 1000


def simulate(first: int, runs: int, real_every: int) -> Part:
    """Run the worlds of `runs` seeds from `first` on; return what came of them."""
    failures: list[tuple[int, str]] = []
    gc.disable()  # engines are full of cycles, and live for a moment
    with Simulator(real_every) as simulator:
        for seed in range(first, first + runs):
            try:
                simulator.run(seed)
            except Failure as failure:
                failures.append((seed, str(failure)))
            if seed % 200 == 0:
                gc.collect()
        return simulator.figures, simulator.coverage, failures


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.simulator")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, help="run this world only, and show what happens")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes to use")
    parser.add_argument(
        "--real-every", type=int, default=50, help="every how many runs use the real ledger"
    )
    options = parser.parse_args()
    if options.seed is not None:
        return show(options.seed, options.real_every)
    began = time.monotonic()
    worked = time.process_time()
    figures, coverage, failures = Figures(), Coverage(), []
    for part_figures, part_coverage, part_failures in parts(options):
        figures.add(part_figures)
        coverage.transitions.update(part_coverage.transitions)
        failures += part_failures
        if len(failures) >= 20:
            break
    took = time.monotonic() - began
    for seed, why in failures[:20]:
        print(f"FAILED {why}\n  python -m tests.engine.simulator --seed {seed}")
    worked = time.process_time() - worked
    print(f"{figures.runs} runs in {took:.0f} s: {figures}")
    if options.jobs == 1:
        print(f"{figures.runs / worked:.0f} runs a second of one core")
    report(coverage)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """Yield what portions of the seeds came to."""
    end = options.first + options.runs
    starts = range(options.first, end, _CHUNK)
    sizes = [(start, min(_CHUNK, end - start), options.real_every) for start in starts]
    if options.jobs == 1:
        return (simulate(*size) for size in sizes)
    return _parallel(sizes, options.jobs)


def _parallel(sizes: list[tuple[int, int, int]], jobs: int) -> Iterator[Part]:
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(simulate, *size) for size in sizes]):
            yield done.result()


def show(seed: int, real_every: int) -> int:
    """Run one world and print its trace."""
    with Simulator(real_every) as simulator:
        trace = simulator.trace(seed)
    print("\n".join(trace))
    return int(trace[-1].startswith("FAILED"))


if __name__ == "__main__":
    sys.exit(main())
