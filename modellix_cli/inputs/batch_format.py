"""How the input of a batch is written."""

from enum import StrEnum


class BatchFormat(StrEnum):
    """The formats that are read."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


def format_of(source: str) -> BatchFormat:
    """Return the format that the ending of a file's name tells; JSON Lines where it does not."""
    ending = source.rpartition(".")[2].lower()
    return {"csv": BatchFormat.CSV, "tsv": BatchFormat.TSV}.get(ending, BatchFormat.JSONL)
