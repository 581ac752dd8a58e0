"""Names of saved files, made from a template."""

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads.name_template import DEFAULT, parse_name_template

VALUES = {
    "index": 7, "id": "cover", "task_id": "task-1", "slug": "a/b", "ext": "png",
    "date": "2026-11-21",
}  # fmt: skip


@pytest.mark.parametrize(("template", "name"), [
    (DEFAULT, "7-task-1.png"),
    ("{index:04}.{ext}", "0007.png"),
    ("{index:3}.{ext}", "  7.png"),
    ("{id}-{date}", "cover-2026-11-21"),
    ("{{{id}}}", "{cover}"),
    ("{slug}", "a/b"),
])  # fmt: skip
def test_fields_are_filled_in(template: str, name: str) -> None:
    assert parse_name_template(template).name(VALUES) == name


def test_a_missing_extension_leaves_no_dot() -> None:
    assert parse_name_template(DEFAULT).name(VALUES | {"ext": ""}) == "7-task-1"


@pytest.mark.parametrize("template", [
    "", "picture", "{", "{index", "{}", "{0}", "{name}", "{index!r}", "{index.real}", "{id[0]}",
    "{index:d}", "{index:0999999999}", "{index:99}", "{slug:10}", "{index:{id}}", "made/{index}",
    "made\\{index}", "{{index}}",
])  # fmt: skip
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(ModellixError) as caught:
        parse_name_template(template)
    assert caught.value.code is ErrorCode.USAGE
    assert "--name-template" in caught.value.message


def test_values_with_braces_are_not_read_as_fields() -> None:
    assert parse_name_template("{id}").name(VALUES | {"id": "{task_id}"}) == "{task_id}"
