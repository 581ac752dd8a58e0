"""Why lines of a batch failed, in the fewest words that stay true."""

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.output.batch_lines import ShownLine, reasons

SEE = "The outcome is unknown. See it with: modellix-cli task get "


def failed(index: int, task_id: str, error: str) -> ShownLine:
    entry: JsonObject = {"index": index, "ok": False, "taskId": task_id, "error": error + task_id}
    return ShownLine(entry)


def test_the_reason_of_one_line_names_its_task_so_that_the_command_works() -> None:
    assert reasons([failed(3, "t-1", SEE)]).words() == [f"Failed: line 3: {SEE}t-1"]


def test_reasons_that_differ_by_the_task_are_one() -> None:
    lines = [failed(3, "t-1", SEE), failed(1, "t-2", SEE)]
    assert reasons(lines).words() == [f"Failed: 2 lines (1, 3): {SEE}TASK"]
