"""Advice for a run in the sandbox, which has tasks of its own and costs nothing."""

import re
from typing import Final

_LOCAL_COMMAND: Final = r"modellix-cli (?:(?:task|batch|model) [a-z]+|usage)(?! --sandbox)\b"
_FITTING: Final = (
    (
        "the usage page of https://modellix.ai/console",
        "modellix-cli task history (the sandbox costs nothing and has no usage page)",
    ),
    (
        "recharge the account at https://modellix.ai/console, then send again",
        "modellix-cli sandbox reset makes it $10.00 again. The model sandbox/broke refuses always",
    ),
    (
        "Check the task id and the account: tasks belong to a team.",
        "Check the task id. A task from before a sandbox reset is gone.",
    ),
    (", and perhaps be charged twice,", ","),
)


def in_sandbox(advice: str) -> str:
    """Return advice without pages of the real console, with --sandbox on its commands."""
    for real, here in _FITTING:
        advice = advice.replace(real, here)
    if "--sandbox" in advice:
        return advice
    return re.sub(_LOCAL_COMMAND, r"\g<0> --sandbox", advice)
