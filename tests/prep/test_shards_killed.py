"""A shard or a merge killed at any moment leaves nothing that looks finished, and the same command does the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from formats.errors import SagesegError
from prep.dataset.merge import merge_shards
from prep.dataset.writer import write_dataset
from tests.support.prep_samples import digests, make_source
from tests.support.shard_killed import OF_MERGES, OF_SHARDS, OPTIONS, TIDYING
from tests.support.shard_samples import GROUPS, write_shards

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_dataset(make_source(folder / "labels", GROUPS), folder / "dataset", OPTIONS)
    return digests(folder / "dataset")


def run_and_die(tmp_path: Path, point: str) -> None:
    words = [str(tmp_path / "labels"), str(tmp_path / "by"), point]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.shard_killed", *words],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert ran.returncode == -9, ran.stderr.decode()


@pytest.mark.parametrize("point", OF_SHARDS)
def test_a_killed_shard_is_no_shard_and_goes_on(undisturbed: dict[str, str], tmp_path: Path, point: str) -> None:
    run_and_die(tmp_path, point)
    assert not (tmp_path / "by" / "shard-1-of-2").exists()
    with pytest.raises(SagesegError, match="no shard is done|no plan.json here"):
        merge_shards(tmp_path / "by", tmp_path / "merged")
    write_shards(make_source(tmp_path / "labels", GROUPS), tmp_path / "by", 2, OPTIONS)
    merge_shards(tmp_path / "by", tmp_path / "merged")
    assert digests(tmp_path / "merged") == undisturbed
    assert {path.name for path in (tmp_path / "by").iterdir()} == {"plan.json", "sources.csv", "shard-1-of-2", "shard-2-of-2"}  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("removed", [[], ["begun.json"], ["begun.json", "journal.jsonl"]])
def test_a_shard_that_was_killed_while_it_tidied_is_done_and_tidied(tmp_path: Path, removed: list[str]) -> None:
    run_and_die(tmp_path, TIDYING)
    beside = tmp_path / "by" / "shard-1-of-2.sageseg-partial"
    for name in removed:
        (beside / name).unlink()
    done = digests(tmp_path / "by" / "shard-1-of-2")
    write_shards(make_source(tmp_path / "labels", GROUPS), tmp_path / "by", 2, OPTIONS, [1])
    assert digests(tmp_path / "by" / "shard-1-of-2") == done
    assert not beside.exists()


@pytest.mark.parametrize("point", OF_MERGES)
def test_a_killed_merge_leaves_the_shards_as_they_are(undisturbed: dict[str, str], tmp_path: Path, point: str) -> None:
    by = write_shards(make_source(tmp_path / "labels", GROUPS), tmp_path / "by", 2, OPTIONS)
    before = digests(by)
    run_and_die(tmp_path, point)
    assert not (tmp_path / "merged").exists()
    merge_shards(by, tmp_path / "merged")
    assert (digests(tmp_path / "merged"), digests(by)) == (undisturbed, before)
    assert not (tmp_path / "merged.sageseg-partial").exists()
