"""How results are written."""

from enum import StrEnum


class Output(StrEnum):
    """How results are written; `--output` and its shorthands choose."""

    HUMAN = "human"
    JSON = "json"
    JSONL = "jsonl"
    QUIET = "quiet"
    TASK_ID = "task-id"
    SLUGS = "slugs"
    CSV = "csv"
