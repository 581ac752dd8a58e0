"""The only writer: what reaches stdout and stderr, and what never does."""

import io
import json

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.streams import ReaderGone
from tests.support import Terminal

EVIL = "a\x1b[31mred\x07\u202e\x9b2J\r\nb"


def sink(
    out: io.StringIO | None = None, err: io.StringIO | None = None, **env: str
) -> tuple[Sink, io.StringIO, io.StringIO]:
    out, err = out or io.StringIO(), err or io.StringIO()
    return Sink(out, err, env), out, err


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_json_is_indented_by_two_and_ends_with_one_newline() -> None:
    writer, out, _ = sink()
    writer.json({"a": [1, "é"]})
    assert out.getvalue() == '{\n  "a": [\n    1,\n    "é"\n  ]\n}\n'


def test_nothing_that_acts_on_a_terminal_passes() -> None:
    writer, out, err = sink(Terminal(), Terminal(), NO_COLOR="1")
    writer.json({EVIL: EVIL})
    writer.line(EVIL)
    writer.block(EVIL)
    writer.note(EVIL)
    writer.warn(EVIL)
    writer.error(ModellixError(ErrorCode.API_ERROR, EVIL, hint=EVIL))
    both = out.getvalue() + err.getvalue()
    assert not set(both) & set("\x1b\x07\x9b\u202e\r")


@pytest.mark.parametrize(
    "page",
    [
        *("{}", "# {}", "*{}*", "~~{}~~", "- {}", "> {}", "|a|\n|-|\n|{}|\n"),
        *("[{}](https://a.example)", "![{}](https://a.example/b.png)", "[a](https://a.example/{})"),
    ],
)
def test_entities_of_a_page_are_made_safe_after_they_are_read(page: str) -> None:
    writer, out, _ = sink(Terminal(), Terminal(), NO_COLOR="1")
    evil = "&#x202e;&#8238;&rlm;&lrm;&#x2066;&#x61c;&#27;[31m&#x9b;31m&#x7;"
    writer.markdown(page.format(evil))
    assert not set(out.getvalue()) & set("\x1b\x07\x9b\u202e\u200e\u200f\u2066\u061c")


def test_colour_is_for_terminals_only() -> None:
    for stream, env, colored in (
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"CI": "true"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (Terminal(), {"FORCE_COLOR": "0"}, True),
    ):
        writer, _, err = sink(None, stream, **env)
        writer.warn("careful")
        assert ("\x1b[" in err.getvalue()) is colored


def test_coloured_json_has_the_same_characters_and_is_never_wrapped() -> None:
    import re

    writer, out, _ = sink(Terminal())
    value = {"text": "[bold]not markup[/bold] " + "long " * 60, "number": 1.5, "none": None}
    writer.json(value)
    assert "\x1b[" in out.getvalue()
    assert json.loads(re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())) == value


@pytest.mark.parametrize("secret", ["mk-0123456789abcdef", "short", "k"])
def test_a_key_never_passes(secret: str) -> None:
    writer, out, err = sink()
    writer.hide(secret)
    writer.json({"echo": f"key {secret}!"})
    writer.line(secret)
    writer.note(f"Bearer {secret}")
    writer.error(ModellixError(ErrorCode.API_ERROR, f"bad key '{secret}'"))
    assert f" {secret}!" not in out.getvalue()
    assert "[REDACTED]" in out.getvalue()
    assert f"'{secret}'" not in err.getvalue()
    assert f"Bearer {secret}" not in err.getvalue()


def test_hiding_a_short_key_leaves_words_alone() -> None:
    writer, _, err = sink()
    writer.hide("k")
    writer.note("Check the api-key and the task: k")
    assert err.getvalue() == "Check the api-key and the task: [REDACTED]\n"


def test_an_error_says_what_happened_then_what_to_do() -> None:
    writer, out, err = sink()
    writer.error(
        ModellixError(ErrorCode.NOT_FOUND, "No such task.", hint="Look.", resume="do this")
    )
    assert err.getvalue() == "Error: No such task.\nLook.\nResume with: do this\n"
    assert out.getvalue() == ""


