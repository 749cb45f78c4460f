"""Which shards count as made, in the folder where a processing job's output lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aws.s3 import S3Prefix
from formats.console import say
from formats.errors import SagesegError
from formats.shards.markers import BYTES, JOURNAL, LINE, MARKER, write_marker
from formats.shards.shard import Shard
from formats.shards.work_plan import PLAN, WorkPlan
from jobs.processing.shards_there import FolderOutput, S3Output, look

OF = 3


def lay_out(root: Path) -> FolderOutput:
    """A plan, and two whole shards of three."""
    content = json.dumps(vars(WorkPlan(1, "x", "1", ["prep", "voc", "cars"], {}, 3, "", {})))
    (root / PLAN).write_text(content)
    (root / LINE).write_text("sageseg jobs process prep voc s3://b/cars\n")
    for number in (1, 3):
        shard = Shard(number, OF)
        folder = root / shard.folder
        (folder / "masks").mkdir(parents=True)
        (folder / JOURNAL).write_text(f"{number}\n")
        (folder / "masks" / "a.png").write_bytes(b"12345")
        write_marker(folder, shard, hashlib.sha256(content.encode()).hexdigest(), {"images": 1, BYTES: 5})
    return FolderOutput(root)


def test_a_place_with_nothing_has_no_shards(tmp_path: Path) -> None:
    there = look(FolderOutput(tmp_path / "none"), OF)
    assert [str(shard) for shard in there.missing(OF)] == ["1/3", "2/3", "3/3"]
    assert there.beside == ()


def test_a_shard_without_marker_is_missing(tmp_path: Path) -> None:
    there = look(lay_out(tmp_path), OF)
    assert there.missing(OF) == [Shard(2, OF)]
    assert there.beside == (PLAN,)
    assert there.command == ("prep", "voc", "cars")
    assert there.line == "sageseg jobs process prep voc s3://b/cars"


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
    (tmp_path / PLAN).write_text((tmp_path / PLAN).read_text().replace("cars", "vans"))
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


def test_a_damaged_plan_is_named_by_where_it_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = lay_out(tmp_path)
    (tmp_path / PLAN).write_text("{}")
    with pytest.raises(SagesegError) as refused:
        look(output, OF)
    say(str(refused.value))
    assert capsys.readouterr().err.startswith(f"{tmp_path}/plan.json: damaged ")


def test_what_was_still_in_the_making_does_not_count(tmp_path: Path) -> None:
    """Else a shard beside which a job that was killed left such a file would be made again each time."""
    output = lay_out(tmp_path)
    (tmp_path / "shard-1-of-3" / "masks" / "b.png.sageseg-partial").write_text("half")
    (tmp_path / "plan.json.sageseg-partial").write_text("half")
    there = look(output, OF)
    assert (there.missing(OF), there.beside) == ([Shard(2, OF)], (PLAN,))


def test_a_file_called_like_a_marker_inside_a_shard_is_none(tmp_path: Path) -> None:
    output = lay_out(tmp_path)
    (tmp_path / "shard-2-of-3" / "masks").mkdir(parents=True)
    (tmp_path / "shard-2-of-3" / "masks" / MARKER).write_text("x")
    assert look(output, OF).missing(OF) == [Shard(2, OF)]


class Listing:
    """A bucket that tells its objects, of which nobody asks the content."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def get_paginator(self, _: str) -> Listing:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": key, "Size": 0} for key in self.keys]}]


def test_a_folder_that_was_made_in_the_console_is_empty() -> None:
    there = look(S3Output(S3Prefix("b", "cars/"), Listing("cars/", "cars/shard-1-of-3/")), OF)
    assert (there.missing(OF)[0], there.beside) == (Shard(1, OF), ())
