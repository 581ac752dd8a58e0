"""Lines that use what earlier lines make: in which order, with what, and each paid once."""

import json
from typing import Any

import httpx
import pytest

from tests.commands.batches import Batches, bad_request, batch, states
from tests.conftest import Cli
from tests.support import FakeClock, Result, task_reply

__all__ = ["batch"]

CHAIN: list[tuple[str, dict[str, Any]]] = [
    ("cat", {"line": 1}),
    ("edit", {"line": 2, "image": "@line:cat[0]"}),
    ("film", {"line": 3, "frames": [{"first": "@line:edit"}], "note": "@@line:cat"}),
]
DAY = 24 * 3600.0


class Chain:
    """Runs a batch whose lines use each other."""

    def __init__(self, batch: Batches) -> None:
        self.batch = batch
        self.service = batch.service
        self.write(*CHAIN)

    def write(self, *lines: tuple[str, dict[str, Any]]) -> None:
        tasks = ({"id": name, "modelSlug": "a/b", "body": body} for name, body in lines)
        text = "".join(json.dumps(task) + "\n" for task in tasks)
        (self.batch.work / "tasks.jsonl").write_text(text)

    def __call__(self, *options: str, **keywords: Any) -> Result:
        return self.batch("--wait", *options, **keywords)


@pytest.fixture
def chain(batch: Batches) -> Chain:
    return Chain(batch)


def url(task_id: str) -> str:
    return f"https://cdn.example.com/{task_id}.png"


def problems(result: Result) -> list[str | None]:
    return [entry.get("error") for entry in result.json["tasks"]]


# What is sent


def test_each_line_is_sent_with_the_result_of_the_one_before(chain: Chain) -> None:
    result = chain()
    assert (result.status, states(result)) == (0, ["accepted"] * 3)
    assert chain.service.bodies == [
        {"line": 1},
        {"line": 2, "image": url("task-1")},
        {"line": 3, "frames": [{"first": url("task-2")}], "note": "@line:cat"},
    ]


def test_a_position_names_one_of_several_results(chain: Chain) -> None:
    chain.service.tasks["task-1"] = task_reply("task-1", "success", url("x"), url("y"))
    chain.write(CHAIN[0], ("edit", {"line": 2, "images": ["@line:cat[1]", "@line:cat[0]"]}))
    assert chain().status == 0
    assert chain.service.bodies[1]["images"] == [url("y"), url("x")]


def test_a_position_beyond_the_results_is_told(chain: Chain) -> None:
    chain.write(CHAIN[0], ("edit", {"line": 2, "image": "@line:cat[1]"}))
    result = chain()
    assert (result.status, states(result)) == (1, ["accepted", "skipped"])
    assert problems(result)[1] == (
        "@line:cat[1] is not there: task task-1 made 1 result; in brackets they are counted from 0."
    )


def test_chains_beside_each_other_run_at_the_same_time(chain: Chain) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    for number in range(1, 9, 2):
        lines += [
            (f"a{number}", {"line": number}),
            (f"b{number}", {"line": number + 1, "image": f"@line:a{number}"}),
        ]
    chain.write(*lines)
    assert chain().status == 0
    assert chain.service.posts[:4] == [1, 3, 5, 7]
    assert sorted(chain.service.posts[4:]) == [2, 4, 6, 8]


def test_what_was_sent_is_what_the_ledger_keeps(chain: Chain, cli: Cli) -> None:
    chain()
    keys = chain.batch.sql("SELECT count(*) FROM bodies")
    assert keys == [(3,)]


# What is refused before paying


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([("a", "@line:b"), ("b", "x")], 'line 1: it uses the result of "b", which stands after'),
        ([("a", "@line:b"), ("b", "@line:a")], 'on line 1: it uses the result of "b"'),
        ([("a", "@line:a")], "on line 1: it uses its own result"),
        ([("a", "x"), ("b", "@line:c[0]")], 'on line 2: no line has the id "c"'),
        ([("a", "x"), ("b", "@line:")], 'on line 2: "@line:" names no line'),
    ],
)
def test_a_use_of_what_is_not_there_is_refused(
    chain: Chain, lines: list[tuple[str, str]], says: str
) -> None:
    chain.write(*((name, {"line": 1, "image": use}) for name, use in lines))
    for options in ((), ("--dry-run",)):
        result = chain(*options)
        assert (result.status, says in result.stderr, chain.service.posts) == (2, True, [])


def test_lines_that_use_others_need_wait(chain: Chain) -> None:
    result = chain.batch()
    assert (result.status, "needs --wait" in result.stderr, chain.service.posts) == (2, True, [])


# What has no result


