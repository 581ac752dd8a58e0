import os
import stat
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import one_line
from modellix_cli.downloads.files import (
    appear,
    has_extension,
    name_from_url,
    numbered,
    prepare_folder,
    safe_name,
)

# Names


@pytest.mark.parametrize(
    "name", ["a.png", "photo of a cat (1).jpeg", "猫.webp", "café.png", "a.b.c.tar", "a", "-x"]
)
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "-..-etc-passwd"),
        ("..\\..\\x.exe", "-..-x.exe"),
        ("/etc/passwd", "-etc-passwd"),
        ("C:\\x.png", "C--x.png"),
        ("a.png:stream", "a.png-stream"),
        ("..", ""),
        (".", ""),
        ("", ""),
        (" . . ", ""),
        ("．．／x", "-x"),
        ("a／b.png", "a-b.png"),
        ("‥/x", "-x"),
    ],
)
def test_a_name_is_never_a_path(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", [".bashrc", "...hidden", " .profile", "․ssh"])
def test_a_name_is_never_hidden(name: str) -> None:
    assert not safe_name(name).startswith((".", " "))


@pytest.mark.parametrize(
    "character",
    [
        *("\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\x9b"),
        *("\u202e", "\u200f", "\u2066", "\u061c", "\u200b", "\ufeff", "\u2028", "\u2029"),
        *("\ud800", "\udcff"),
        *'<>:"|?*',
    ],
)
def test_a_character_that_is_unsafe_somewhere_becomes_a_dash(character: str) -> None:
    assert safe_name(f"a{character}b.png") == "a-b.png"


@pytest.mark.parametrize("name", ["a.png.", "a.png ", "a.png. . "])
def test_final_dots_and_blanks_are_dropped_for_windows(name: str) -> None:
    assert safe_name(name) == "a.png"


@pytest.mark.parametrize(
    "name",
    [
        *("con", "CON", "Nul.txt", "aux.tar.gz", "PRN.png", "com1", "LPT9.png", "com0", "COM¹"),
        *("ｃｏｎ", "nul .txt", "con  .a", ".con", "nul. "),
    ],
)
def test_a_windows_device_gets_a_prefix(name: str) -> None:
    assert safe_name(name).startswith("resource-")


@pytest.mark.parametrize("name", ["console.png", "null", "com10", "com.png", "a.con", "lpt"])
def test_a_name_that_only_begins_like_a_device_is_kept(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name", ["x" * 500 + ".jpeg", "猫" * 300 + ".jpeg", "😀" * 300 + ".jpeg", "é" * 159 + ".x.jpeg"]
)
def test_a_name_too_long_is_cut_and_keeps_its_extension(name: str) -> None:
    safe = safe_name(name)
    assert safe.endswith(".jpeg")
    assert len(safe) <= 160
    assert len(safe.encode()) <= 240


def test_a_name_may_have_160_characters() -> None:
    name = "x" * 156 + ".png"
    assert safe_name(name) == name


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_becomes_a_name_that_is_safe_everywhere(text: str) -> None:
    name = safe_name(text)
    assert len(name) <= 160
    assert len(name.encode("utf-8")) <= 240
    assert not set(name) & set('/\\<>:"|?*\0')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert one_line(name) == name
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cf", "Cs"}


@given(st.text(alphabet="conau. xl1/~", max_size=12))
def test_a_safe_name_is_safe_already(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)


@given(st.text(st.characters(codec=None), min_size=1, max_size=400))
def test_a_file_can_be_made_under_any_safe_name(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    name = safe_name(text) or "resource-1"
    part = folder / "a.part"
    part.write_bytes(b"x")
    path = appear(part, folder, name, overwrite=True, taken=set())
    part.unlink(missing_ok=True)
    assert path.parent == folder
    assert path.read_bytes() == b"x"
    path.unlink()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://cdn.example/images/a.png", "a.png"),
        ("https://cdn.example/a.png?sig=x/y.jpg#z", "a.png"),
        ("https://cdn.example/a%20b%2Fc.png", "a b-c.png"),
        ("https://cdn.example/%2e%2e%2f%2e%2e%2fpasswd", "-..-passwd"),
        ("https://cdn.example/%E7%8C%AB.png", "猫.png"),
        ("https://cdn.example/%ff%00.png", "\ufffd-.png"),
        ("https://cdn.example/..", ""),
        ("https://cdn.example/images/", ""),
        ("https://cdn.example", ""),
        ("", ""),
        ("https://[broken", ""),
    ],
)
def test_a_url_suggests_its_last_segment_as_name(url: str, name: str) -> None:
    assert name_from_url(url) == name


@given(
    st.text(st.characters(codec=None), max_size=60).map(lambda text: f"https://x.example/{text}")
)
def test_any_url_suggests_a_safe_name(url: str) -> None:
    name = name_from_url(url)
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "has"),
    [
        *[("a.png", True), ("a.JPEG", True), ("a.7z", True), ("a", False), ("a.", False)],
        *[("a.b c", False), ("v1.5", True), ("a." + "x" * 17, False)],
    ],
)
def test_an_extension_is_up_to_16_letters_and_digits(name: str, has: bool) -> None:
    assert has_extension(name) is has


@pytest.mark.parametrize(
    ("name", "number", "result"),
    [
        *[("a.png", 1, "a.png"), ("a.png", 2, "a-2.png"), ("a", 3, "a-3")],
        *[("a.tar.gz", 10, "a.tar-10.gz"), ("a-2.png", 2, "a-2-2.png")],
    ],
)
def test_a_number_goes_before_the_extension(name: str, number: int, result: str) -> None:
    assert numbered(name, number) == result


