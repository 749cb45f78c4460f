"""From labels to a report by way of the emulator: what a job was trained on is told to all who come after."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from formats.images import encode_image
from formats.masks import write_mask
from tests.support.typed_commands import Ran, typed

SIZE, SMALL = (120, 90), "60x48"
TRAIN = ["--backend", "local", "--algorithm", "unet", "--optimizer", "adam", "--learning-rate", "0.02", "--epochs", "1"]
SIDES = ["--crop-size", "32", "--base-size", "32", "--mini-batch-size", "2", "--validation-mini-batch-size", "1"]


def disc(number: int) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.asarray((rows - 40 - number) ** 2 + (columns - 50 - 3 * number) ** 2 < (18 + number) ** 2, np.uint8)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A job that was trained on resized images, whose masks show cars as 255 by its label maps."""
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGESEG_HOME", str(folder / "home"))
        for name in ("JPEGImages", "SegmentationClass", "maps"):
            (folder / "voc" / name).mkdir(parents=True)
        for number in range(6):
            mask = disc(number)
            pixels = np.repeat((40 + 170 * mask)[:, :, None], 3, axis=2).astype(np.uint8)
            (folder / "voc/JPEGImages" / f"f{number}.jpg").write_bytes(encode_image(pixels))
            write_mask(folder / "voc/SegmentationClass" / f"f{number}.png", 255 * mask)
        (folder / "voc/labels.txt").write_text("_background_\ncar\n")
        for channel in ("train", "validation"):
            label_map = {"map": {"0": 0, "1": 255}}
            (folder / "voc/maps" / f"{channel}_label_map.json").write_text(json.dumps(label_map))
        done(
            folder,
            "prep",
            "voc",
            "voc",
            "--out",
            "ds",
            "--resize",
            SMALL,
            "--crop",
            "none",
            "--val",
            "2",
            "--keep-empty",
            "1",
        )
        done(folder, "jobs", "train", "ds", *TRAIN, *SIDES, "--label-map", "voc/maps", "--name", "cars")
        yield folder
        presence = folder / "home/emulator/endpoint.json"
        if presence.exists():
            os.kill(json.loads(presence.read_text())["pid"], 15)


@pytest.fixture(autouse=True)
def home(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(desk / "home"))


def done(folder: Path, *words: str) -> Ran:
    ran = typed(words, folder)
    assert ran.returncode == 0, ran.stderr
    return ran


def told(predictions: Path) -> dict[str, object]:
    info = json.loads((predictions / "predictions.json").read_text())
    return {key: info.get(key) for key in ("resize", "crop", "label_map")}


MAPS = {channel: {"map": {"0": 0, "1": 255}} for channel in ("train", "validation")}


def test_the_record_tells_and_predictions_tell_on(desk: Path) -> None:
    record = json.loads((desk / "home/jobs/cars/job.json").read_text())
    assert (record["preparation"], record["label_map"]) == ({"resize": SMALL, "crop": "none", "range": "none"}, MAPS)
    ran = done(desk, "jobs", "predict", "cars", "voc/JPEGImages", "--out", "by-name")
    assert "images are predicted resized to 60×48, whole: as those that cars was trained on" in ran.stderr
    assert told(desk / "by-name") == {"resize": SMALL, "crop": "none", "label_map": MAPS}


def test_the_artefact_alone_tells_the_same(desk: Path) -> None:
    shutil.copy(desk / "sageseg-runs/cars/output/model.tar.gz", desk / "mailed.tar.gz")
    done(desk, "jobs", "predict", "mailed.tar.gz", "voc/JPEGImages", "--out", "by-file")
    assert told(desk / "by-file") == {"resize": SMALL, "crop": "none", "label_map": MAPS}


@pytest.mark.parametrize("given", [("--resize", "none"), ("--resize", "80"), ("--crop", "32", "--overlap", "8")])
def test_what_is_asked_for_goes_before(desk: Path, given: tuple[str, ...]) -> None:
    out = "-".join(("asked", *given)).replace("--", "")
    ran = done(desk, "jobs", "predict", "cars", "voc/JPEGImages", *given, "--out", out)
    assert "cars was trained on images resized to 60×48, whole" in ran.stderr
    asked = dict(zip((word.removeprefix("--") for word in given[::2]), given[1::2], strict=True))
    expected = {"resize": SMALL, "crop": "none"} | asked
    assert {key: told(desk / out)[key] for key in ("resize", "crop")} == {
        key: expected[key] for key in ("resize", "crop")
    }


def test_the_report_judges_by_the_truth_that_the_job_trained_on(desk: Path) -> None:
    done(desk, "jobs", "predict", "cars", "ds", "--split", "val", "--out", "pred")
    done(desk, "analysis", "report", "pred", "--dataset", "ds", "--out", "report", "--draws", "0")
    scores = json.loads((desk / "report/scores.json").read_text())
    judged = [int(row.split(",")[0][1:]) for row in (desk / "pred/manifest.csv").read_text().splitlines()[1:]]
    cars = sum(int(disc(number).sum()) for number in judged)
    assert sum(scores["confusion"][1]) == cars
    assert scores["judged"]["pixels"] == 2 * SIZE[0] * SIZE[1]


def test_check_and_preview_see_the_classes_of_the_map(desk: Path) -> None:
    words = ["ds", *SIDES, "--algorithm", "unet", "--optimizer", "adam"]
    plain, mapped = (typed(["prep", "check", *words, *more], desk).stdout for more in ((), ("--label-map", "voc/maps")))
    assert "no split has a pixel of car" in plain
    assert "pixel of car" not in mapped
    pages = []
    for more in ((), ("--label-map", "voc/maps")):
        done(desk, "prep", "preview", "ds", "--out", "page.html", "--overwrite", *more)
        pages.append(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", (desk / "page.html").read_text())))
    assert pages[0] != pages[1]
    share = np.mean([disc(number).mean() for number in range(6)])
    assert not re.search(r"car[^%]{0,40}\b1[0-9]\.\d %", pages[0])
    assert 0.1 < share < 0.2
    assert re.search(r"car[^%]{0,40}\b1[0-9]\.\d %", pages[1])
