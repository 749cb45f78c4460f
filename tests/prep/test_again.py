"""A dataset is made again from what its dataset.json tells: byte for byte, by any workers, in any order of files."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.dataset import open_dataset
from formats.version import tool_version
from prep.dataset.again import InputsDigest, typed
from tests.prep.test_readers import READERS
from tests.support import reader_samples as samples
from tests.support.prep_samples import digests, make_source
from tests.support.typed_commands import typed as run

REGION = {"shapes": [{"label": "__region__", "points": [[0, 0], [40, 0], [40, 40]], "shape_type": "polygon"}]}
OPTIONS = {
    "plain": [],
    "crops": ["--crop", "24", "--overlap", "8", "--keep-empty", "0.5", "--keep-empty-val=0.5", "--seed", "3"],
    "split": ["--split-file", "kept/split.json"],
    "sizes": ["--resize", "40x36", "--crop", "none", "--also", "ultralytics"],
    "focus": ["--focus", "regions.json", "--focus-share", "0.5", "--crop", "16"],
    "groups": ["--group-by", "^(.)", "--val", "1", "--test", "1", "--stratify"],
    "objects": ["--focus=objects", "--crop=16", "--orientation", "upright"],
}
"""One line for each kind of option."""


def sample(folder: Path, name: str = "pairs") -> list[str]:
    """The words of a reader with its labels, by names alone."""
    words = READERS[name](folder)
    (folder / "regions.json").write_text(json.dumps(REGION))
    return [name, *(str(Path(word).relative_to(folder)) if word.startswith(str(folder)) else word for word in words)]


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_dataset_is_made_again_from_its_own_words(tmp_path: Path, kind: str) -> None:
    here, there = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    words = sample(here)
    if kind == "split":
        assert run(["prep", *words, "--out", "kept", "--test", "1"], here).returncode == 0
    made = run(["prep", *words, *OPTIONS[kind], "--out", "first", "--workers", "1"], here)
    assert made.returncode == 0, made.stderr
    told = open_dataset(here / "first").info
    assert str(tmp_path) not in json.dumps(told)
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("first", "kept"))
    if kind == "split":
        shutil.copyfile(here / "kept/split.json", there / "split.json")
    again = run(["prep", *told["command"], "--out=second", "--workers=1", "--overwrite"], there)
    assert again.returncode == 0, again.stderr
    assert digests(there / "second") == digests(here / "first")


def test_the_words_the_files_and_what_was_read_are_told(tmp_path: Path) -> None:
    words = sample(tmp_path)
    assert run(["prep", *words, "--out", "out", "--crop=none", "--workers", "1"], tmp_path).returncode == 0
    told = open_dataset(tmp_path / "out").info
    assert told["command"] == [*words, "--crop=none"]
    assert [*told["files"]] == ["names.csv"]
    assert told["tool_version"] == tool_version()


@pytest.mark.parametrize("change", ["image", "mask", "list"])
def test_other_inputs_have_another_checksum(tmp_path: Path, change: str) -> None:
    words = sample(tmp_path)
    paths = {"image": "photos/1.jpg", "mask": "masks/1_mask.png", "list": "names.csv"}
    other = {"image": "photos/2.jpg", "mask": "masks/0_mask.png"}
    told = []
    for out in ("a", "b"):
        assert run(["prep", *words, "--out", out, "--workers", "1"], tmp_path).returncode == 0
        told.append(open_dataset(tmp_path / out).info)
        if change == "list":
            (tmp_path / paths[change]).write_text("value,name\n0,background\n1,car\n2,road\n3,car\n")
        else:
            shutil.copyfile(tmp_path / other[change], tmp_path / paths[change])
    assert told[0]["inputs_sha256"] != told[1]["inputs_sha256"]
    assert (told[0]["files"] != told[1]["files"]) == (change == "list")


WORKERS: dict[Callable[[Path], list[str]], str] = {samples.coco: "2", samples.pairs: "4"}
"""Where more than one is tried: starting them takes longer than all else here."""


@pytest.mark.parametrize("make", samples.ALL)
def test_neither_workers_nor_the_order_of_files_change_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], list[str]]
) -> None:
    words = [word.format(tmp_path) for word in make(tmp_path)]
    brings_splits = make in samples.OWN_SPLIT
    words += ["--crop", "none", *([] if brings_splits else ["--val", "1"])]
    listed, made = Path.iterdir, []
    for workers, turned in (("1", False), (WORKERS.get(make, "1"), True)):
        monkeypatch.setattr(Path, "iterdir", lambda path, turned=turned: iter(sorted(listed(path), reverse=turned)))
        ran = run(["prep", *words, "--out", "made", "--workers", workers], tmp_path)
        assert ran.returncode == 0, ran.stderr
        made.append(digests(tmp_path / "made"))
        shutil.rmtree(tmp_path / "made")
    assert made[0] == made[1]


def test_words_that_decide_nothing_and_places_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep" / "in").mkdir(parents=True)
    (tmp_path / "deep" / "list.txt").write_text("car\n")
    places = ["pairs", str(tmp_path / "deep/in"), "deep/in/", f"--labels={tmp_path}/deep/list.txt"]
    idle = ["--out", "x", "--workers=3", "--out=y", "--overwrite"]
    kept = ["--mask-name", "{class}/{stem}", "--group-by", "/(.)", "s3://bucket/a/b", "x" * 9000, "a\0b"]
    told = typed([*places, *idle, *kept])
    assert told.command == ("pairs", "in", "in", "--labels=list.txt", *kept)
    assert told.files == {"list.txt": hashlib.sha256(b"car\n").hexdigest()}


def test_a_program_has_no_words(tmp_path: Path) -> None:
    from prep.dataset.writer import write_dataset
    from prep.options import PrepOptions

    write_dataset(make_source(tmp_path / "in", {"a": 1, "b": 1}), tmp_path / "out", PrepOptions(crop=64, workers=1))
    told = open_dataset(tmp_path / "out").info
    assert (told["command"], told["files"]) == ([], {})
    digests = [InputsDigest(), InputsDigest()]
    for total, order in zip(digests, ((("a", "1"), ("b", "2")), (("b", "2"), ("a", "1"))), strict=True):
        for source, digest in order:
            total.add(source, digest)
    assert digests[0].hexdigest() != digests[1].hexdigest()
