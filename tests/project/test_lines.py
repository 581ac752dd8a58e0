"""On which line a key stands, whatever else TOML allows around it."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.project.lines import key_lines, line_of, longest_key

DOCUMENT = """\
# model = "no"
model = "a/b"  # a comment with [ and "
output_dir='p'

[models."a/b=c".parameters]
size.width = 3
text = \"\"\"
[no]
x = 1
\"\"\"
list = [
  1, # ]
  "]",
]
  seed = 4
[ presets . 'one' ]
prompt = '''it's'''
inline = {a = 1, b = [2]}
"""


@pytest.mark.parametrize(("path", "line"), [
    (("model",), 2),
    (("output_dir",), 3),
    (("models",), 5),
    (("models", "a/b=c", "parameters"), 5),
    (("models", "a/b=c", "parameters", "size"), 6),
    (("models", "a/b=c", "parameters", "size", "width"), 6),
    (("models", "a/b=c", "parameters", "text"), 7),
    (("models", "a/b=c", "parameters", "list"), 11),
    (("models", "a/b=c", "parameters", "seed"), 15),
    (("presets", "one"), 16),
    (("presets", "one", "prompt"), 17),
    (("presets", "one", "inline", "a"), 18),
    (("presets", "one", "unknown"), 16),
    (("unknown",), 1),
])  # fmt: skip
def test_a_key_stands_on_its_line(path: tuple[str, ...], line: int) -> None:
    assert tomllib.loads(DOCUMENT)
    assert line_of(key_lines(DOCUMENT), path) == line


def test_line_breaks_of_windows_count_once() -> None:
    assert line_of(key_lines("a = 1\r\nb = '''\r\n'''\r\nc = 2\r\n"), ("c",)) == 4


PIECES = st.sampled_from([
    "a = 1", "b.c = 'x'", '"d e" = """\n"\n"""', "f = [1,\n[2]]", "[t]", "[t.u]", "[[v]]",
    "# [w]", "", 'g = "\\"#"', "h = {i = 1}", "k = ''''a''''", " l=2",
])  # fmt: skip


@given(st.lists(PIECES, max_size=8))
def test_every_key_of_a_valid_document_has_the_line_that_holds_it(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = text.split("\n")
    found = key_lines(text)
    assert {path[0] for path in found} == set(data)
    for path, number in found.items():
        assert path[-1] in lines[number - 1]


@pytest.mark.parametrize(("text", "dots"), [
    ("a.b.c = 1.5", 2),
    ("[a.b]\n[c]", 1),
    ('"a.x" . "b" . c = 1', 2),
    ("x = {a.b.c.d = 1}", 3),
    ("x = [1.5, 2.5,3.5,4.5]", 1),
    ("x = {a = 1,b.c.d = 1}", 2),
    ('x = "a.b.c.d.e" # f.g.h.i.j', 0),
    ("a.b\n.c.d.e", 3),
    ("", 0),
])  # fmt: skip
def test_the_longest_key_is_known_before_anything_is_parsed(text: str, dots: int) -> None:
    assert longest_key(text) == dots
