"""The official CLI's history.json: whatever is in it, the history goes on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.ledger.history_json import MAX_BYTES, NotAHistory, parse_history
from tests.machine import ALL, Machine, entry
from tests.support import FakeClock


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"entries": 7}', b"\xff\xfe", b" " * (MAX_BYTES + 1)]
)
def test_a_broken_file_is_one_warning_and_the_rest_is_listed(
    machine: Machine, content: bytes
) -> None:
    machine.saw("t-1")
    machine.official.write_bytes(content)
    assert machine.ids() == ["t-1"]
    assert machine.ids() == ["t-1"]
    assert len(machine.warnings) == 1
    assert str(machine.official) in machine.warnings[0]


@pytest.mark.parametrize(
    "bad",
    [
        7,
        {},
        entry("bad id"),
        entry("x", createdAt="yesterday"),
        entry("x", updatedAt="2026-01-01T00:00:00"),
        entry("x", profile="no way"),
        entry("x", baseUrl="ftp://x"),
        entry("x", status=7),
        entry("x", status="\ud800"),
    ],
)
def test_an_unusable_entry_is_left_out_with_a_warning(machine: Machine, bad: Any) -> None:
    machine.write(bad, entry("h-1"))
    assert machine.ids() == ["h-1"]
    assert "1 unusable entry left out" in machine.warnings[0]


Numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
Plain: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), Numbers, st.text())
AnyJson = st.recursive(
    Plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
Names = st.sampled_from(
    ["taskId", "createdAt", "updatedAt", "baseUrl", "modelSlug", "profile", "status"]
)
Values = AnyJson | st.datetimes().map(lambda moment: moment.isoformat() + "Z")


@given(st.binary() | AnyJson.map(lambda value: json.dumps(value).encode()))
def test_no_content_crashes_the_reader(content: bytes) -> None:
    try:
        entries, unusable = parse_history(content)
    except NotAHistory as error:
        assert str(error)
    else:
        assert len(entries) >= 0
        assert unusable >= 0


@given(st.lists(st.dictionaries(Names, Values)))
@pytest.mark.slow
def test_no_entry_crashes_the_history(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("history"), FakeClock())
    valid = [{**entry(f"t-{n}"), **item} for n, item in enumerate(entries)]
    machine.write(*entries, *valid, entry("fine"))
    records, total = machine.history.entries(ALL, 1000)
    assert "fine" in [record.task_id for record in records]
    assert total == len(records)
    assert all(record.as_dict()["updatedAt"].endswith("Z") for record in records)
    machine.file.close()