# Folders


def test_the_output_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_preparing_a_folder_leaves_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    prepare_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModellixError, match=r"Cannot write|not a folder") as caught:
        prepare_folder(tmp_path / folder)
    assert caught.value.code in (ErrorCode.USAGE, ErrorCode.OUTPUT_UNWRITABLE)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_is_refused() -> None:
    with pytest.raises(ModellixError, match=r"Cannot write /dev/null/x: ") as caught:
        prepare_folder(Path("/dev/null/x"))
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE


def test_an_output_folder_may_be_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    prepare_folder(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()


# Appearing


def save(
    folder: Path,
    name: str,
    data: bytes = b"new",
    *,
    overwrite: bool = False,
    taken: set[str] | None = None,
) -> Path:
    part = folder / "a.part"
    part.write_bytes(data)
    try:
        return appear(
            part, folder, name, overwrite=overwrite, taken=set() if taken is None else taken
        )
    finally:
        part.unlink(missing_ok=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_complete_file_appears_under_its_name(tmp_path: Path) -> None:
    assert save(tmp_path, "a.png") == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_part_file_is_left(tmp_path: Path, overwrite: bool) -> None:
    save(tmp_path, "a.png", overwrite=overwrite)
    assert names(tmp_path) == ["a.png"]


def test_a_file_that_appeared_has_one_name_only(tmp_path: Path) -> None:
    assert save(tmp_path, "a.png").stat().st_nlink == 1


def test_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    (tmp_path / "a-2.png").write_bytes(b"mine too")
    assert save(tmp_path, "a.png") == tmp_path / "a-3.png"
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    assert (tmp_path / "a-2.png").read_bytes() == b"mine too"


def test_an_existing_file_is_replaced_only_when_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    assert save(tmp_path, "a.png", overwrite=True) == tmp_path / "a.png"
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_of_this_run_is_never_overwritten(tmp_path: Path, overwrite: bool) -> None:
    taken: set[str] = set()
    first = save(tmp_path, "a.png", b"1", overwrite=overwrite, taken=taken)
    second = save(tmp_path, "a.png", b"2", overwrite=overwrite, taken=taken)
    assert (first.name, second.name) == ("a.png", "a-2.png")
    assert first.read_bytes() == b"1"


def test_names_that_differ_only_in_case_do_not_overwrite_each_other(tmp_path: Path) -> None:
    taken: set[str] = set()
    first = save(tmp_path, "A.png", overwrite=True, taken=taken)
    second = save(tmp_path, "a.png", overwrite=True, taken=taken)
    assert first.name.casefold() != second.name.casefold()


def test_a_folder_in_the_way_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    assert save(tmp_path, "a.png").name == "a-2.png"


@pytest.mark.parametrize("target", ["file", "nowhere"])
def test_a_link_in_the_way_is_kept(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "a.png").symlink_to(target)
    assert save(tmp_path, "a.png").name == "a-2.png"
    assert (tmp_path / "a.png").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ModellixError, match="Refusing to overwrite a non-regular file") as caught:
        save(tmp_path, "a.png", overwrite=True)
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("target", ["file", "nowhere"])
def test_a_link_is_never_overwritten(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "a.png").symlink_to(target)
    with pytest.raises(ModellixError, match="Refusing to overwrite a non-regular file"):
        save(tmp_path, "a.png", overwrite=True)
    assert names(tmp_path) == ["a.png", "file"]
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
def test_a_pipe_is_never_overwritten(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ModellixError, match="Refusing to overwrite a non-regular file"):
        save(tmp_path, "a.png", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "a.png").stat().st_mode)


@pytest.mark.parametrize("failure", [OSError, NotImplementedError])
def test_files_appear_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    def no_link(*_arguments: object, **_options: object) -> None:
        raise failure

    monkeypatch.setattr(os, "link", no_link)
    (tmp_path / "a.png").write_bytes(b"mine")
    (tmp_path / "a-2.png").symlink_to("nowhere")
    assert save(tmp_path, "a.png") == tmp_path / "a-3.png"
    assert names(tmp_path) == ["a-2.png", "a-3.png", "a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_a_part_file_that_vanished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModellixError, match="Cannot write") as caught:
        appear(tmp_path / "gone.part", tmp_path, "a.png", overwrite=False, taken=set())
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    assert names(tmp_path) == []


# File systems that cannot write every character


@pytest.mark.parametrize(
    ("name", "encoding", "written"),
    [
        ("猫.png", "iso-8859-1", "u732b.png"),
        ("café 猫.png", "iso-8859-1", "café u732b.png"),
        ("café.png", "ascii", "cafe.png"),
        ("猫.png", "utf-8", "猫.png"),
        ("😀", "ascii", "u1f600"),
    ],
)
def test_a_name_can_be_written_in_the_encoding_of_the_file_system(
    name: str, encoding: str, written: str
) -> None:
    assert safe_name(name, encoding) == written


@given(st.text(st.characters(codec=None), max_size=200), st.sampled_from(["ascii", "latin-1"]))
def test_every_safe_name_can_be_written(text: str, encoding: str) -> None:
    name = safe_name(text, encoding)
    assert name.encode(encoding)[:1] != b"."
    assert "/" not in name


def test_a_relative_folder_in_a_deleted_one_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ModellixError, match="Cannot write") as caught:
        prepare_folder(Path("out"))
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE
    monkeypatch.chdir(tmp_path)
