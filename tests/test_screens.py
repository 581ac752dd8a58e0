"""The pictures of the terminal in docs/screens show what the program does."""

import pytest

from tests.screens import SCREENS, TARGET, screen


@pytest.mark.parametrize("name", SCREENS)
def test_a_picture_shows_what_the_program_says(name: str) -> None:
    assert (TARGET / f"{name}.svg").read_text(encoding="utf-8") == screen(name), (
        "Run make screens, look at the picture, and commit it."
    )
