"""From a file back to its task and the request that made it."""

import sqlite3
import zlib

import pytest

from modellix_cli.domain.money import Money
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.origins import FileOfTask, Origin, Origins, find_sources
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from tests.ledger.ledgers import API, SANDBOX, Ledger, request

COST = Money.parse("0.03")


@pytest.fixture
def origins(ledger: Ledger) -> Origins:
    return Origins(ledger.file)


def keep(ledger: Ledger, task_id: str, path: str, sha256: str = "aa", url: str = API) -> FileOfTask:
    ledger.clock.sleep(1)
    FileStore(ledger.file, url).record(task_id, [KeptFile(2, path, 10, sha256)])
    return FileOfTask(url, task_id, 2, path, sha256)


def test_files_of_a_content_come_with_the_last_one_first(ledger: Ledger, origins: Origins) -> None:
    first = keep(ledger, "task-1", "/a.png")
    second = keep(ledger, "task-2", "/b.png", url=SANDBOX)
    keep(ledger, "task-3", "/c.png", "bb")
    assert origins.with_content("aa") == [second, first]
    assert origins.with_content("cc") == []


def test_what_was_saved_at_a_path_comes_with_the_last_one_first(
    ledger: Ledger, origins: Origins
) -> None:
    first = keep(ledger, "task-1", "/a.png")
    second = keep(ledger, "task-2", "/a.png", "bb")
    third = keep(ledger, "task-2", "/link/a.png", "bb")
    assert origins.at_path("/a.png") == [second, first]
    assert origins.at_path("/link/a.png", "/a.png") == [third, second, first]


def test_a_path_that_is_no_utf_8_is_kept_as_it_is(ledger: Ledger, origins: Origins) -> None:
    odd = keep(ledger, "task-1", "/caf\udce9/a.png")
    assert origins.at_path("/caf\udce9/a.png") == origins.with_content("aa") == [odd]
    files = FileStore(ledger.file, API).of_task("task-1")
    assert [file.path for file in files] == ["/caf\udce9/a.png"]


def test_a_task_that_was_submitted_here_has_its_request(ledger: Ledger, origins: Origins) -> None:
    body = '{"prompt": "a cat"}'
    wanted = request(body, line_id="cat", tag="t", estimated_cost=Money.parse("0.04"))
    number = ledger.sent(wanted, task_id="task-1")
    ledger.tasks.record_status(TaskReport("task-1", "success", billed_cost=COST))
    assert origins.of(API, "task-1") == Origin(
        API,
        "task-1",
        slug="a/b",
        status="success",
        profile="default",
        created_at=ledger.clock.now(),
        billed=COST,
        estimated=Money.parse("0.04"),
        request=number,
        line_id="cat",
        tag="t",
        body=body.encode(),
    )
    assert origins.of_task("task-1") == [origins.of(API, "task-1")]


def test_a_task_of_elsewhere_has_what_was_seen(ledger: Ledger, origins: Origins) -> None:
    ledger.tasks.record_status(TaskReport("task-9", "success", billed_cost=COST))
    now = ledger.clock.now()
    assert origins.of_task("task-9") == [
        Origin(API, "task-9", None, "success", "default", now, COST)
    ]


def test_what_is_not_known(origins: Origins) -> None:
    assert origins.of(API, "task-1") is None
    assert origins.of_task("task-1") == []


@pytest.mark.parametrize("kept", [b"", b"no zlib", zlib.compress(b"x" * 10)[:-3]])
def test_a_body_that_cannot_be_unpacked_is_none(
    ledger: Ledger, origins: Origins, kept: bytes
) -> None:
    number = ledger.sent(task_id="task-1")
    ledger.sql("UPDATE bodies SET compressed = ?", kept)
    assert ledger.submissions.body(number) is None
    found = origins.of(API, "task-1")
    assert found is not None
    assert found.body is None


def test_a_body_that_would_be_huge_is_none(ledger: Ledger) -> None:
    number = ledger.sent()
    ledger.sql("UPDATE bodies SET compressed = ?", zlib.compress(b" " * 300_000))
    assert ledger.submissions.body(number) is None


def test_a_task_names_those_whose_results_its_body_has(ledger: Ledger, origins: Origins) -> None:
    made = "https://cdn.example.com/a.png"
    for task_id, url in (("task-1", f"{made}?sig=1"), ("task-2", f"{made}x"), ("task-3", None)):
        ledger.sent(request(f'{{"n": "{task_id}"}}'), task_id=task_id)
        kept = KeptFile(1, f"/{task_id}", 1, url=url)
        FileStore(ledger.file, API).record(task_id, [kept])
    body = f'{{"images": ["{made}?sig=2", "{made}"], "page": {{"at": "https://example.com"}}}}'
    ledger.sent(request(body), task_id="task-4")
    found = origins.of(API, "task-4")
    assert found is not None
    assert found.sources == ("task-1",)


def test_a_body_of_many_values_is_searched_in_a_moment() -> None:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE files (base_url, task_id, url)")
        body = b"[" + b"1," * 200_000 + b"1]"
        assert find_sources(db, API, body, None) == ()
    db.close()
