"""The verbs of analysis over folders of masks that other programs wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from formats.dataset import Dataset
from formats.images import encode_image
from tests.support.dataset_samples import make_dataset
from tests.support.plain_masks import SAMPLES, ids, white, write_all
from tests.support.typed_commands import typed


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "dataset", SAMPLES)


def test_a_report_inside_the_folder_is_passed_over(tmp_path: Path) -> None:
    write_all(tmp_path / "out", "{}.png", white)
    for number in (1, 2):
        words = ["analysis", "report", "out", "--truth", "out", "--draws", "0", "--out", f"out/report{number}"]
        ran = typed(words, tmp_path)
        assert ran.returncode == 0, ran.stderr
    assert "out: reports in it are passed over: report1" in ran.stderr


def test_a_report_needs_no_dataset(tmp_path: Path) -> None:
    write_all(tmp_path / "truth", "{}.png", white)
    write_all(tmp_path / "out", "{}.png", lambda mask: white(np.roll(mask, 2, axis=1)))
    (tmp_path / "images").mkdir()
    for stem, (image, _) in SAMPLES.items():
        (tmp_path / "images" / f"{stem}.jpg").write_bytes(encode_image(image))
    common = ["analysis", "report", "out", "--truth", "truth", "--workers", "1", "--draws", "0"]
    ran = typed([*common, "--images", "images", "--group-by", "^(.)_", "--out", "shown"], tmp_path)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "shown/index.html")
    scores = json.loads((tmp_path / "shown" / "scores.json").read_text(encoding="utf-8"))
    assert sorted(scores["groups"]) == ["a", "b"]
    true = np.stack([mask for _, mask in SAMPLES.values()])
    shifted = np.roll(true, 2, axis=2)
    shared, either = np.count_nonzero(true & shifted), np.count_nonzero(true | shifted)
    assert scores["overall"]["iou"]["class_1"] == pytest.approx(shared / either)
    assert (tmp_path / "shown" / "layers" / "image" / "a_01.jpg").read_bytes() == encode_image(SAMPLES["a_01"][0])
    grey = typed([*common, "--out", "grey"], tmp_path)
    assert grey.returncode == 0
    assert "report with --images FOLDER" in (tmp_path / "grey" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["out"], "--dataset DATASET, or --truth FOLDER"),
        (["out", "--dataset", "dataset", "--truth", "truth"], "--dataset DATASET, or --truth FOLDER"),
        (["out", "--dataset", "dataset", "--labels", "x.txt"], "--labels x.txt: goes with --truth"),
        (["out", "--truth", "dataset"], "dataset: a dataset; give it as --dataset dataset"),
        (["absent", "--dataset", "dataset"], "absent: no such folder; expected predictions"),
        (["out/a_01.png", "--dataset", "dataset"], "out/a_01.png: a file, and no folder"),
        (["out", "--truth", "truth", "--labels", "absent.txt"], "absent.txt: not found"),
        (["out", "--truth", "truth", "--images", "out"], "out/a_01.png: 40×24 pixels, but its mask has 20×12"),
    ],
)
def test_what_a_report_was_given_is_refused_in_one_line(
    tmp_path: Path, dataset: Dataset, words: list[str], told: str
) -> None:
    write_all(tmp_path / "out", "{}.png", ids)
    write_all(tmp_path / "truth", "{}.png", lambda mask: ids(mask[::2, ::2]))
    ran = typed(["analysis", "report", *words, "--out", "report", "--workers", "1"], tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "report").exists()


def test_what_was_made_for_the_command_is_gone_with_it(tmp_path: Path) -> None:
    program = "from analysis.plain.folder import temporary_folder; print(temporary_folder('masks').is_dir())"
    made = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (made.stdout, list(tmp_path.iterdir())) == ("True\n", [])


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["stitch", "out", "--out", "x"], "x/masks/a_01.png"),
        (["overlay", "out", "images", "--out", "x"], "x/a_01.jpg"),
        (["cutout", "out", "images", "--out", "x"], "x/a_01.png"),
        (["labelme", "out", "--images", "images", "--out", "x"], "x/a_01.json"),
        (["coco", "out", "--out", "x.json"], "x.json"),
        (["cvat", "out", "--out", "x.xml"], "x.xml"),
        (["submission", "out", "--out", "x.csv"], "x.csv"),
        (["combine", "out", "out", "out", "--by", "majority", "--out", "x"], "x/masks/a_01.png"),
    ],
)
def test_other_verbs_take_plain_masks(tmp_path: Path, words: list[str], made: str) -> None:
    write_all(tmp_path / "out", "{}_pred.png", white)
    (tmp_path / "images").mkdir()
    for stem, (image, _) in SAMPLES.items():
        (tmp_path / "images" / f"{stem}.jpg").write_bytes(encode_image(image))
    ran = typed(["analysis", *words], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / made).is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["suspects", "out", "--dataset", "dataset", "--out", "x.csv"],
            "error: out: no probabilities to doubt labels by",
        ),
        (["select", "out", "--count", "1", "--out", "x"], "IMAGES --probabilities --out PREDICTIONS"),
        (["stitch", "out", "--probabilities", "--out", "x"], "error: out: no probabilities to keep"),
    ],
)
def test_verbs_that_need_probabilities_say_so_of_the_folder_itself(
    tmp_path: Path, dataset: Dataset, words: list[str], told: str
) -> None:
    write_all(tmp_path / "out", "{}.png", ids)
    ran = typed(["analysis", *words], tmp_path)
    assert ran.returncode == 1
    assert told in ran.stderr.splitlines()[-1]