def test_what_uses_a_failed_task_is_skipped_and_says_why(chain: Chain) -> None:
    chain.service.tasks["task-1"] = task_reply("task-1", "failed", error="too dark")
    result = chain()
    assert (result.status, states(result)) == (1, ["accepted", "skipped", "skipped"])
    assert problems(result)[1:] == [
        'Skipped: it uses the result of line "cat", which has none.',
        'Skipped: it uses the result of line "edit", which has none.',
    ]
    codes = [entry["errorInfo"]["code"] for entry in result.json["tasks"]]
    assert codes == ["TASK_FAILED", "LINE_SKIPPED", "LINE_SKIPPED"]
    assert "add --retry-failed" in result.stderr
    del chain.service.tasks["task-1"]
    again = chain("--resume", "--retry-failed")
    assert (again.status, chain.service.posts) == (0, [1, 1, 2, 3])


def test_what_uses_a_rejected_line_is_skipped_and_sent_by_the_next_run(chain: Chain) -> None:
    chain.service.replies[2] = bad_request()
    assert states(chain()) == ["accepted", "rejected", "skipped"]
    del chain.service.replies[2]
    result = chain("--resume")
    assert (result.status, chain.service.posts) == (0, [1, 2, 2, 3])


def test_what_uses_a_line_of_unknown_outcome_is_not_sent(chain: Chain) -> None:
    chain.service.replies[1] = httpx.ReadTimeout("late")
    result = chain("--continue-on-unknown")
    assert (result.status, states(result)) == (8, ["unknown", "skipped", "skipped"])
    assert chain.service.posts == [1]


# Again


def test_a_chain_that_is_done_is_recognised(chain: Chain) -> None:
    chain()
    assert chain().status == 2
    result = chain("--resume")
    assert (result.json["newlySubmitted"], result.json["reused"]) == (0, 3)
    assert chain.service.posts == [1, 2, 3]


def test_the_address_of_what_an_earlier_run_made_is_read_again(chain: Chain) -> None:
    chain.service.replies[2] = bad_request()
    chain()
    del chain.service.replies[2]
    chain.service.tasks["task-1"] = task_reply("task-1", "success", url("moved"))
    assert chain("--resume").status == 0
    assert chain.service.bodies[2]["image"] == url("moved")


def test_a_line_is_the_same_wherever_the_result_that_it_uses_lies(chain: Chain) -> None:
    chain()
    chain.service.tasks["task-1"] = task_reply("task-1", "success", url("moved"))
    chain.write(CHAIN[0], ("other", {"line": 7}), *CHAIN[1:])
    chain("--resume")
    assert chain.service.posts == [1, 2, 3, 7]


def test_a_line_that_uses_another_result_is_another_request(chain: Chain) -> None:
    chain()
    chain.write(("dog", {"line": 7}), *CHAIN[1:2])
    lines = [("cat", {"line": 7}), *CHAIN[1:]]
    chain.write(*lines)
    chain("--resume")
    assert chain.service.posts == [1, 2, 3, 7, 2, 3]


@pytest.mark.parametrize(
    ("reply", "says", "code"),
    [
        ("expired", "expired on", "RESULT_EXPIRED"),
        ("gone", "cannot be read", "NOT_FOUND"),  # which may pass
    ],
)
def test_a_result_that_expired_is_told_and_nothing_is_sent(
    chain: Chain, clock: FakeClock, reply: str, says: str, code: str
) -> None:
    chain.service.replies[2] = bad_request()
    chain()
    del chain.service.replies[2]
    past = clock.now() + DAY
    chain.service.tasks["task-1"] = task_reply(
        "task-1", "success", url("task-1"), result_expires_at=past
    )
    if reply == "gone":
        chain.service.missing = True
    clock.time += 2 * DAY
    result = chain("--resume")
    assert (states(result), chain.service.posts) == (["accepted", "skipped", "skipped"], [1, 2])
    assert says in str(problems(result)[1])
    assert result.json["tasks"][1]["errorInfo"]["code"] == code


def test_with_new_everything_is_made_again(chain: Chain) -> None:
    chain()
    chain("--new")
    assert chain.service.posts == [1, 2, 3, 1, 2, 3]


def test_a_table_can_hold_a_chain(chain: Chain) -> None:
    text = 'id,model,line:,image,frames[0].first\ncat,a/b,1,,\nedit,a/b,2,"@line:cat",\n'
    properties = {"image": {"type": "string"}}
    document = {
        "servers": [{"url": "https://api.modellix.ai/api/v1/a/b/async"}],
        "post": {
            "requestBody": {
                "content": {"application/json": {"schema": {"properties": properties}}}
            },
            "responses": {},
        },
    }
    chain.service.schema.respond(json=document)
    (chain.batch.work / "t.csv").write_text(text)
    assert chain.batch.cli("model", "batch", "t.csv", "--yes", "--wait").status == 0
    assert chain.service.bodies == [{"line": 1}, {"line": 2, "image": url("task-1")}]
