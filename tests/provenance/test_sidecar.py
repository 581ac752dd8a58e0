"""The record beside a file."""

import json
import os
from pathlib import Path

import pytest

from modellix_cli.provenance.embedding import LeftAlone, embed
from modellix_cli.provenance.sidecar import read, read_sidecar, write_sidecar
from tests.provenance.samples import SAMPLES, record


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a fox.wav"
    path.write_bytes(b"RIFF")
    return path


def test_it_stands_beside_the_file_under_its_name(sound: Path) -> None:
    made = record()
    assert write_sidecar(sound, made) == sound.parent / "a fox.wav.json"
    assert read_sidecar(sound) == read(sound) == made
    text = (sound.parent / "a fox.wav.json").read_text()
    assert text.startswith('{\n  "modellix": 1,\n')
    assert text.endswith("}\n")
    assert json.loads(text)["parameters"]["seed"] == 12345678901234567890
    assert sorted(os.listdir(sound.parent)) == ["a fox.wav", "a fox.wav.json"]


def test_a_record_is_replaced_and_any_other_file_is_left_alone(sound: Path) -> None:
    write_sidecar(sound, record(task_id="task-1"))
    write_sidecar(sound, record(task_id="task-2"))
    found = read_sidecar(sound)
    assert found is not None
    assert found.task_id == "task-2"
    beside = sound.parent / "a fox.wav.json"
    for other in ('{"mine": 1}', ""):
        beside.write_text(other)
        done = write_sidecar(sound, record())
        assert done == LeftAlone(
            "a fox.wav.json exists and is not a record of modellix-cli", failed=True
        )
        assert beside.read_text() == other


def test_a_link_beside_it_is_not_followed_to_write(sound: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text(record().as_json())
    (sound.parent / "a fox.wav.json").symlink_to(target)
    assert isinstance(write_sidecar(sound, record(task_id="task-2")), LeftAlone)
    assert target.read_text() == record().as_json()


def test_a_folder_that_cannot_be_written_is_an_answer(tmp_path: Path) -> None:
    done = write_sidecar(tmp_path / "none" / "a.wav", record())
    assert isinstance(done, LeftAlone)
    assert "none" in done.reason


def test_the_record_inside_a_file_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(SAMPLES["png"])
    assert read(path) is None
    write_sidecar(path, record(task_id="beside"))
    embed(path, record(task_id="inside"))
    found = read(path)
    assert found is not None
    assert found.task_id == "inside"


def test_a_pipe_and_a_huge_file_beside_it_are_no_records(sound: Path) -> None:
    beside = sound.parent / "a fox.wav.json"
    os.mkfifo(beside)
    assert read_sidecar(sound) is None
    beside.unlink()
    with beside.open("w") as file:
        file.write(record().as_json())
        file.truncate(1 << 30)
    assert read_sidecar(sound) is None
