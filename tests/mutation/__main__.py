"""`python -m tests.mutation`: which wrong rules about money would the tests notice?"""

import argparse
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.mutation.runner import IMPORTING, LATE, MutationRun, Report

MODULES: Final = (
    "domain/submission_state.py",
    "domain/identity.py",
    "domain/money.py",
    "engine/core/paid_retry.py",
    "engine/core/submitting.py",
    "engine/core/submit_queue.py",
    "engine/core/earlier.py",
    "engine/core/posting.py",
    "ledger/claims.py",
    "ledger/matching.py",
    "ledger/resolving.py",
    "api/paid.py",
    "api/named_tasks.py",
)
"""The modules with the rules about money."""
TESTS: Final = (
    *("tests/domain/test_submission_state.py", "tests/domain/test_identity.py"),
    *("tests/domain/test_money.py", "tests/engine/core", "tests/engine/test_submitting.py"),
    *("tests/ledger/test_matching.py", "tests/ledger/test_claims.py"),
    *("tests/ledger/test_submissions.py", "tests/ledger/test_batches.py"),
    "tests/ledger/test_spending.py",
    *("tests/ledger/test_import_journal.py", "tests/api/test_paid.py"),
    *("tests/api/test_post_task.py", "tests/api/test_named_tasks.py", "tests/mutation/worlds.py"),
)
"""The tests that mutants meet: those of these modules, and a few simulated worlds."""
_QUIET: Final = (
    *("--override-ini=addopts=", "--capture=no"),
    *(f"-pno:{plugin}" for plugin in ("terminal", "cacheprovider", "xdist")),
)
FLOOR: Final = 95.0
"""Per cent of the mutants that must be killed."""


def main() -> int:
    """Parse the command line, run, and print what survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--module", action="append", help="only this one, such as api/paid.py")
    parser.add_argument("--only", action="append", type=int, help="only the mutant of this number")
    parser.add_argument("--jobs", type=int, default=2, help="processes to use")
    options = parser.parse_args()
    run = MutationRun(options.module or list(MODULES), options.jobs, set(options.only or ()))
    status = pytest.main([*_QUIET, *TESTS], [run])
    if not run.report.verdicts:
        print(f"The tests could not be collected (pytest ended with {status}).", file=sys.stderr)
        return 1
    print("\n".join(report(run.report)))
    return 0 if not run.report.broken and _share(run.report) >= FLOOR else 1


def report(found: Report) -> Iterator[str]:
    """Yield the lines of the result: what survived, then a table."""
    for test in found.broken:
        yield f"fails without any mutant: {test}"
    for name, verdicts in found.verdicts.items():
        for verdict in sorted(verdicts, key=lambda verdict: verdict.mutant.number):
            if verdict.killer is None:
                mutant = verdict.mutant
                yield f"{name}:{mutant.line}  #{mutant.number}  {mutant.change}"
    yield ""
    yield "| module | killed | of |"
    yield "|---|---|---|"
    for name, verdicts in found.verdicts.items():
        killed = sum(verdict.killer is not None for verdict in verdicts)
        yield f"| `{name}` | {killed} | {len(verdicts)} |"
    verdicts = [verdict for part in found.verdicts.values() for verdict in part]
    killed = sum(verdict.killer is not None for verdict in verdicts)
    yield f"| all | {killed} | {len(verdicts)} ({_share(found):.1f} %) |"
    late = sum(verdict.killer == LATE for verdict in verdicts)
    broken = sum(verdict.killer == IMPORTING for verdict in verdicts)
    yield f"\nOf those killed {late} ran without an end, and {broken} could not be imported."


def _share(found: Report) -> float:
    verdicts = [verdict for part in found.verdicts.values() for verdict in part]
    killed = sum(verdict.killer is not None for verdict in verdicts)
    return 100.0 * killed / max(len(verdicts), 1)


if __name__ == "__main__":
    sys.exit(main())
