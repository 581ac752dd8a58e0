"""`model list`, `model describe`, and what is made of the list later."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, Result, accepted, at_terminal, problem

NANO = {
    "slug": "google/nano-banana-2",
    "type": "text-to-image",
    "docs_url": "https://docs.modellix.ai/google/nano-banana-2.md",
    "description": "Fast image model",
    "price": {"fixed": 0.0001, "unit": "$/img"},
}
WAN = {
    "slug": "alibaba/wan2.5-t2v",
    "type": "text-to-video",
    "description": "Video model",
    "price": {"min": 0.05, "max": 0.1, "unit": "$/sec"},
}
ONE = {"slug": "custom/model-one", "type": "Text-To-Image", "provider": {"name": "Google"}}
SPEECH = {"slug": "other/speech"}
ALL = {"code": 0, "message": "success", "total": 4, "models": [NANO, WAN, ONE, SPEECH], "x": None}
LIST = ("model", "list")
BODY = '{"prompt": "a cat"}'


@pytest.fixture
def models() -> Any:
    with respx.mock(assert_all_called=False) as router:
        yield router.get(f"{API}/models").respond(json=ALL)


def slugs(result: Result) -> list[str]:
    return [model["slug"] for model in result.json["models"]]


def test_the_list_is_the_reply_as_sent(cli: Cli, models: respx.Route) -> None:
    result = cli(*LIST)
    assert result.status == 0
    assert result.json == ALL
    assert list(result.json) == list(ALL)
    assert result.stderr == ""


@respx.mock
def test_prices_are_listed_in_the_digits_that_were_sent(cli: Cli) -> None:
    text = b'{"models": [{"slug": "a/b", "price": {"fixed": 0.10, "unit": "$/img"}}]}'
    respx.get(f"{API}/models").respond(content=text)
    assert '"fixed": 0.10,' in cli(*LIST).stdout
    assert cli(*LIST, "--output", "human").stdout == "a/b\t-\tprice: 0.10 $/img\n"


def test_the_list_in_words_is_separated_by_tabs(cli: Cli, models: respx.Route) -> None:
    assert cli(*LIST, "--output", "human").stdout == (
        "google/nano-banana-2\ttext-to-image\tprice: 0.0001 $/img\n"
        "alibaba/wan2.5-t2v\ttext-to-video\tprice: 0.05-0.1 $/sec\n"
        "custom/model-one\tText-To-Image\n"
        "other/speech\t-\n"
    )


@pytest.mark.parametrize("mode", [("-q",), ("--output", "quiet"), ("--output", "slugs")])
def test_the_short_form_of_the_list_is_slugs(
    cli: Cli, models: respx.Route, mode: tuple[str, ...]
) -> None:
    shown = cli(*LIST, *mode).stdout
    assert shown == "google/nano-banana-2\nalibaba/wan2.5-t2v\ncustom/model-one\nother/speech\n"


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (("--type", "TEXT-to-image"), [NANO, ONE]),
        (("--type", "text"), []),
        (("--provider", "GOOGLE"), [NANO, ONE]),
        (("--provider", "custom"), []),
        (("--search", "MODEL"), [NANO, WAN, ONE]),
        (("--search", "speech"), [SPEECH]),
        (("--type", " ", "--provider", "", "--search", "  "), [NANO, WAN, ONE, SPEECH]),
        (("--limit", "2"), [NANO, WAN]),
        (("--limit", "9"), [NANO, WAN, ONE, SPEECH]),
        (("--type", "text-to-image", "--limit", "1", "--search", "one"), [ONE]),
        (("--type", "text-to-image", "--provider", "google", "--search", "fast"), [NANO]),
    ],
)
def test_filters_are_applied_here_and_the_limit_last(
    cli: Cli, models: respx.Route, filters: tuple[str, ...], left: list[dict[str, Any]]
) -> None:
    result = cli(*LIST, *filters)
    assert result.json == ALL | {"models": left}
    assert models.calls.last.request.url.query == b""


def test_the_order_the_price_and_the_limit_keep_the_form_of_the_list(
    cli: Cli, models: respx.Route
) -> None:
    assert cli(*LIST, "--sort", "name").json == ALL | {"models": [WAN, ONE, NANO, SPEECH]}
    assert cli(*LIST, "--sort", "price", "--limit", "2").json == ALL | {"models": [NANO, WAN]}
    assert cli(*LIST, "--max-price", "0.0001", "--json").json == ALL | {"models": [NANO]}


def test_a_sort_by_price_says_that_units_do_not_compare(cli: Cli, models: respx.Route) -> None:
    mixed = "prices of different units do not compare"
    assert mixed in cli(*LIST, "--sort", "price", "-q").stderr
    assert cli(*LIST, "--sort", "price", "--json").stderr == ""
    assert cli(*LIST, "--sort", "price", "--provider", "alibaba").stderr == ""
    assert cli(*LIST, "--sort", "name").stderr == ""


def test_under_a_limit_of_the_price_it_is_told_how_many_have_none(
    cli: Cli, models: respx.Route
) -> None:
    result = cli(*LIST, "--max-price", "0.1", "--output", "slugs")
    assert result.stdout == "google/nano-banana-2\nalibaba/wan2.5-t2v\n"
    assert result.stderr == "Left out: 2 models without a price.\n"


def test_chosen_columns_are_cells_in_their_order(cli: Cli, models: respx.Route) -> None:
    shown = cli(*LIST, "--columns", "price, slug,provider,docs", "--limit", "3").stdout
    assert shown == (
        "0.0001 $/img\tgoogle/nano-banana-2\tgoogle\t"
        "https://docs.modellix.ai/google/nano-banana-2.md\n"
        "0.05-0.1 $/sec\talibaba/wan2.5-t2v\talibaba\t-\n"
        "-\tcustom/model-one\tGoogle\t-\n"
    )


def test_at_a_terminal_the_table_has_the_chosen_columns(
    env: dict[str, str], work: Path, models: respx.Route
) -> None:
    assert at_terminal(env, work, *LIST, "--columns", "type,slug", "--limit", "1") == [
        "Type           Slug",
        "text-to-image  google/nano-banana-2",
    ]


def test_an_unknown_type_is_answered_with_the_types(cli: Cli, models: respx.Route) -> None:
    told = cli(*LIST, "--type", "text-to-picture", "-q").stderr
    assert told.startswith('No model is of type "text-to-picture". Types: image-to-image, ')
    assert "speech-to-speech" in told
    assert "Types:" not in cli(*LIST, "--type", "video-to-video", "-q").stderr


@respx.mock
def test_featured_models_are_asked_for(cli: Cli) -> None:
    route = respx.get(f"{API}/models?featured=true").respond(json={"models": [NANO]})
    assert slugs(cli(*LIST, "--featured")) == ["google/nano-banana-2"]
    assert route.call_count == 1


@pytest.mark.parametrize("mode", [("-q",), ("--output=slugs",), ("--output=human",)])
def test_nothing_found_is_nothing_on_stdout(
    cli: Cli, models: respx.Route, mode: tuple[str, ...]
) -> None:
    result = cli(*LIST, "--search", "no such thing", *mode)
    assert (result.status, result.stdout) == (0, "")
    assert ("No model matches" in result.stderr) is (mode == ("--output=human",))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--limit", "0"), "--limit"),
        (("--limit", "1.5"), "--limit"),
        (("--sort", "size"), "--sort"),
        (("--max-price", "cheap"), "--max-price"),
        (("--max-price", "-1"), "--max-price"),
        (("--max-price", "nan"), "--max-price"),
        (("--columns", "slug,size"), '"size" is not one of slug, type'),
        (("--columns", ""), "--columns"),
        (("--columns", "slug", "--output", "slugs"), "--output human"),
        (("--columns", "slug", "-q"), "--output human"),
        (("--output", "task-id"), "slugs"),
        (("extra",), "extra"),
        (("--type", "a", "--type", "b"), "--type"),
    ],
)
def test_a_wrong_list_is_exit_2_before_anything_is_sent(
    cli: Cli, arguments: tuple[str, ...], word: str
) -> None:
    with respx.mock:
        result = cli(*LIST, *arguments)
    assert (result.status, result.stdout) == (2, "")
    assert word in result.stderr


@respx.mock
def test_without_a_key_the_public_list_is_shown(cli: Cli) -> None:
    public = {"items": [{"provider": "a", "model_id": "b"}], "total": 1}
    respx.get(url__startswith="https://www.modellix.ai/portal/v1/models").respond(json=public)
    result = cli(*LIST, "--output", "slugs", env={"MODELLIX_API_KEY": None})
    assert (result.status, result.stdout) == (0, "a/b\n")
    assert cli(*LIST, "--featured", env={"MODELLIX_API_KEY": None}).status == 3


@respx.mock
def test_hostile_models_stay_harmless(cli: Cli) -> None:
    evil = {"slug": "a/b", "type": "x\x1b[2J\ty\n", "description": "\u202e\x07"}
    respx.get(f"{API}/models").respond(json={"models": [evil]})
    assert cli(*LIST, "--output", "human").stdout == "a/b\tx [2J y \n"
    shown = cli(*LIST).stdout + cli("model", "describe", "a/b").stdout
    assert not set(shown) & set("\x1b\x07\u202e")


def test_at_a_terminal_the_list_is_a_table(
    env: dict[str, str], work: Path, models: respx.Route
) -> None:
    assert at_terminal(env, work, *LIST, "--output", "human") == [
        "Slug                  Type           Price            Description",
        "google/nano-banana-2  text-to-image  $0.0001/img      Fast image model",
        "alibaba/wan2.5-t2v    text-to-video  $0.05-$0.10/sec  Video model",
        "custom/model-one      Text-To-Image  -                -",
        "other/speech          -              -                -",
    ]
    assert "\x1b[1mSlug" in at_terminal(env, work, *LIST, "--output", "human", color=True)[0]


def test_at_a_narrow_terminal_each_model_is_a_block(
    env: dict[str, str], work: Path, models: respx.Route
) -> None:
    lines = at_terminal(env, work, *LIST, "--output", "human", "--limit", "2", columns=30)
    assert lines == [
        "google/nano-banana-2",
        "  text-to-image  $0.0001/img",
        "  Fast image model",
        "alibaba/wan2.5-t2v",
        "  text-to-video",
        "  $0.05-$0.10/sec  Video model",
    ]


@pytest.mark.parametrize("columns", [1, 7, 19, 40, 79, 200])
def test_at_any_width_no_slug_loses_a_character(
    env: dict[str, str], work: Path, models: respx.Route, columns: int
) -> None:
    lines = at_terminal(env, work, *LIST, "--output", "human", columns=columns)
    assert max(map(len, lines)) <= columns
    assert "google/nano-banana-2" in re.sub(r"\s", "", "".join(lines))


def test_at_a_terminal_the_list_is_a_table_unless_json_is_asked_for(
    env: dict[str, str], work: Path, models: respx.Route
) -> None:
    assert at_terminal(env, work, *LIST)[0].startswith("Slug ")
    assert at_terminal(env, work, *LIST, "--json")[0] == "{"
    assert at_terminal(env | {"MODELLIX_OUTPUT": "json"}, work, *LIST)[0] == "{"


def test_where_descriptions_have_no_room_each_model_still_has_a_line(
    env: dict[str, str], work: Path, models: respx.Route
) -> None:
    assert at_terminal(env, work, *LIST, "--limit", "1", columns=60) == [
        "Slug                  Type           Price",
        "google/nano-banana-2  text-to-image  $0.0001/img",
    ]


def test_a_model_is_described_with_all_its_fields(cli: Cli, models: respx.Route) -> None:
    assert cli("model", "describe", "google/nano-banana-2").stdout == (
        "slug: google/nano-banana-2\n"
        "provider: google\n"
        "description: Fast image model\n"
        "docs_url: https://docs.modellix.ai/google/nano-banana-2.md\n"
        'price: {"fixed":0.0001,"unit":"$/img"}\n'
        "type: text-to-image\n"
    )
    own = 'slug: custom/model-one\nprovider: {"name":"Google"}\ntype: Text-To-Image\n'
    assert cli("model", "describe", "custom/model-one").stdout == own


@respx.mock
@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"fixed": 0.0001, "unit": "$/img"}, "$0.0001/img"),
        ({"min": 0.05, "max": 0.1, "unit": "$/sec"}, "$0.05-$0.10/sec"),
        ({"fixed": 3, "unit": "credits"}, "3 credits"),
        (
            [{"size": "720p", "fixed": 0.1}, {"size": "1080p", "fixed": 0.2}],
            "size 720p, fixed 0.1; size 1080p, fixed 0.2",
        ),
        ("on request", "on request"),
    ],
)
def test_people_see_a_price_in_words_whatever_its_shape(
    env: dict[str, str], work: Path, price: Any, words: str
) -> None:
    respx.get(f"{API}/models").respond(json={"models": [NANO | {"price": price}]})
    lines = at_terminal(env, work, "model", "describe", str(NANO["slug"]))
    assert f"Price:  {words}" in lines


def test_describing_does_not_mind_the_case(cli: Cli, models: respx.Route) -> None:
    assert cli("model", "describe", "GOOGLE/nano-banana-2", "--json").json == NANO
    assert cli("model", "describe", "GOOGLE/nano-banana-2", "-q").stdout == f"{NANO['slug']}\n"


def test_an_unknown_model_is_exit_5_with_what_may_be_meant(cli: Cli, models: respx.Route) -> None:
    result = cli("model", "describe", "Google/nano-bananna-2", "--json")
    assert result.status == 5
    error = result.json["error"]
    assert error["code"] == "NOT_FOUND"
    assert error["message"] == "Model not found: Google/nano-bananna-2."
    assert error["hint"].startswith("Did you mean google/nano-banana-2? ")
    nothing_near = cli("model", "describe", "no/such")
    assert "Did you mean" not in nothing_near.stderr
    assert "modellix-cli model list --output slugs" in nothing_near.stderr


@respx.mock
def test_a_submission_that_finds_no_model_names_the_one_that_may_be_meant(
    cli: Cli, clock: FakeClock
) -> None:
    listing = respx.get(f"{API}/models").respond(json=ALL)
    route = respx.post(url__startswith=API).respond(404, json=problem(404, "no such model"))
    run = ("model", "run", "google/nano-bananna-2", "--body", BODY)
    assert "Did you mean" not in cli(*run).stderr
    cli(*LIST, "--limit", "1")
    result = cli(*run)
    assert result.status == 5
    assert "Did you mean google/nano-banana-2? Check the id or slug." in result.stderr
    assert (route.call_count, listing.call_count) == (2, 1)
    clock.time += 86400
    assert "Did you mean" not in cli(*run).stderr


@respx.mock
def test_featured_models_alone_are_not_kept_for_later(cli: Cli, env: dict[str, str]) -> None:
    respx.get(f"{API}/models").respond(json={"models": [NANO]})
    cli(*LIST, "--featured")
    assert not Path(env["XDG_CACHE_HOME"]).exists()


@respx.mock
def test_the_list_always_asks(cli: Cli) -> None:
    replies = [httpx.Response(200, json={"models": [model]}) for model in (NANO, WAN)]
    respx.get(f"{API}/models").mock(side_effect=replies)
    assert slugs(cli(*LIST)) == ["google/nano-banana-2"]
    assert slugs(cli(*LIST)) == ["alibaba/wan2.5-t2v"]


@respx.mock
def test_a_cache_that_cannot_be_written_harms_nothing(cli: Cli, env: dict[str, str]) -> None:
    Path(env["XDG_CACHE_HOME"]).write_text("a file")
    respx.get(f"{API}/models").respond(json=ALL)
    respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    result = cli(*LIST)
    assert (result.status, result.stderr) == (0, "")
    assert cli("model", "run", "a/b", "--body", BODY).status == 0


def test_in_the_sandbox_all_of_it_works_without_a_key(cli: Cli) -> None:
    def ask(*arguments: str) -> Result:
        result = cli(*arguments, "--sandbox", env={"MODELLIX_API_KEY": None})
        assert result.status == 0
        return result

    found = slugs(ask(*LIST, "--featured", "--type", "text-to-video"))
    assert found == ["alibaba/wan2.5-t2v"]
    assert ask("model", "describe", found[0], "--json").json["slug"] == found[0]
    assert "prompt" in ask("model", "get-schema", found[0]).stdout
    assert ask("model", "docs", found[0]).stdout.startswith(f"# {found[0]}\n")
