"""The store: what survives, what several processes share, what a broken file does."""

import io
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modellix_cli.sandbox import open_sandbox, reset_sandbox
from modellix_cli.sandbox.database import VERSION
from modellix_cli.sandbox.limits import Limits
from modellix_cli.sandbox.records import TaskRecord
from modellix_cli.sandbox.store import Store
from tests.sandbox.harness import Service, call
from tests.support import FakeClock

COUNT_IN_A_PROCESS = """
import sys
from pathlib import Path
from modellix_cli.clock import Clock
from modellix_cli.sandbox.store import Store
store = Store(Path(sys.argv[1]), Clock())
for _ in range(50):
    store.count("met")
store.close()
"""


def task(task_id: str, cost: int = 10) -> TaskRecord:
    return TaskRecord(task_id, "main", "sandbox/image", 0.0, 2.0, "s", 8, 8, 1, 1, cost)


def test_a_sandbox_in_a_folder_remembers(tmp_path: Path, clock: FakeClock) -> None:
    folder = tmp_path / "state" / "sandbox"
    app = open_sandbox(folder, clock)
    app.store.create(task("task-1", 30_000), 0)
    app.store.close()
    again = open_sandbox(folder, clock)
    assert again.store.task("task-1") == task("task-1", 30_000)
    assert again.store.balance("main") == 9_970_000
    again.store.close()


def test_the_folder_is_for_the_user_alone(tmp_path: Path, clock: FakeClock) -> None:
    open_sandbox(tmp_path / "new", clock).store.close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_reset_forgets_tasks_and_charges(tmp_path: Path, clock: FakeClock) -> None:
    app = open_sandbox(tmp_path, clock)
    app.store.create(task("task-1", 30_000), 0)
    reset_sandbox(tmp_path)
    assert app.store.task("task-1") is None
    assert app.store.balance("main") == 10_000_000
    app.store.close()


def test_reset_of_a_sandbox_that_never_was_creates_nothing(tmp_path: Path) -> None:
    reset_sandbox(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "sandbox-2.db"
    path.write_bytes(b"not a database at all" * 100)
    store = Store(path, clock)
    assert store.balance("main") == 10_000_000
    store.close()


def test_a_file_of_another_version_begins_anew(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "sandbox-2.db"
    old = sqlite3.connect(path)
    old.executescript("CREATE TABLE tasks (other TEXT); PRAGMA user_version = 99")
    old.close()
    store = Store(path, clock)
    assert store.create(task("task-1"), 0) == "created"
    store.close()


def test_a_path_that_cannot_be_opened_is_an_os_error(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(OSError, match="state cannot be opened"):
        Store(tmp_path, clock)


def test_threads_count_without_losing_one(tmp_path: Path, clock: FakeClock) -> None:
    store = Store(tmp_path / "sandbox-2.db", clock)
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda _: store.count("met"), range(200)))
    assert sorted(seen) == list(range(1, 201))
    store.close()


def test_processes_that_start_together_share_one_file(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "sandbox-2.db"
    command = [sys.executable, "-W", "error", "-c", COUNT_IN_A_PROCESS, str(path)]
    processes = [subprocess.Popen(command, cwd=Path(__file__).parents[2]) for _ in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    store = Store(path, clock)
    assert store.count("met") == 201
    store.close()


def test_of_many_submissions_at_once_only_as_many_run_as_may(clock: FakeClock) -> None:
    store = Store(None, clock)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: store.create(task(f"t{n}"), 3), range(20)))
    assert outcomes.count("created") == 3
    assert store.balance("main") == 10_000_000 - 30
    store.close()


def test_a_transaction_that_fails_leaves_nothing_behind(clock: FakeClock) -> None:
    store = Store(None, clock)
    store.create(task("task-1"), 0)
    with pytest.raises(sqlite3.IntegrityError):
        store.create(task("task-1"), 0)
    assert store.balance("main") == 10_000_000 - 10
    store.close()


def test_a_store_that_nobody_closes_makes_no_warning() -> None:
    code = "from modellix_cli.sandbox import *; open_sandbox(None, Clock())"
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    folder = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys; import modellix_cli.sandbox; from modellix_cli.sandbox.faults import FAULTS;"
        "print([m for m in ('sqlite3', 'http.server', 'email', 'json') if m in sys.modules])"
    )
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=folder, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"[]"


def test_a_store_out_of_order_is_answered_with_500(service: Service) -> None:
    service.store.close()
    reply = service.get("models")
    assert reply.error == (500, 500, "Internal error")


def test_a_reset_while_others_submit_leaves_a_store_that_adds_up(
    tmp_path: Path, clock: FakeClock
) -> None:
    """What the tasks that are left cost is what is missing from the balance."""
    app = open_sandbox(tmp_path, clock, Limits(requests_per_window=0, running_tasks=0))
    body = b'{"prompt": "a cat"}'

    def submit(number: int) -> int:
        if number % 10 == 5:
            reset_sandbox(tmp_path)
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/v1/sandbox/image/async",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "x",
            "HTTP_AUTHORIZATION": "Bearer k",
            "wsgi.input": io.BytesIO(body),
        }
        return call(app, environ).status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(submit, range(60))) == {200}
    left = app.store.stats()["tasks_created"]
    assert app.store.balance("main") == 10_000_000 - left * 10_000
    app.store.close()


def test_another_version_of_the_program_has_a_file_of_its_own(
    tmp_path: Path, clock: FakeClock
) -> None:
    open_sandbox(tmp_path, clock).store.close()
    assert {path.name for path in tmp_path.iterdir()} == {f"sandbox-{VERSION}.db"}
