"""The paid POST on its own: which replies prove that nothing was created, and what is told."""

import json
from typing import Any

import pytest

from modellix_cli.api import paid
from modellix_cli.api.connecting import NotSent
from modellix_cli.api.transport import ConnectionLost, Reply
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import parse_slug
from tests.support import BASE, FakeClock, accepted, problem

BODY = b'{"prompt": "a cat"}'
PROVE_NOTHING_CREATED = {400, 401, 402, 403, 404, 405, 413, 415, 422, 429}


class Line:
    """A transport with one end: a reply, or what is raised."""

    def __init__(self, end: Reply | Exception) -> None:
        self.end = end
        self.sent: list[dict[str, Any]] = []

    def send(self, method: str, path: str, **options: Any) -> Reply:
        self.sent.append({"method": method, "path": path} | options)
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def reply(status: int, document: Any, **headers: str) -> Reply:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, content)


def post(end: Reply | Exception, body: bytes = BODY) -> paid.Posted:
    line: Any = Line(end)
    requests = paid.PaidRequests(line, BASE, {"a": "b"}, clock=FakeClock())
    posted = requests.post(parse_slug("a/b"), body)
    assert line.sent == [
        {
            "method": "POST",
            "path": "/api/v1/a/b/async",
            "headers": {"a": "b", "Content-Type": "application/json"},
            "body": body,
            "own_connection": True,
        }
    ]
    return posted


def failed(end: Reply | Exception, body: bytes = BODY) -> ModellixError:
    outcome = post(end, body).outcome
    assert isinstance(outcome, ModellixError)
    return outcome


def unknown(end: Reply | Exception) -> ModellixError:
    error = failed(end)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    return error


@pytest.mark.parametrize("status", range(300, 600))
def test_these_statuses_prove_that_nothing_was_created(status: int) -> None:
    error = failed(reply(status, problem(status, "No.")))
    proved = status in PROVE_NOTHING_CREATED or status == 503
    assert (error.code is not ErrorCode.SUBMISSION_UNKNOWN) == proved
    assert error.status == status


@pytest.mark.parametrize("status", sorted(PROVE_NOTHING_CREATED))
def test_a_refusal_proves_it_in_any_words_but_not_if_it_names_a_task(status: int) -> None:
    assert failed(reply(status, b"<html>")).code is not ErrorCode.SUBMISSION_UNKNOWN
    assert unknown(reply(status, {"code": status, "task_id": "t-1"})).task_id == "t-1"


@pytest.mark.parametrize("words", [b"<html>busy</html>", b"", b'{"message": "busy"}', b"[503]"])
def test_503_proves_it_only_in_the_words_of_the_api(words: bytes) -> None:
    unknown(reply(503, words))


def test_503_in_the_words_of_the_api_that_names_a_task_proves_nothing() -> None:
    assert unknown(reply(503, problem(503, "x") | {"task_id": "t-1"})).task_id == "t-1"


def test_a_refusal_that_repeats_an_id_of_the_request_is_one() -> None:
    refused = reply(400, {"code": 400, "message": "no", "task_id": "t-1"})
    assert failed(refused, b'{"ref": "t-1"}').code is ErrorCode.INVALID_REQUEST


def test_what_was_never_sent_is_no_unknown_outcome() -> None:
    cause = NotSent("no route")
    posted = post(cause)
    assert isinstance(posted.outcome, ModellixError)
    assert posted.outcome.code is ErrorCode.NETWORK
    assert posted.outcome.__cause__ is cause
    assert posted.limits is None


def test_a_connection_that_is_lost_leaves_what_arrived() -> None:
    cause = ConnectionLost("reset", b'{"data": {"task_id": "t-1"')
    posted = post(cause)
    error = posted.outcome
    assert isinstance(error, ModellixError)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert (error.task_id, error.status, error.__cause__) == ("t-1", None, cause)
    assert "reset" in error.message
    assert posted.limits is None


