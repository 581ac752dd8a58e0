"""A wish in words finds the models that fit, best first, and says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.models.ranking import Match, rank
from modellix_cli.models.wishes import MAX_WORDS, read_wish
from tests.models.catalogue import model, per

CATALOGUE = (
    model("flux/flux-2-pro", "text-to-image", "Photographic images.", 0.05),
    model("google/nano-lite", "text-to-image", "Images from text.", 0.02),
    model("alibaba/qwen-edit", "image-to-image", "Edits by instruction.", 0.045),
    model("topaz/upscale", "image-to-image", "Makes a picture larger.", 0.2),
    model("kling/kling-v3-t2v", "text-to-video", "Steady camera moves.", per("$/sec", 0.07, 0.14)),
    model("kling/kling-2.6-t2v", "text-to-video", "Steady camera moves.", per("$/sec", 0.05)),
    model("minimax/hailuo-i2v", "image-to-video", "Lively characters.", per("$/sec", 0.045)),
    model("kling/lip-sync", "video-to-video", "Lets a person speak.", per("$/sec", 0.014)),
    model("alibaba/qwen-tts", "text-to-speech", "Reads aloud.", per("$/M chars", 13)),
    model("alibaba/qwen3-asr", "speech-to-text", "Writes down what is said."),
    model("odd/nothing"),
)


def best(wish: str) -> str:
    return rank(CATALOGUE, wish)[0].model.slug


def slugs(wish: str) -> list[str]:
    return [one.model.slug for one in rank(CATALOGUE, wish)]


@pytest.mark.parametrize(
    ("wish", "slug"),
    [
        ("photoreal portrait, cheap", "flux/flux-2-pro"),
        ("photo", "flux/flux-2-pro"),
        ("hailuo", "minimax/hailuo-i2v"),
        ("hailou", "minimax/hailuo-i2v"),
        ("kling 2.6", "kling/kling-2.6-t2v"),
        ("edit an image", "alibaba/qwen-edit"),
        ("upscaling", "topaz/upscale"),
        ("enlarge my photo", "topaz/upscale"),
        ("lip sync", "kling/lip-sync"),
        ("lipsync", "kling/lip-sync"),
        ("transcribe an interview", "alibaba/qwen3-asr"),
        ("trancribe", "alibaba/qwen3-asr"),
        ("voiceover", "alibaba/qwen-tts"),
        ("turn a photo into a clip", "minimax/hailuo-i2v"),
        ("video from a picture", "minimax/hailuo-i2v"),
        ("t2v new", "kling/kling-v3-t2v"),
        ("text to video", "kling/kling-v3-t2v"),
        ("cheapest clip", "kling/lip-sync"),
        ("cheapest text to video", "kling/kling-2.6-t2v"),
        ("fast image", "google/nano-lite"),
        ("cheap image", "google/nano-lite"),
        ("cheep image", "google/nano-lite"),
    ],
)
def test_a_wish_finds_its_model(wish: str, slug: str) -> None:
    assert best(wish) == slug


@pytest.mark.parametrize("wish", ["", "  ", "a model for me, please", "zebra", "?!", "\u732b"])
def test_a_wish_that_says_nothing_or_fits_nothing_finds_nothing(wish: str) -> None:
    assert rank(CATALOGUE, wish) == []


def test_a_slug_counts_more_than_a_type_and_a_type_more_than_a_description() -> None:
    models = (model("a/c", "x", "fox"), model("a/d", "fox", "x"), model("a/fox", "x", "x"))
    assert [one.model.slug for one in rank(models, "fox")] == ["a/fox", "a/d", "a/c"]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    models = (*(model(f"a/m{n}", "x", "cat") for n in range(9)), model("a/rare", "x", "fox"))
    assert rank(models, "cat fox")[0].model.slug == "a/rare"


def test_who_answers_more_of_the_words_comes_first() -> None:
    models = (model("a/fox", "x", ""), model("a/b", "x", "fox with a scarf"))
    assert rank(models, "fox scarf")[0].model.slug == "a/b"


def test_image_means_what_is_made_not_what_is_given() -> None:
    assert "minimax/hailuo-i2v" not in slugs("image")


def test_what_is_made_from_text_is_meant_before_what_is_made_from_pictures() -> None:
    models = (model("a/edits", "image-to-image"), model("a/makes", "text-to-image"))
    assert [one.model.slug for one in rank(models, "photo")] == ["a/makes", "a/edits"]


def test_qualities_alone_find_the_models_that_have_them() -> None:
    assert slugs("cheapest")[:2] == ["google/nano-lite", "kling/lip-sync"]
    assert slugs("fast") == ["google/nano-lite"]
    assert "alibaba/qwen3-asr" not in slugs("cheap")


@pytest.mark.parametrize("word", ["cheap", "cheapest", "affordable", "low cost"])
def test_a_word_for_cheap_ranks_what_fits_equally_well_by_its_price(word: str) -> None:
    models = (
        model("a/dear-video", "text-to-video", "A video with steady camera.", per("$/sec", 9)),
        model("a/video-x", "text-to-video", "Videos.", per("$/sec", 3)),
        model("b/odd", "video-to-video", "Makes another video.", per("$/sec", 2)),
        model("b/video-y", "text-to-video", "Videos, videos.", per("$/sec", 5)),
        model("b/video-z", "text-to-video", "Videos."),
    )
    found = [one.model.slug for one in rank(models, f"{word} video")]
    assert found == ["b/odd", "a/video-x", "b/video-y", "a/dear-video", "b/video-z"]
    scores = [one.score for one in rank(models, f"{word} video")]
    assert scores == sorted(scores, reverse=True)
    steady = [one.model.slug for one in rank(models, f"{word} video with a steady camera")]
    assert steady[0] == "a/dear-video"


def test_a_quality_finds_nothing_where_the_other_words_find_nothing() -> None:
    assert slugs("cheap zebra") == []


def test_prices_are_compared_within_their_unit() -> None:
    models = (
        *(model("a/x1", "text-to-image", "", 5), model("a/x2", "text-to-image", "", 4)),
        *(
            model("a/x3", "text-to-video", "", per("$/sec", 2)),
            model("a/x4", "text-to-video", "", per("$/sec", 3)),
        ),
    )
    first, second, *_ = rank(models, "cheap x1 x2 x3 x4")
    assert {first.model.slug, second.model.slug} == {"a/x2", "a/x3"}


def test_it_says_which_words_found_a_model() -> None:
    found = rank(CATALOGUE, "cheap photoreal protrait")[0]
    assert found.matches == (
        Match("photoreal", "description", "photographic"),
        Match("protrait", "type", "text-to-image"),
    )
    nano = next(one for one in rank(CATALOGUE, "cheap image") if "nano" in one.model.slug)
    assert nano.matches[-1] == Match("cheap", "price", "0.02 $/img")


def test_equal_models_stay_in_the_order_of_the_list() -> None:
    models = tuple(model(f"{name}/m", "text-to-image") for name in "cab")
    assert [one.model.slug for one in rank(models, "image")] == ["c/m", "a/m", "b/m"]


def test_of_a_long_wish_the_beginning_counts() -> None:
    assert len(read_wish(" ".join(f"word{n}" for n in range(500))).terms) == MAX_WORDS


def test_a_word_that_is_said_twice_counts_once() -> None:
    assert len(read_wish("image images picture image").terms) == 2


def test_the_stronger_of_two_words_for_a_quality_counts() -> None:
    (quality,) = read_wish("cheap, the cheapest, inexpensive").qualities
    assert quality.word == "cheapest"


@given(
    wish=st.text(max_size=80)
    | st.lists(
        st.sampled_from("cheap photo to video from a new 2.5 lip sync kling".split()),  # noqa: SIM905
        max_size=12,
    ).map(" ".join),
    texts=st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=6),
)
def test_any_wish_and_any_list_give_an_order(wish: str, texts: list[tuple[str, str]]) -> None:
    models = [model(f"a/m{n}", *texts) for n, texts in enumerate(texts)]
    ranked = rank([*models, *CATALOGUE], wish)
    assert [one.score for one in ranked] == sorted((o.score for o in ranked), reverse=True)
    assert all(one.score > 0 and one.matches for one in ranked)
    assert ranked == rank([*models, *CATALOGUE], wish)
