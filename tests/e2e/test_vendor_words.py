"""The words that the vendor's own clients search for in messages, in any case of letters."""

import json
from typing import Any

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.orders import again, end, ended, run

__all__ = ["batch", "running_service"]

BRIEF = ("--max-retry-wait", "1s")
WORDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a refused key": ({"post_status": 401}, ("unauthorized", "401", "invalid or inactive")),
    "a limit": ({"post_status": 429}, ("429", "rate limit")),
    "no balance": ({"post_status": 402}, ("payment required", "insufficient", "recharge")),
    "a lost reply": ({"lost_posts": 9}, ("outcome is unknown",)),
    "a broken reply": ({"post_status": 500}, ("outcome is unknown",)),
}


def found(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text.lower() for word in words)


@pytest.mark.parametrize(("settings", "words"), WORDS.values(), ids=WORDS)
def test_the_words_are_in_the_message_and_on_stderr(
    batch: Batches, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    batch.served.change(**settings)
    ran = run(batch, *BRIEF)
    assert found(ran.json["error"]["message"], words), ended(ran)
    body = json.dumps({"prompt": "2"})
    plain = batch.shell("model", "run", "a/b", "--body", body, *BRIEF)
    assert found(plain.stderr, words), ended(plain)


@pytest.mark.parametrize(("settings", "words"), WORDS.values(), ids=WORDS)
def test_the_words_are_in_the_error_of_a_line(
    batch: Batches, settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    batch.write({})
    batch.served.change(**settings)
    (entry,) = again(batch, *BRIEF).json["tasks"]
    assert found(entry["error"], words), entry


def test_a_request_that_is_held_back_says_that_its_outcome_is_unknown(batch: Batches) -> None:
    batch.served.change(lost_posts=1)
    run(batch)
    ran = run(batch)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert found(ran.json["error"]["message"], ("outcome is unknown",)), ended(ran)


@pytest.mark.parametrize("words", [
    ("model", "run", "a/b", "--body", "{}"), ("model", "batch", "lines.jsonl", "--yes"),
    ("task", "get", "task-1"),
], ids=lambda words: " ".join(words[:2]))  # fmt: skip
def test_a_missing_key_is_called_so(batch: Batches, words: tuple[str, ...]) -> None:
    del batch.shell.env["MODELLIX_API_KEY"]
    ran = batch.shell(*words, "--json")
    assert ran.status == 3, ended(ran)
    assert found(ran.json["error"]["message"], ("missing api key", "not authenticated"))


def test_a_read_that_is_limited_says_so(batch: Batches) -> None:
    batch.served.change(rate=1, window=300)
    batch.served.submit({"prompt": "takes the only place"})
    ran = batch.shell("task", "get", "task-1", "--json", *BRIEF)
    assert ran.status == 6, ended(ran)
    assert found(ran.json["error"]["message"], ("429", "rate limit"))


SECRETS = {
    "a bare key": "mk-secret-0123456789abcdef\n",
    "a variable": "export MODELLIX_API_KEY=mk-secret-0123456789abcdef\n",
    "a file of credentials": "[default]\nkey = mk-secret-0123456789abcdef\n",
    "a private key": "-----BEGIN PRIVATE KEY-----\nmk-secret-0123456789abcdef\n",
    "blanks before it": "  \n\tmk-secret-0123456789abcdef",
    "no unicode": "mk-secret-0123456789\udcff",
}
PIECES = ("mk-s", "secret", "0123", "export", "BEGIN")


@pytest.mark.parametrize("options", [(), ("--json",), ("--debug",)], ids=["text", "json", "debug"])
@pytest.mark.parametrize("content", SECRETS.values(), ids=SECRETS)
def test_a_body_file_that_is_no_json_is_never_quoted(
    batch: Batches, content: str, options: tuple[str, ...]
) -> None:
    (batch.shell.cwd / "body").write_bytes(content.encode(errors="surrogateescape"))
    ran = batch.shell("model", "run", "a/b", "--body-file", "body", *options)
    assert ran.status == 2, ended(ran)
    shown = ran.stdout.decode() + ran.stderr
    assert [piece for piece in PIECES if piece in shown] == []
    assert batch.posts == 0


def test_a_body_file_that_begins_like_json_may_be_quoted(batch: Batches) -> None:
    (batch.shell.cwd / "body").write_text('{"prompt": "a cat",}')
    ran = batch.shell("model", "run", "a/b", "--body-file", "body", "--json")
    assert end(ran) == (2, "INVALID_BODY"), ended(ran)
