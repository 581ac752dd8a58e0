"""Ways to write the same lines of a batch, and ways that ask for something else."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.conftest import Ran, Shell
from tests.support import KEY

BODIES = (
    '{"prompt": "1", "size": 1, "seed": 9007199254740993, "deep": {"x": [1, 2.50], "y": "é"}}',
    '{"prompt": "2", "flag": true, "none": null, "empty": ""}',
    '{"prompt": "3", "n": 1, "n": 2}',
    '{"prompt": "4", "huge": 1e999999999, "small": 0.1}',
)


def line(body: str, *, slug: str = "a/b", more: str = "") -> str:
    return f'{{"modelSlug": "{slug}", {more}"body": {body}}}\n'


LINES = tuple(line(body, more=f'"id": "line-{at}", ') for at, body in enumerate(BODIES, 1))
TEXT = "".join(LINES)


@dataclass
class Order:
    """How lines are given to `model batch`; `new` of them were not paid for."""

    shell: Shell
    url: str
    text: str = TEXT
    name: str = "lines.jsonl"
    options: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    new: int = 0
    total: int = len(LINES)

    def path(self, name: str) -> Path:
        return self.shell.cwd / name

    def __call__(self, *options: str) -> Ran:
        words = ["model", "batch", self.name, "--yes", "--json", *self.options, *options]
        data = self.text.encode()
        if self.name != "-":
            path = self.path(self.name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return self.shell(*words, stdin=data, **self.env)


Spelling = Callable[[Order], None]


def body_of(order: Order, at: int, old: str, new: str) -> None:
    """Write the body of one line otherwise."""
    assert old in LINES[at - 1]
    order.text = TEXT.replace(LINES[at - 1], LINES[at - 1].replace(old, new))


def in_the_same_way(order: Order) -> None:
    assert order.text == TEXT


def appended(order: Order) -> None:
    order.text, order.new, order.total = TEXT + line('{"prompt": "5"}'), 1, 5


def inserted_in_front(order: Order) -> None:
    order.text, order.new, order.total = line('{"prompt": "0"}') + TEXT, 1, 5


def mended(order: Order) -> None:
    body_of(order, 2, '"flag": true', '"flag": false')
    order.new = 1


def shortened(order: Order) -> None:
    order.text, order.total = "".join(LINES[1:]), 3


def reordered(order: Order) -> None:
    order.text = "".join(reversed(LINES))


def ids_removed(order: Order) -> None:
    order.text = "".join(map(line, BODIES))


def ids_changed(order: Order) -> None:
    order.text = TEXT.replace("line-", "cover-")


def crlf(order: Order) -> None:
    order.text = TEXT.replace("\n", "\r\n")


def no_last_line_break(order: Order) -> None:
    order.text = TEXT.rstrip("\n")


def blank_lines_and_comments(order: Order) -> None:
    order.text = "\ufeff# made by hand\n\n" + TEXT.replace("\n", "\n\n")


def other_file_name(order: Order) -> None:
    order.name = "copy.jsonl"


def other_folder(order: Order) -> None:
    order.name = "folder/lines.jsonl"


def dotted_path(order: Order) -> None:
    order.name = "./lines.jsonl"


def absolute_path(order: Order) -> None:
    order.name = str(order.path("lines.jsonl"))


def through_a_link(order: Order) -> None:
    order.path("lines.jsonl").write_text("")
    order.path("link.jsonl").symlink_to("lines.jsonl")
    order.name = "link.jsonl"


def stdin(order: Order) -> None:
    order.name = "-"


def host_in_capitals(order: Order) -> None:
    order.env = {"MODELLIX_BASE_URL": order.url.replace("localhost", "LOCALHOST")}


def scheme_in_capitals(order: Order) -> None:
    order.env = {"MODELLIX_BASE_URL": order.url.replace("http", "HTTP")}


def slash_behind_the_host(order: Order) -> None:
    order.env = {"MODELLIX_BASE_URL": order.url + "/"}


def host_as_an_option(order: Order) -> None:
    order.options = ["--base-url", order.url]


def other_key_order(order: Order) -> None:
    turned = [dict(reversed(json.loads(body).items())) for body in BODIES[:2]]
    texts = [json.dumps({"body": body, "modelSlug": "a/b"}) + "\n" for body in turned]
    order.text = "".join([*texts, *LINES[2:]])


def other_blanks(order: Order) -> None:
    order.text = TEXT.replace(": ", ":").replace(", ", " ,\t")


def escaped_letters(order: Order) -> None:
    order.text = TEXT.replace("é", "\\u00e9").replace('"prompt"', '"pr\\u006fmpt"')


def one_as_a_decimal(order: Order) -> None:
    body_of(order, 1, '"size": 1', '"size": 1.0')


def one_with_an_exponent(order: Order) -> None:
    body_of(order, 1, '"size": 1', '"size": 1e0')


def one_as_a_tenth_of_ten(order: Order) -> None:
    body_of(order, 1, '"size": 1', '"size": 10E-1')


def a_seed_as_a_decimal(order: Order) -> None:
    body_of(order, 1, "9007199254740993", "9007199254740993.0")


def without_the_last_zero(order: Order) -> None:
    body_of(order, 1, "2.50", "2.5")


def typed_slug(order: Order) -> None:
    order.text = TEXT.replace('"a/b"', '"text-to-image/a/b"')


def other_key_for_the_model(order: Order) -> None:
    order.text = TEXT.replace("modelSlug", "model_slug")


def profile_of_the_same_key(order: Order) -> None:
    order.env = {"MODELLIX_PROFILE": "work"}


def profile_with_the_saved_key(order: Order) -> None:
    words = ("auth", "login", "--profile", "work", "--api-key-stdin")
    assert order.shell(*words, stdin=KEY.encode()).status == 0
    del order.shell.env["MODELLIX_API_KEY"]
    order.options = ["--profile", "work"]


def key_as_an_option(order: Order) -> None:
    del order.shell.env["MODELLIX_API_KEY"]
    order.options = ["--api-key", KEY]


def other_options(order: Order) -> None:
    order.options = ["--wait", "--concurrency", "1", "--continue-on-unknown"]


SAME: list[Spelling] = [
    in_the_same_way, appended, inserted_in_front, mended, shortened, reordered, ids_removed,
    ids_changed, crlf, no_last_line_break, blank_lines_and_comments, other_file_name, other_folder,
    dotted_path, absolute_path, through_a_link, stdin, host_in_capitals, scheme_in_capitals,
    slash_behind_the_host, host_as_an_option, other_key_order, other_blanks, escaped_letters,
    one_as_a_decimal, one_with_an_exponent, one_as_a_tenth_of_ten, a_seed_as_a_decimal,
    without_the_last_zero, typed_slug, other_key_for_the_model, profile_of_the_same_key,
    profile_with_the_saved_key, key_as_an_option, other_options,
]  # fmt: skip


def only(at: int, old: str, new: str) -> str:
    """Return one of the lines alone, with something written otherwise."""
    assert old in LINES[at - 1]
    return LINES[at - 1].replace(old, new)


OTHER: dict[str, str] = {
    "the next seed beyond doubles": only(1, "9007199254740993", "9007199254740992"),
    "a decimal that doubles merge": only(4, '"small": 0.1', '"small": 0.1000000000000000000001'),
    "an absurd exponent": only(4, "1e999999999", "1e999999998"),
    "other unicode normalisation": only(1, "é", "e\u0301"),
    "another model": only(1, '"a/b"', '"a/range"'),
    "a text, not a number": only(1, '"size": 1', '"size": "1"'),
    "one, not true": only(2, "true", "1"),
    "absent, not null": only(2, '"none": null, ', ""),
    "absent, not empty": only(2, ', "empty": ""', ""),
    "another order in a list": only(1, "[1, 2.50]", "[2.50, 1]"),
    "another case of a key": only(1, '"size"', '"Size"'),
    "a blank more in a text": only(1, '"prompt": "1"', '"prompt": "1 "'),
    "two equal keys turned round": only(3, '"n": 1, "n": 2', '"n": 2, "n": 1'),
    "a key more": only(1, '"size": 1', '"size": 1, "more": 1'),
}  # fmt: skip
