"""`model run`: typed again it is sent again; `--resume` and a request key give the earlier task."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.orders import (
    SAVING,
    again,
    end,
    ended,
    made,
    prompts,
    run,
    task_ids,
    task_of,
)

__all__ = ["batch", "running_service"]

KEYED = ("--request-key", "order-7")


def test_an_accepted_request_that_is_typed_again_is_sent_again(batch: Batches) -> None:
    first, second = run(batch), run(batch)
    assert (first.status, second.status) == (0, 0)
    assert task_of(first) != task_of(second)
    assert made(batch) == 2


def test_a_resume_gives_the_earlier_task(batch: Batches) -> None:
    first = run(batch)
    ran = run(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_of(first)
    assert set(first.json) <= set(ran.json)
    assert set(first.json["data"]) <= set(ran.json["data"])
    assert batch.posts == 1


def test_a_resume_that_waits_gives_what_the_earlier_task_made(batch: Batches) -> None:
    first = run(batch)
    ran = run(batch, "--resume", *SAVING, "--output-dir", "out")
    assert ran.status == 0, ended(ran)
    assert len(list((batch.shell.cwd / "out").iterdir())) == 1
    assert task_of(first) in ran.stdout.decode()
    assert batch.posts == 1


def test_a_resume_of_what_was_never_sent_sends_it(batch: Batches) -> None:
    assert run(batch, "--resume").status == 0
    assert run(batch, "--resume", body="2").status == 0
    assert made(batch) == 2


def test_a_resume_gives_the_latest_of_several_tasks(batch: Batches) -> None:
    run(batch)
    latest = run(batch)
    ran = run(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_of(latest)
    assert batch.posts == 2


@pytest.mark.parametrize("body", [
    '{ "n":1.0 ,"prompt":"1"}', '{"prompt": "\\u0031", "n": 1e0}',
], ids=["other order", "escaped"])  # fmt: skip
def test_a_resume_knows_the_request_however_it_is_written(batch: Batches, body: str) -> None:
    run(batch, body={"prompt": "1", "n": 1})
    (batch.shell.cwd / "body.json").write_text(body)
    words = ("model", "invoke", "--model-slug", "text-to-image/a/b", "--body-file", "body.json")
    ran = batch.shell(*words, "--resume", "--json")
    assert ran.status == 0, ended(ran)
    assert batch.posts == 1


def test_the_same_request_key_is_paid_for_once(batch: Batches) -> None:
    first, second = run(batch, *KEYED), run(batch, *KEYED)
    assert (first.status, second.status) == (0, 0), ended(second)
    assert task_of(second) == task_of(first)
    assert batch.posts == 1


def test_a_request_key_with_another_body_is_refused(batch: Batches) -> None:
    run(batch, *KEYED)
    ran = run(batch, *KEYED, body="2")
    assert end(ran) == (2, "REQUEST_KEY_REUSED"), ended(ran)
    assert ran.json["error"]["charged"] == "no"
    assert batch.posts == 1


def test_another_request_key_is_another_request(batch: Batches) -> None:
    run(batch, *KEYED)
    ran = run(batch, "--request-key", "order-8")
    assert ran.status == 0, ended(ran)
    assert made(batch) == 2


def test_a_request_key_whose_request_was_refused_may_be_used_again(batch: Batches) -> None:
    batch.served.change(post_status=402)
    assert run(batch, *KEYED).status == 4
    batch.served.change(post_status=0)
    ran = run(batch, *KEYED)
    assert ran.status == 0, ended(ran)
    assert made(batch) == 1


def test_a_request_key_is_not_sent_again_while_its_outcome_is_unknown(batch: Batches) -> None:
    batch.served.change(lost_posts=1)
    assert run(batch, *KEYED).status == 8
    ran = run(batch, *KEYED)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert batch.posts == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 2000, "a\nb"], ids=["none", "blank", "long", "lf"])
def test_a_text_that_is_no_request_key_sends_nothing(batch: Batches, key: str) -> None:
    ran = run(batch, "--request-key", key)
    assert ran.status == 2, ended(ran)
    assert batch.posts == 0


def test_a_request_key_used_twice_at_once_is_paid_for_once(batch: Batches) -> None:
    batch.served.change(latency=0.3)
    words = ("model", "run", "a/b", "--body", json.dumps(prompts("1")[0]), *KEYED, "--json")
    runs = [batch.shell.start(*words, stdout=subprocess.PIPE) for _ in range(3)]
    told = [one.communicate(timeout=60)[0] for one in runs]
    assert [one.returncode for one in runs] == [0, 0, 0], told
    assert len({json.loads(out)["data"]["task_id"] for out in told}) == 1
    assert batch.posts == 1


def keyed_lines(path: Path, *keys: str, first: int = 1) -> None:
    path.write_text("".join(
        json.dumps({"modelSlug": "a/b", "body": {"prompt": str(at)}, "requestKey": key}) + "\n"
        for at, key in enumerate(keys, first)
    ))  # fmt: skip


def test_lines_with_request_keys_are_paid_for_once(batch: Batches) -> None:
    keyed_lines(batch.path, "k1", "k2")
    first = again(batch)
    assert first.status == 0, ended(first)
    keyed_lines(batch.path, "k1", "k2", "k3")
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran)[:2] == task_ids(first)
    assert batch.posts == 3


def test_a_key_is_never_paid_for_twice_not_even_by_new(batch: Batches) -> None:
    keyed_lines(batch.path, "k1", "k2")
    first = again(batch)
    ran = again(batch, "--new")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == task_ids(first)
    assert batch.posts == 2


def test_a_key_of_a_run_is_known_to_a_line(batch: Batches) -> None:
    first = run(batch, "--request-key", "k1")
    keyed_lines(batch.path, "k1")
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == [task_of(first)]
    assert batch.posts == 1


def test_a_line_with_the_key_of_another_request_sends_nothing(batch: Batches) -> None:
    run(batch, "--request-key", "k1", body="something else")
    keyed_lines(batch.path, "k0", "k1")
    ran = again(batch)
    assert end(ran) == (2, "REQUEST_KEY_REUSED"), ended(ran)
    assert batch.posts == 1


def test_two_lines_with_one_key_and_different_bodies_send_nothing(batch: Batches) -> None:
    keyed_lines(batch.path, "k1", "k1")
    ran = again(batch)
    assert ran.status == 2, ended(ran)
    assert batch.posts == 0