def test_a_defect_while_sending_leaves_the_outcome_unknown() -> None:
    cause = ValueError("ours")
    posted = post(cause)
    error = posted.outcome
    assert isinstance(error, ModellixError)
    assert (error.code, error.status) == (ErrorCode.SUBMISSION_UNKNOWN, None)
    assert error.__cause__ is cause
    assert "ValueError" in error.message
    assert posted.limits is None


def test_a_defect_while_reading_keeps_the_id_and_the_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def defect(document: Any) -> Submission:
        raise ZeroDivisionError

    monkeypatch.setattr(paid, "read_submission", defect)
    posted = post(reply(200, accepted("t-1")))
    error = posted.outcome
    assert isinstance(error, ModellixError)
    assert (error.code, error.task_id) == (ErrorCode.SUBMISSION_UNKNOWN, "t-1")
    assert error.status == 200
    assert "ZeroDivisionError" in error.message
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert posted.limits is not None


def test_limits_come_with_the_outcome_whatever_it_is() -> None:
    for end in (reply(200, accepted("t-1")), reply(400, problem(400, "no"))):
        assert post(end).limits is not None


def test_an_unknown_outcome_keeps_what_the_reply_said_besides() -> None:
    error = unknown(
        reply(
            503,
            {"message": "Rate limit exceeded: wait", "task_id": "t-1"},
            retry_after="7",
            x_ratelimit_limit="60",
        )
    )
    assert (error.retry_after, error.category) == (7.0, "Rate limit exceeded")
    assert error.rate_limit == {"limit": 60}
    assert "Rate limit exceeded: wait" in error.message


def test_a_reply_without_a_usable_submission_is_unknown_and_names_what_it_has() -> None:
    error = unknown(reply(200, {"code": 0, "data": {"job_id": "j-1"}}))
    assert error.task_id == "j-1"
    assert isinstance(error.__cause__, ModellixError)
    assert error.message.startswith(error.__cause__.message)


def test_an_accepted_submission_names_the_other_tasks_of_the_reply() -> None:
    document = accepted("t-1") | {"tasks": [{"id": f"t-{n}"} for n in range(1, 40)], "id": "bare-1"}
    outcome = post(reply(200, document)).outcome
    assert isinstance(outcome, Submission)
    assert outcome.task_id == "t-1"
    assert outcome.others == tuple(f"t-{n}" for n in range(2, 22))


def test_the_first_usable_id_is_the_task_and_the_others_are_told() -> None:
    error = unknown(reply(500, {"task_ids": ["a#b", "t-1", "t-2", "a b"], "id": "bare-1"}))
    assert error.task_id == "t-1"
    assert error.other_tasks == ("t-2",)
    assert "The reply names the task id t-1." in error.message
    assert "t-2" in error.message


def test_an_id_that_is_not_usable_is_shown_and_not_asked_for() -> None:
    error = unknown(reply(500, {"task_id": "a#b"}))
    assert error.task_id is None
    assert "The reply names the task id a#b." in error.message
    assert error.other_tasks == ()


def test_nothing_is_said_of_ids_where_there_are_none() -> None:
    message = unknown(reply(500, b"oops")).message
    assert "task id" not in message
    assert message.endswith("a task may have been created and charged.")


def test_nothing_is_said_of_other_ids_where_there_is_one() -> None:
    message = unknown(reply(500, {"task_id": "t-1"})).message
    assert message.endswith("The reply names the task id t-1.")


def test_a_bare_id_is_not_another_task_beside_one_that_is_named() -> None:
    document = accepted("t-1") | {"id": "bare-1"}
    outcome = post(reply(200, document)).outcome
    assert isinstance(outcome, Submission)
    assert outcome.others == ()
    assert unknown(reply(500, {"task_id": "t-1", "id": "bare-1"})).other_tasks == ()


def test_a_success_that_is_not_json_says_so() -> None:
    assert "something that is not JSON" in unknown(reply(200, b"<html>")).message


def test_a_very_long_id_is_cut_where_it_is_told() -> None:
    message = unknown(reply(500, {"task_id": "x" * 700})).message
    assert "x" * 599 in message
    assert "x" * 600 not in message
