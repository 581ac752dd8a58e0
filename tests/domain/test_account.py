"""Who pays."""

from modellix_cli.domain.account import account_of, key_mark

BASE = "https://api.modellix.ai"


def test_the_mark_of_a_key_does_not_tell_it() -> None:
    mark = key_mark(BASE, "mk-secret-0123456789")
    assert len(mark) == 32
    assert "secret" not in mark
    assert mark != key_mark(BASE, "mk-secret-0123456780")
    assert mark != key_mark("http://localhost:1", "mk-secret-0123456789")


def test_the_spelling_of_the_address_does_not_count() -> None:
    assert account_of("http://LOCALHOST:80/", "p", "k") == account_of("http://localhost", "p", "k")


def test_no_key_leaves_no_mark() -> None:
    assert account_of(BASE, "work", None).key_mark == ""
    assert account_of(BASE, "work", "").key_mark == ""
