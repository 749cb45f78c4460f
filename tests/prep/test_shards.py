"""However many machines share the work, the dataset is the one that a single machine makes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import formats.disk.whole_files
import prep.dataset.image_work
from formats.errors import SagesegError
from formats.prepared.resize import Resize
from formats.shards.shard import Shard
from prep.dataset.journal import Journal
from prep.dataset.merge import merge_shards
from prep.dataset.shards import write_shard
from prep.dataset.writer import write_dataset
from prep.options import OBJECTS, REGION_LABEL, PrepOptions
from prep.readers.labelled_image import Source
from tests.support.labelme_samples import write_labels
from tests.support.prep_samples import digests, make_source, noise, square
from tests.support.reader_samples import ALL, OWN_SPLIT, labelme
from tests.support.shard_samples import GROUPS, by_shards, write_shards
from tests.support.typed_commands import typed

OPTIONS = PrepOptions(crop=64, workers=1)
CORNER = ((0.0, 0.0), (40.0, 0.0), (40.0, 40.0))
VARIANTS = st.builds(
    PrepOptions,
    crop=st.sampled_from([None, 64, 100]),
    overlap=st.sampled_from([0, 8]),
    resize=st.sampled_from([None, Resize(80), Resize(60, 70)]),
    focus=st.sampled_from([None, OBJECTS, REGION_LABEL]),
    keep_empty=st.sampled_from([0.0, 0.5, 1.0]),
    val=st.sampled_from([0.4, 1.0]),
    stratify=st.booleans(),
    also=st.sampled_from([None, "ultralytics"]),
    seed=st.integers(0, 3),
    workers=st.just(1),
)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return make_source(tmp_path / "labels", GROUPS)


@settings(max_examples=8, deadline=None)
@given(options=VARIANTS, groups=st.lists(st.integers(1, 3), min_size=2, max_size=4), twins=st.booleans())
def test_any_number_of_shards_gives_the_same_bytes(options: PrepOptions, groups: list[int], twins: bool) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = make_source(
            folder / "labels",
            {f"g{number}": count for number, count in enumerate(groups)},
            image=(lambda number: noise(number // 2)) if twins else noise,
            regions={f"g{number}_0": (CORNER,) for number in range(len(groups))},
        )
        write_dataset(source, folder / "alone", options)
        for of in (1, 3, 7, 13):
            assert digests(by_shards(source, folder, of, options)) == digests(folder / "alone")


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_labels_of_every_kind_are_shared_out(tmp_path: Path, make: Callable[[Path], list[str]]) -> None:
    words = [word.format(tmp_path / "here") for word in make(tmp_path / "here")]
    words += ["--crop", "48", "--keep-empty", "1", "--workers", "1", *(() if make in OWN_SPLIT else ("--val", "1"))]
    if make is labelme:
        words += ["--labels", str(write_labels(tmp_path, "car"))]
    lines = [[*words, "--out", "alone"], *([*words, "--out", "by", "--shard", f"{i}/3"] for i in (2, 3, 1))]
    for line in [*lines, ["merge", "by", "--out", "merged"]]:
        ran = typed(["prep", *line], tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_files_of_shards_are_linked_not_copied(source: Source, tmp_path: Path) -> None:
    out = by_shards(source, tmp_path, 2, OPTIONS)
    crop = next((out / "JPEGImages").iterdir())
    (made,) = (tmp_path / "by-2").rglob(crop.name)
    assert crop.samefile(made)


def test_without_links_files_are_copied(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(source, tmp_path / "alone", OPTIONS)

    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(formats.disk.whole_files.os, "link", refuse)
    assert digests(by_shards(source, tmp_path, 3, OPTIONS)) == digests(tmp_path / "alone")


def test_an_image_is_decoded_once_whatever_the_number_of_shards(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, worked = prep.dataset.image_work.write_image, list[str]()

    def spied(task: Any) -> Any:
        worked.append(task.image.source)
        return real(task)

    monkeypatch.setattr(prep.dataset.image_work, "write_image", spied)
    by_shards(source, tmp_path, 3, OPTIONS)
    assert sorted(worked) == [image.source for image in source.images]


def stop_after(source: Source, out: Path, shard: Shard, after: int) -> None:
    real, taken = Journal.append, list[str]()

    def append(journal: Journal, entry: Any) -> None:
        if len(taken) == after:
            raise KeyboardInterrupt
        taken.append(entry.source)
        real(journal, entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "append", append)
        with pytest.raises(KeyboardInterrupt):
            write_shard(source, out, OPTIONS, shard)


def test_a_shard_that_died_goes_on_where_it_was(
    source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(source, tmp_path / "alone", OPTIONS)
    by = write_shards(source, tmp_path / "by", 2, OPTIONS, numbers=[2])
    stop_after(source, by, Shard(1, 2), 2)
    assert not (by / "shard-1-of-2").exists()
    with pytest.raises(SagesegError, match="shard 1/2 is missing"):
        merge_shards(by, tmp_path / "merged")
    capsys.readouterr()
    write_shards(source, by, 2, OPTIONS, numbers=[1])
    assert "goes on where it stopped; images done: 2" in capsys.readouterr().err
    merge_shards(by, tmp_path / "merged")
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_a_shard_that_is_done_stays_and_says_so(
    source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by = write_shards(source, tmp_path / "by", 2, OPTIONS, numbers=[1])
    before = (by / "shard-1-of-2" / "shard.json").stat().st_ino
    write_shards(source, by, 2, OPTIONS, numbers=[1])
    assert "is there already, of this plan" in capsys.readouterr().err
    assert (by / "shard-1-of-2" / "shard.json").stat().st_ino == before
    write_shards(source, by, 2, replace(OPTIONS, overwrite=True), numbers=[1])
    assert (by / "shard-1-of-2" / "shard.json").stat().st_ino != before


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = Path.write_bytes, list[Path]()

    def full(path: Path, content: bytes) -> int:
        written.append(path)
        if path.suffix == ".png" and len(written) > 20:
            raise OSError(28, "No space left on device", str(path))
        return real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(SagesegError, match=r"cannot be written \(No space left on device\); free space"):
            write_shards(source, tmp_path / "by", 2, OPTIONS, numbers=[1])
    assert not (tmp_path / "by" / "shard-1-of-2").exists()
    write_dataset(source, tmp_path / "alone", OPTIONS)
    merge_shards(write_shards(source, tmp_path / "by", 2, OPTIONS), tmp_path / "merged")
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_each_machine_may_make_its_own_folder(source: Source, tmp_path: Path) -> None:
    """What they made, put into one folder in any order, is one plan with its shards."""
    write_dataset(source, tmp_path / "alone", OPTIONS)
    (tmp_path / "all").mkdir()
    for number in (1, 2, 3):
        own = write_shards(source, tmp_path / f"machine{number}", 3, OPTIONS, numbers=[number])
        for path in own.iterdir():
            path.replace(tmp_path / "all" / path.name)
    merge_shards(tmp_path / "all", tmp_path / "merged")
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_shards_that_start_at_once_agree_on_one_plan(source: Source, tmp_path: Path) -> None:
    write_dataset(source, tmp_path / "alone", OPTIONS)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write_shards(source, tmp_path / "by", 4, OPTIONS, [number]), range(1, 5)))
    merge_shards(tmp_path / "by", tmp_path / "merged")
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_the_last_shard_tells_the_next_step(tmp_path: Path) -> None:
    make_source(tmp_path / "photos", {"a": 2, "b": 1}, mask=lambda number: np.minimum(square(number), 1))
    (tmp_path / "names.txt").write_text("background\ncar\n")
    line = ["prep", "pairs", "photos", "photos", "--labels", "names.txt", "--out", "by", "--workers", "1"]
    first = typed([*line, "--shard", "1/2"], tmp_path)
    assert (first.returncode, first.stdout.splitlines()[-1]) == (0, "by/shard-1-of-2"), first.stderr
    assert "shards are there" not in first.stderr
    assert "all 2 shards are there; next: sageseg prep merge by --out DATASET" in typed([*line, "--shard", "2/2"], tmp_path).stderr  # fmt: skip  # noqa: E501
    told = typed(["prep", "check", "by"], tmp_path)
    assert "sageseg prep merge by --out DATASET puts them together" in told.stderr
