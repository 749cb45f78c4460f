"""What a split leaks is written, read again, and told with a next step."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.prepared.leaks import Leak, Leaks, leak_notes, leaks_to_json, read_leaks

COUNTS = st.builds(Leak, *(st.integers(0, 99) for _ in range(4)))


@given(
    splits=st.dictionaries(st.sampled_from(["val", "test"]), COUNTS),
    group_by=st.none() | st.text(),
    unit=st.sampled_from(["car", "sequence"]),
)
def test_leaks_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, splits: dict[str, Leak], group_by: str | None, unit: str
) -> None:
    root = tmp_path_factory.mktemp("dataset")
    leaks = Leaks(splits, unit, group_by)
    (root / "split.json").write_text(json.dumps({"leak": leaks_to_json(leaks)}))
    assert read_leaks(root) == leaks


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"leak": {"this_split": {"val": {}}}}', '{"leak": 3}'])
def test_a_certificate_that_says_nothing_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(SagesegError, match=r"split\.json: says nothing of siblings .*; prepare it again"):
        read_leaks(tmp_path)


def told(leak: Leak, *, split: str = "val", group_by: str | None = None, regrouped: bool = False) -> list[str]:
    notes = leak_notes(Leaks({split: leak}, "car", group_by), regrouped=regrouped)
    return [f"{note.message}; {note.cure}" for note in notes]


def test_a_split_that_leaks_nothing_is_not_spoken_of() -> None:
    assert told(Leak(9, 0, 0, 0)) == []


def test_siblings_and_twins_are_told_apart() -> None:
    siblings, twins = told(Leak(9, 0, 4, 3), regrouped=True, group_by="^(.+)_")
    assert siblings.startswith("4 of 9 validation images have a sibling of the same car in train")
    assert "prepare again without --group-by" in siblings
    assert twins.startswith("3 of 9 validation images have a near-twin in train")
    assert "--group-by '^(.+)_'" in twins


def test_the_next_step_fits_what_was_done() -> None:
    assert "the lists of the split divide a car" in told(Leak(9, 0, 4, 0))[0]
    assert "by --group-by, whose capture in the names they must share, or by --split-file" in told(Leak(9, 0, 0, 4))[0]
    assert told(Leak(7, 0, 0, 2), split="test")[0].startswith("2 of 7 test images have a near-twin in train")
