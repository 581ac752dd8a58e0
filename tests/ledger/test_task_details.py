"""What the ledger's tables know together about tasks whose results were saved."""

import zlib
from collections.abc import Callable
from dataclasses import replace

from modellix_cli.domain.account import account_of
from modellix_cli.domain.money import Money
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.task_details import (
    TaskDetails,
    TaskDetailsReader,
    TaskQuery,
)
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from tests.ledger.ledgers import API, SANDBOX, Ledger, Lines, bodies, request

Open = Callable[..., Ledger]
EVERYTHING = TaskQuery(Scope(None, sandbox=False), 100)
FILE = KeptFile(1, "/made/1.png", 10, "ab" * 32, "image", "https://cdn.example.com/1.png?sig=x")


def save(ledger: Ledger, task_id: str, *files: KeptFile) -> None:
    FileStore(ledger.file, ledger.account.base_url).record(task_id, files or [FILE])
    ledger.clock.sleep(1)


def found(ledger: Ledger, query: TaskQuery = EVERYTHING) -> list[TaskDetails]:
    return TaskDetailsReader(ledger.file, SANDBOX).find(query, lambda task: task)[0]


def ids(ledger: Ledger, query: TaskQuery = EVERYTHING) -> list[str]:
    return [task.task_id for task in found(ledger, query)]


def test_a_task_comes_with_its_request_its_cost_and_its_files(ledger: Ledger) -> None:
    wanted = request('{"prompt": "a fox"}', tag="spring", estimated_cost=Money.parse("0.04"))
    ledger.sent(wanted, task_id="t")
    ledger.tasks.record_status(TaskReport("t", "success", 5.0, None, Money.parse("0.03")))
    second = replace(FILE, position=2, path="/made/2.png")
    save(ledger, "t", second, FILE)
    (task,) = found(ledger)
    assert (task.slug, task.status, task.ended_at, task.tag) == ("a/b", "success", 5.0, "spring")
    assert (task.billed_cost, task.estimated_cost) == ("0.03", "0.04")
    assert task.body == b'{"prompt": "a fox"}'
    assert task.files == (FILE, second)


def test_a_line_of_a_batch_names_its_place(ledger: Ledger) -> None:
    ledger.run(Lines(bodies("a", "b"), {2: "second"}))
    save(ledger, "task-2")
    (task,) = found(ledger)
    assert (task.batch, task.line, task.line_id) == (1, 2, "second")


def test_tasks_of_which_nothing_was_saved_are_left_out(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    assert ids(ledger) == []


def test_the_newest_come_first_as_many_as_wanted(ledger: Ledger) -> None:
    for number in range(3):
        ledger.sent(request(bodies(str(number))[0]), task_id=f"t{number}")
        save(ledger, f"t{number}")
    reader = TaskDetailsReader(ledger.file, SANDBOX)
    tasks, total = reader.find(replace(EVERYTHING, limit=2), lambda task: task.task_id)
    assert (tasks, total) == (["t2", "t1"], 3)


def test_filters_by_model_time_profile_and_sandbox(ledger: Ledger, opened: Open) -> None:
    ledger.sent(request(slug="alibaba/Qwen-Image"), task_id="old")
    save(ledger, "old")
    since = ledger.clock.now()
    work = opened(account=account_of(API, "work", "mk-two-0123456789"))
    work.sent(request(slug="google/veo"), task_id="new")
    save(work, "new")
    sandbox = opened(account=account_of(SANDBOX, "default", "sandbox"))
    sandbox.sent(task_id="free")
    save(sandbox, "free")
    assert ids(ledger, replace(EVERYTHING, model="qwen")) == ["old"]
    assert ids(ledger, replace(EVERYTHING, since=since)) == ["new"]
    assert ids(ledger, replace(EVERYTHING, scope=Scope("work", sandbox=False))) == ["new"]
    assert ids(ledger, replace(EVERYTHING, scope=Scope(None, sandbox=True))) == ["free"]


def test_a_task_that_two_profiles_saw_counts_once(ledger: Ledger, opened: Open) -> None:
    ledger.sent(task_id="t")
    same_key = account_of(API, "second", "mk-one-0123456789")
    opened(account=same_key).tasks.record_status(TaskReport("t", "success"))
    save(ledger, "t")
    assert ids(ledger) == ["t"]


def test_a_body_that_is_damaged_counts_as_not_kept(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    save(ledger, "t")
    for kept in (b"no zlib", zlib.compress(b"cut off")[:-3]):
        ledger.file.transact(
            lambda db, kept=kept: db.execute("UPDATE bodies SET compressed = ?", (kept,)).rowcount  # type: ignore[misc]
        )
        assert [task.body for task in found(ledger)] == [None]


def test_the_version_changes_when_something_is_saved(ledger: Ledger) -> None:
    reader = TaskDetailsReader(ledger.file, SANDBOX)
    ledger.sent(task_id="t")
    before = reader.version()
    assert reader.version() == before
    save(ledger, "t")
    assert reader.version() != before