def test_the_envelope_is_json_on_stdout_and_stderr_stays_empty() -> None:
    writer, out, err = sink()
    writer.envelope = True
    writer.error(ModellixError(ErrorCode.NOT_FOUND, "No such task.", status=404, task_id="t"))
    assert json.loads(out.getvalue()) == {
        "ok": False,
        "error": {
            "code": "NOT_FOUND",
            "message": "No such task.",
            "hint": "Check the id or slug.",
            "exitCode": 5,
            "status": 404,
            "taskId": "t",
            "retryable": False,
        },
    }
    assert err.getvalue() == ""


def test_no_envelope_follows_a_result() -> None:
    writer, out, err = sink()
    writer.envelope = True
    writer.json({"result": 1})
    writer.error(ModellixError(ErrorCode.TASK_FAILED, "It failed."))
    assert json.loads(out.getvalue()) == {"result": 1}
    assert "It failed." in err.getvalue()


def test_an_interruption_is_told_on_stderr_too() -> None:
    writer, out, err = sink()
    writer.envelope = True
    writer.error(ModellixError(ErrorCode.INTERRUPTED, "Interrupted.", resume="resume"))
    assert json.loads(out.getvalue())["error"]["exitCode"] == 130
    assert "Resume with: resume" in err.getvalue()


def test_a_full_disk_is_an_error_with_its_reason() -> None:
    writer, _, _ = sink(Full())
    with pytest.raises(ModellixError) as caught:
        writer.line("data")
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert "No space left on device" in caught.value.message


def test_a_closed_stdout_is_an_error() -> None:
    with pytest.raises(ModellixError, match="it is closed"):
        Sink(None, io.StringIO(), {}).line("data")


def test_a_reader_that_left_is_a_broken_pipe() -> None:
    writer, _, _ = sink(Closed())
    with pytest.raises(ReaderGone):
        writer.line("data")


def test_talk_that_cannot_be_written_is_dropped() -> None:
    for stream in (Full(), Closed(), None):
        writer = Sink(io.StringIO(), stream, {})
        writer.note("hello")
        writer.warn("hello")


def test_output_names_are_those_of_the_command_line() -> None:
    assert [str(mode) for mode in Output] == [
        "human",
        "json",
        "jsonl",
        "quiet",
        "task-id",
        "slugs",
        "csv",
    ]


def test_very_long_messages_are_cut() -> None:
    writer, _, err = sink()
    writer.error(ModellixError(ErrorCode.API_ERROR, "x" * 100_000))
    assert len(err.getvalue()) < 11_000


def test_forced_colour_never_reaches_piped_data() -> None:
    writer, out, _ = sink(FORCE_COLOR="1")
    writer.json({"a": 1})
    assert out.getvalue() == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize("secret", ["0", "code", 'sk"secret\\key123'])
def test_hiding_a_key_leaves_json_what_it_is(secret: str) -> None:
    writer, out, _ = sink()
    writer.hide(secret)
    writer.json({"code": 0, "echo": f"the key {secret} is bad"})
    shown = json.loads(out.getvalue())
    assert shown["echo"] == "the key [REDACTED] is bad"
    assert 0 in shown.values()


@pytest.mark.parametrize(
    ("envelope", "stderr", "told"),
    [
        (True, io.StringIO, False),
        (True, Terminal, True),
        (False, io.StringIO, True),
    ],
)
def test_with_json_and_no_terminal_only_what_is_at_risk_is_told(
    envelope: bool, stderr: type[io.StringIO], told: bool
) -> None:
    out, err = io.StringIO(), stderr()
    writer = Sink(out, err, {}, envelope=envelope)
    writer.note("Trying again in 2s.")
    writer.alert("Task t-1 was submitted.")
    writer.warn("The ledger is damaged.")
    assert ("Trying again" in err.getvalue()) is told
    assert "Task t-1 was submitted." in err.getvalue()
    assert "The ledger is damaged." in err.getvalue()
