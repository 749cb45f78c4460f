"""Shards that came from elsewhere by half, or under another's name, and merges that would write over one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from formats.errors import SagesegError
from prep.dataset.merge import merge_shards
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from tests.support.prep_samples import digests, make_source
from tests.support.shard_samples import GROUPS, write_shards
from tests.support.typed_commands import typed

OPTIONS = PrepOptions(crop=64, workers=1)
FIRST = "shard-1-of-3"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return make_source(tmp_path / "labels", GROUPS)


@pytest.fixture
def by(source: Source, tmp_path: Path) -> Path:
    """Three shards, all done."""
    return write_shards(source, tmp_path / "by", 3, OPTIONS)


def without_marker(by: Path) -> None:
    (by / FIRST / "shard.json").unlink()


def one_file_of_it(by: Path) -> None:
    kept = next((by / FIRST / "JPEGImages").iterdir()).read_bytes()
    shutil.rmtree(by / FIRST)
    (by / FIRST / "JPEGImages").mkdir(parents=True)
    (by / FIRST / "JPEGImages" / "a.jpg").write_bytes(kept)


def a_file_of_its_name(by: Path) -> None:
    shutil.rmtree(by / FIRST)
    (by / FIRST).write_bytes(b"")


@pytest.mark.parametrize("tear", [without_marker, one_file_of_it, a_file_of_its_name])
def test_a_shard_that_came_by_half_is_neither_missing_nor_done(
    source: Source, by: Path, tear: Callable[[Path], None]
) -> None:
    whole = digests(by)
    tear(by)
    told = rf"{FIRST}: without shard\.json, which is there only when all else is; copy it whole, or remove it"
    with pytest.raises(SagesegError, match=told):
        write_shards(source, by, 3, OPTIONS, [1])
    with pytest.raises(SagesegError, match=told):
        merge_shards(by, by.with_name("merged"))
    assert not by.with_name("merged").exists()
    shutil.rmtree(by / FIRST, ignore_errors=True)
    (by / FIRST).unlink(missing_ok=True)
    write_shards(source, by, 3, OPTIONS, [1])
    assert digests(by) == whole


def test_a_shard_that_came_by_half_is_made_anew_by_overwrite(source: Source, by: Path) -> None:
    whole = digests(by)
    without_marker(by)
    write_shards(source, by, 3, replace(OPTIONS, overwrite=True), [1])
    assert digests(by) == whole


def test_an_empty_folder_of_a_shards_name_is_no_hindrance(source: Source, by: Path) -> None:
    whole = digests(by)
    shutil.rmtree(by / FIRST)
    (by / FIRST).mkdir()
    write_shards(source, by, 3, OPTIONS, [1])
    assert digests(by) == whole


@pytest.mark.parametrize("other", [2, 3])
def test_a_shard_under_anothers_name_is_not_taken_for_it(source: Source, by: Path, other: int) -> None:
    shutil.rmtree(by / FIRST)
    (by / f"shard-{other}-of-3").rename(by / FIRST)
    with pytest.raises(SagesegError, match=rf"{FIRST}: holds shard {other}/3; remove it and make it again"):
        write_shards(source, by, 3, OPTIONS, [1])


@pytest.mark.parametrize("name", [FIRST, "shard-3-of-3"])
def test_a_merge_does_not_replace_a_shard(by: Path, name: str) -> None:
    before = digests(by)
    with pytest.raises(SagesegError, match=rf"{name}: holds \S+{name}, which is to be read and would be replaced"):
        merge_shards(by, by / name, overwrite=True)
    assert digests(by) == before


@pytest.mark.parametrize("words", ["s3://my-bucket/shards --out merged", "by --out s3://my-bucket/merged"])
def test_a_merge_of_or_into_s3_is_refused(by: Path, words: str) -> None:
    ran = typed(["prep", "merge", *words.split()], by.parent)
    assert ran.returncode == 1
    assert "error: s3://my-bucket/" in ran.stderr
    assert "a URI; expected a path on this machine; aws s3 sync copies folders to and from S3" in ran.stderr
    assert not [path for path in by.parent.iterdir() if path.name in ("merged", "s3:")]
