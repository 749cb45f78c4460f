"""Which shards count as made, in the folder where a processing job's output lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.errors import SagesegError
from formats.shards.markers import BYTES, JOURNAL, MARKER, write_marker
from formats.shards.shard import Shard
from formats.shards.work_plan import PLAN
from jobs.processing.shards_there import FolderOutput, look

OF = 3


def lay_out(root: Path) -> FolderOutput:
    """A plan, and two whole shards of three."""
    (root / PLAN).write_text("{}")
    for number in (1, 3):
        shard = Shard(number, OF)
        folder = root / shard.folder
        (folder / "masks").mkdir(parents=True)
        (folder / JOURNAL).write_text(f"{number}\n")
        (folder / "masks" / "a.png").write_bytes(b"12345")
        write_marker(folder, shard, hashlib.sha256(b"{}").hexdigest(), {"images": 1, BYTES: 5})
    return FolderOutput(root)


def test_a_place_with_nothing_has_no_shards(tmp_path: Path) -> None:
    there = look(FolderOutput(tmp_path / "none"), OF)
    assert [str(shard) for shard in there.missing(OF)] == ["1/3", "2/3", "3/3"]
    assert there.beside == ()


def test_a_shard_without_marker_is_missing(tmp_path: Path) -> None:
    there = look(lay_out(tmp_path), OF)
    assert there.missing(OF) == [Shard(2, OF)]
    assert there.beside == (PLAN,)


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "masks" / "a.png").unlink(),
        lambda folder: (folder / "masks" / "a.png").write_bytes(b"123"),
        lambda folder: (folder / JOURNAL).unlink(),
        lambda folder: (folder / JOURNAL).write_text("another\n"),
        lambda folder: (folder / MARKER).unlink(),
    ],
)
def test_a_marker_that_came_before_its_files_does_not_count(
    tmp_path: Path, harm: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    output = lay_out(tmp_path)
    harm(tmp_path / "shard-3-of-3")
    assert look(output, OF).missing(OF) == [Shard(2, OF), Shard(3, OF)]
    marked = (tmp_path / "shard-3-of-3" / MARKER).exists()
    assert ("of shard 3/3 not all files are there; it is made again" in capsys.readouterr().err) is marked


def test_shards_of_another_plan_are_refused(tmp_path: Path) -> None:
    output = lay_out(tmp_path)
    (tmp_path / PLAN).write_text('{"another": 1}')
    with pytest.raises(SagesegError, match=r"shard-\d-of-3: a shard of another plan .* remove it and run the same"):
        look(output, OF)


@pytest.mark.parametrize("of", [1, 2, 4])
def test_another_number_of_instances_than_shards_is_refused(tmp_path: Path, of: int) -> None:
    with pytest.raises(SagesegError, match=f"cut into 3 shards, and --instances says {of}; say --instances 3"):
        look(lay_out(tmp_path), of)


@pytest.mark.parametrize("name", ["readme.txt", "shard-1-of-3/shard.json", "images/a.jpg"])
def test_a_place_of_other_things_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    with pytest.raises(SagesegError, match=f"holds {name} and no plan.json; choose another --out"):
        look(FolderOutput(tmp_path), OF)


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"shard": 1})])
def test_a_damaged_marker_is_named(tmp_path: Path, content: str) -> None:
    output = lay_out(tmp_path)
    (tmp_path / "shard-1-of-3" / MARKER).write_text(content)
    with pytest.raises(SagesegError, match=r"shard-1-of-3.shard.json"):
        look(output, OF)
