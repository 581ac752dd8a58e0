"""--model, --set and --matrix, laid together with what the lines say."""

from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_task import GivenTask
from modellix_cli.inputs.input_uses import InputText, find_inputs
from modellix_cli.inputs.parameter_keys import Path
from modellix_cli.inputs.parameters import Edit, JsonText, LineRef, Text
from modellix_cli.options.tasks import BatchTasks
from modellix_cli.workflows.batch_expand import Expansion

SLUG = Slug("a", "b")


class Integers:
    """Every parameter named `n` or `seed` is an integer, all others texts."""

    def value(self, slug: Slug, path: Path, text: str, shown: str, *, exact: bool = True) -> Json:
        if path[-1] not in ("n", "seed"):
            return text
        if not text.isdigit():
            raise usage(f"{shown} is no integer.")
        return int(text)


class Files:
    """Every file and task stands in a body as it is written."""

    def value(self, slug: Slug, edit: Edit) -> Json:
        return InputText.of(f"{slug.name}:{edit}", edit.written, {}, "")


def task(**body: Any) -> GivenTask:
    return GivenTask(3, "on line 3", SLUG, body)


def expanded(given: GivenTask, **options: Any) -> list[GivenTask]:
    return list(Expansion(BatchTasks(**options), Integers(), Files())(given))


def bodies(given: GivenTask, **options: Any) -> list[dict[str, Json]]:
    return [one.body for one in expanded(given, **options)]


def refusal(**options: Any) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        expanded(task(), **options)
    assert caught.value.exit_status == ExitStatus.USAGE
    return caught.value


def test_without_options_a_task_is_what_it_was() -> None:
    given = task(prompt="x", n="@line:cat")
    assert expanded(given) == [given]


def test_set_fills_in_what_a_line_does_not_have() -> None:
    settings = ["n=4", "size=2K", "a.x=1", "a.y=2", "urls[]=u", 'j:={"k": 1.0}']
    (body,) = bodies(task(n=1, a={"x": "own"}, urls=["v"]), settings=settings)
    assert body == {
        "n": 1, "a": {"x": "own", "y": "2"}, "urls": ["v"], "size": "2K", "j": {"k": 1.0},
    }  # fmt: skip


def test_a_null_of_a_line_is_its_own_value() -> None:
    assert bodies(task(n=None), settings=["n=4"]) == [{"n": None}]


def test_the_cells_of_a_row_become_what_the_model_takes_and_win_over_set() -> None:
    edits = (
        Edit(("n",), Text("2"), "column A (n)"),
        Edit(("p", "q"), Text("@line:x"), "column B (p.q)"),
        Edit(("i",), LineRef("cat", 1), "column C (i)"),
        Edit(("j",), JsonText('"2"'), "column D (j:)"),
    )
    given = GivenTask(3, "in row 3", SLUG, {}, cells=edits)
    (found,) = expanded(given, settings=["n=9", "seed=5"])
    literal = {"q": "@@line:x"}
    assert found.body == {"n": 2, "p": literal, "i": "@line:cat[1]", "j": "2", "seed": 5}
    assert found.cells == ()


def test_a_cell_that_cannot_be_what_the_model_takes_names_row_and_column() -> None:
    given = GivenTask(3, "in row 3", SLUG, {}, cells=(Edit(("n",), Text("x"), "column A (n)"),))
    with pytest.raises(ModellixError) as caught:
        expanded(given)
    assert caught.value.code is ErrorCode.INVALID_BODY
    assert caught.value.message == "Invalid task in row 3: column A (n) is no integer."


def test_columns_that_contradict_each_other_are_refused() -> None:
    edits = (Edit(("a",), Text("1"), "column A (a)"), Edit(("a", "b"), Text("2"), "column B (a.b)"))
    with pytest.raises(ModellixError, match=r"row 3.*column B \(a\.b\) conflicts with column A"):
        expanded(GivenTask(3, "in row 3", SLUG, {}, cells=edits))


def test_a_matrix_makes_a_task_for_each_combination_and_wins() -> None:
    given = GivenTask(3, "on line 3", SLUG, {"seed": 9, "prompt": "x"}, "cat", request_key="k")
    found = expanded(given, matrix=["seed=1..2", "model=c/d,e/f"])
    assert [(str(one.slug), one.body["seed"], one.name) for one in found] == [
        ("c/d", 1, "cat-seed=1-model=c/d"),
        ("e/f", 1, "cat-seed=1-model=e/f"),
        ("c/d", 2, "cat-seed=2-model=c/d"),
        ("e/f", 2, "cat-seed=2-model=e/f"),
    ]
    assert [one.request_key for one in found][:1] == ["k-seed=1-model=c/d"]
    assert found[0].suffix == "-seed=1-model=c/d"
    assert given.body == {"seed": 9, "prompt": "x"}


def test_ids_of_lines_without_one_begin_with_the_number_of_the_line() -> None:
    assert [one.name for one in expanded(task(), matrix=["n=1,2"])] == ["3-n=1", "3-n=2"]
    alone = GivenTask(0, "", SLUG, {})
    assert [one.name for one in expanded(alone, matrix=["n=1,2"])] == ["n=1", "n=2"]


def test_model_is_for_lines_that_name_none() -> None:
    nameless = GivenTask(1, "on line 1", None, {})
    assert expanded(nameless, model="c/d")[0].slug == Slug("c", "d")
    assert expanded(task(), model="c/d")[0].slug == SLUG
    assert expanded(nameless)[0].slug is None


def test_a_text_that_begins_with_at_is_written_with_two() -> None:
    settings = ["a=@@home", "b=@@line:x", "c=@line:x"]
    assert bodies(task(), settings=settings) == [
        {"a": "@home", "b": "@@line:x", "c": "@line:x[0]"},
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"settings": ["n"]}, "--set"),
        ({"settings": ["model=a/b"]}, "--set model"),
        ({"settings": ["seed=1"], "matrix": ["seed=1..2"]}, "--set and --matrix both set seed"),
        ({"settings": ["n=x"]}, "is no integer"),
        ({"settings": ["n=1", "n=2"]}, "both set n"),
        ({"matrix": ["n=x,y"]}, "is no integer"),
        ({"matrix": ["model=ab"]}, "Invalid model slug"),
        ({"model": "ab"}, "Invalid model slug"),
        ({"matrix": ["prompt.x=1"], "settings": ["prompt=1"]}, "conflicts with"),
    ],
)
def test_options_that_are_wrong_are_refused(options: dict[str, Any], says: str) -> None:
    assert says in refusal(**options).message


def test_files_and_tasks_keep_what_is_known_about_them_through_all_layers() -> None:
    options = {"settings": ["a.image=@photo.png"], "matrix": ["task=@last,@task:t[1]"]}
    found = expanded(task(a={"x": "own"}), **options)
    assert [one.has_inputs for one in found] == [True, True]
    uses = [[(use.place, use.written) for use in find_inputs(one.body)] for one in found]
    image = (("a", "image"), "--set a.image=@photo.png")
    assert uses == [
        [image, (("task",), "--matrix task=@last")],
        [image, (("task",), "--matrix task=@task:t[1]")],
    ]


def test_more_than_a_million_tasks_are_refused() -> None:
    expand = Expansion(BatchTasks(matrix=["n=1..2"]), Integers(), Files())
    expand._made = 999_999
    with pytest.raises(ModellixError, match="more than 1000000 tasks"):
        list(expand(task()))
