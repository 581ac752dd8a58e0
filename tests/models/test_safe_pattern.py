"""Which patterns of a schema are applied: those that cannot take long."""

import pytest

from modellix_cli.models.safe_pattern import safe_pattern


@pytest.mark.parametrize("pattern", ["^[a-z]+-[0-9]*$", "(?:a|b)c", "[(:?]a+", "[]a]"])
def test_what_cannot_take_long_is_applied(pattern: str) -> None:
    assert safe_pattern(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(?:a+)*b",
        "(?#[)^((.|\\s)+)+x(?#])",  # comments that look like the ends of a class
        "(?x)#[\n^((.|\\s)+)+x\n#]",
        "(?x:#[\n((.|\\s)+)+\n#])",
        "(?P<a>(a+)+)",
        "(?<=[)(a+)+b",
        r"[\](a+)+]",
        "a*" * 3,
        "(",
    ],
)
def test_what_may_take_long_or_cannot_be_read_is_not(pattern: str) -> None:
    assert safe_pattern(pattern) is None
