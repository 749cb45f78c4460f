"""`analysis select`: from predictions on disk to the list of what to label next."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import app
from analysis.selection.labelled import labelled_stems
from analysis.selection.next_images import select
from formats.console import run_app
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.images import Rgb, encode_image
from formats.manifest import ManifestRow
from formats.masks import encode_mask
from formats.predictions import (
    Predictions,
    mask_path,
    open_predictions,
    probabilities_path,
    write_predictions_tables,
    write_probabilities,
)
from tests.support.dataset_samples import CAR, disc_image, make_dataset
from tests.support.scenes import HEIGHT, WIDTH, scene, view

SIZE = (64, 48)
DISC = disc_image(*SIZE)[1]


def predict(root: Path, sureness: Mapping[str, float], *, suffix: str = ".jpg", classes: bool = True) -> Predictions:
    """Predictions of a folder of images, by their paths without suffix: a disc each, of so sure a model."""
    for name in ("masks", "probabilities"):
        (root / name).mkdir(parents=True)
    rows = []
    for path, sure in sureness.items():
        name = path.replace("/", "_")
        car = np.where(DISC, sure, 1 - sure)
        write_probabilities(probabilities_path(root, name), np.stack([1 - car, car]))
        mask_path(root, name).write_bytes(encode_mask(DISC))
        rows.append(ManifestRow(name, "", name, path + suffix, 0, 0, *SIZE, *SIZE))
    write_predictions_tables(root, rows, CAR if classes else None, {"job": "first", "predicted": "pool"})
    return open_predictions(root)


def lines(out: Path) -> list[str]:
    return (out / "selected.txt").read_text().splitlines()


def table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((out / "selected.csv").read_text(encoding="utf-8"))))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["analysis", "select", *map(str, arguments), "--workers", "1"])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return int(stopped.value.code or 0)


def test_planted_uncertain_images_come_first(tmp_path: Path) -> None:
    planted = {"p3": 0.55, "p7": 0.6, "p1": 0.65}
    predictions = predict(tmp_path / "p", {f"p{n}": planted.get(f"p{n}", 0.9995) for n in range(9)})
    select(predictions, 3, tmp_path / "out", workers=1)
    assert set(lines(tmp_path / "out")) == {"p3.jpg", "p7.jpg", "p1.jpg"}
    told = table(tmp_path / "out")
    assert [row["rank"] for row in told] == ["1", "2", "3"]
    assert [row["group"] + ".jpg" for row in told] == [row["source"] for row in told] == lines(tmp_path / "out")
    scores = {row["group"]: float(row["score"]) for row in told}
    assert scores["p3"] > scores["p7"] > scores["p1"] > 0.1
    assert re.fullmatch(r"\d\d\.\d % in doubt, car most of all; number 1 of its group", told[0]["reason"])


def test_crops_are_put_together_before_they_are_judged(tmp_path: Path) -> None:
    images = {stem: disc_image(90, 70) for stem in ("sure", "unsure")}
    dataset = make_dataset(tmp_path / "d", images, crop=48, overlap=16, drop_empty=False)
    for name in ("masks", "probabilities"):
        (tmp_path / "p" / name).mkdir(parents=True)
    for row in dataset.rows:
        mask = dataset.mask_path(row.id).read_bytes()
        (tmp_path / "p" / "masks" / f"{row.id}.png").write_bytes(mask)
        car = np.full((row.height, row.width), 0.45 if row.source_stem == "unsure" else 0.01)
        write_probabilities(probabilities_path(tmp_path / "p", row.id), np.stack([1 - car, car]))
    write_predictions_tables(tmp_path / "p", dataset.rows, CAR, {})
    selected = select(open_predictions(tmp_path / "p"), 1, tmp_path / "out", workers=1)
    assert lines(tmp_path / "out") == ["unsure.jpg"]
    assert (selected.candidates, selected.groups) == (2, 2)


def test_another_seed_draws_another_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predict(tmp_path / "p", dict.fromkeys("abcdefghij", 0.8))
    drawn = []
    for number, seed in enumerate("0112"):
        out = tmp_path / f"out{number}"
        assert run(monkeypatch, tmp_path / "p", "--count", "5", "--seed", seed, "--out", out) == 0
        drawn.append(lines(out))
    assert drawn[1] == drawn[2]
    assert len({tuple(sorted(each)) for each in drawn}) == 3


def test_the_same_whatever_the_order_and_the_workers(tmp_path: Path) -> None:
    sureness = {f"g{n % 3}_{n}": 0.6 + (n * 7 % 10) / 30 for n in range(10)}
    made = []
    for number, names in enumerate((list(sureness), list(reversed(sureness)))):
        predictions = predict(tmp_path / f"p{number}", {name: sureness[name] for name in names})
        select(predictions, 5, tmp_path / f"out{number}", workers=number + 1)
        made.append([(tmp_path / f"out{number}" / name).read_bytes() for name in ("selected.txt", "selected.csv")])
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("names", "pattern", "expected"),
    [
        (["a_1", "a_2", "b_1"], "^(.)_", ["a_1.jpg", "b_1.jpg"]),
        (["drive_b0000_f000000", "drive_b0000_f000010", "drive_b0001_f000100"], None, [0, 2]),
        (["monday/1", "monday/2", "tuesday/3"], None, ["monday/1.jpg", "tuesday/3.jpg"]),
    ],
)
def test_the_choice_is_spread_over_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], pattern: str | None, expected: list[str | int]
) -> None:
    predict(tmp_path / "p", dict(zip(names, (0.6, 0.999, 0.9999), strict=True)))
    by = ["--group-by", pattern] if pattern else []
    assert run(monkeypatch, tmp_path / "p", "--count", "2", "--out", tmp_path / "out", *by) == 0
    assert lines(tmp_path / "out") == [each if isinstance(each, str) else f"{names[each]}.jpg" for each in expected]


def test_the_groups_of_the_manifest_are_kept(tmp_path: Path) -> None:
    predictions = predict(tmp_path / "p", {"a": 0.6, "b": 0.999, "c": 0.9999})
    grouped = replace(
        predictions, rows=tuple(replace(row, group="car" if row.id in "ab" else "other") for row in predictions.rows)
    )
    select(grouped, 2, tmp_path / "out", workers=1)
    assert lines(tmp_path / "out") == ["a.jpg", "c.jpg"]


def labels_of(root: Path, *stems: str) -> Dataset:
    return make_dataset(root, {stem: disc_image(*SIZE) for stem in stems})


def test_labelled_images_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(tmp_path / "p", {"a": 0.6, "b": 0.7, "c": 0.8})
    labels_of(tmp_path / "d", "a", "elsewhere")
    arguments = ("--count", "5", "--labelled", tmp_path / "d", "--out", tmp_path / "out")
    assert run(monkeypatch, tmp_path / "p", *arguments) == 0
    assert sorted(lines(tmp_path / "out")) == ["b.jpg", "c.jpg"]
    said = capsys.readouterr().err
    assert f"1 images are labelled in {tmp_path / 'd'} and are left out" in said
    assert "note: 2 images instead of 5: there are no more" in said
    assert "note: each image is a group of its own" in said


@pytest.mark.parametrize(
    ("labelled", "found"),
    [
        ("a", {"2024_a"}),  # prep read the folder below
        ("pool/2024/a", {"2024_a"}),  # and the one above
        ("../2024/a", {"2024_a"}),
        ("2024/b", {"2024_b"}),
        ("2023/a", set()),
    ],
)
def test_labelled_images_are_known_by_their_paths(tmp_path: Path, labelled: str, found: set[str]) -> None:
    from analysis.masks.sources import plan_sources

    sources = plan_sources(predict(tmp_path / "p", {"2024/a": 0.9, "2024/b": 0.9, "2025/b": 0.9}), None)
    dataset = labels_of(tmp_path / "d", "x")
    dataset = replace(dataset, rows=(replace(dataset.rows[0], source=f"{labelled}.jpg"),))
    assert labelled_stems(dataset, sources) == found


def test_a_labelled_image_that_may_be_several_is_asked_about(tmp_path: Path) -> None:
    predictions = predict(tmp_path / "p", {"2024/b": 0.9, "2025/b": 0.9})
    with pytest.raises(SagesegError, match=r"^b\.jpg: this labelled image of .* may be 2024/b\.jpg or 2025/b\.jpg; "):
        select(predictions, 1, tmp_path / "out", labelled=labels_of(tmp_path / "d", "b"), workers=1)
    assert not (tmp_path / "out").exists()


def test_groups_that_validate_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(tmp_path / "p", {"a_1": 0.9, "a_2": 0.99, "b_1": 0.6, "b_2": 0.6, "c_1": 0.6, "d_1": 0.6})
    splits = {"a_1": "train", "b_1": "val", "d_9": "test"}
    make_dataset(tmp_path / "d", {stem: disc_image(*SIZE) for stem in splits}, splits=splits)
    arguments = ("--count", "3", "--labelled", tmp_path / "d", "--group-by", "^(.)", "--out", tmp_path / "out")
    assert run(monkeypatch, tmp_path / "p", *arguments) == 0
    assert lines(tmp_path / "out") == ["c_1.jpg", "a_2.jpg"]
    assert "2 images of groups that validate or test are left out: labelled" in capsys.readouterr().err


def test_nothing_is_left_to_choose(tmp_path: Path) -> None:
    predictions = predict(tmp_path / "p", {"a": 0.9})
    with pytest.raises(SagesegError, match="none of the 1 images is left to choose: 1 are labelled, 0 are of"):
        select(predictions, 1, tmp_path / "out", labelled=labels_of(tmp_path / "d", "a"), workers=1)


def test_the_choice_is_among_the_images_of_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(tmp_path / "p", {"2024/a": 0.5, "2024/b": 0.9, "2025/a": 0.7, "c": 0.5})
    (tmp_path / "images.txt").write_text("2025/a.jpg\n2024/b.jpg\n")
    arguments = ("--count", "9", "--list", tmp_path / "images.txt", "--out", tmp_path / "out")
    assert run(monkeypatch, tmp_path / "p", *arguments) == 0
    assert sorted(lines(tmp_path / "out")) == ["2024/b.jpg", "2025/a.jpg"]
    said = capsys.readouterr().err
    assert "note: 2 of 4 images, those of" in said
    assert "2 of 2 images chosen" in said


def test_a_list_whose_images_are_all_labelled_says_so(tmp_path: Path) -> None:
    predictions = predict(tmp_path / "p", {"a": 0.9, "b": 0.9})
    (tmp_path / "images.txt").write_text("a.jpg\n")
    with pytest.raises(SagesegError, match=r"none of the 1 images of .*images\.txt is left to choose: 1 are labelled"):
        select(
            predictions,
            1,
            tmp_path / "out",
            labelled=labels_of(tmp_path / "d", "a"),
            listed=tmp_path / "images.txt",
            workers=1,
        )


def write_scenes(folder: Path, shown: Mapping[str, Rgb]) -> None:
    folder.mkdir()
    for stem, image in shown.items():
        (folder / f"{stem}.jpg").write_bytes(encode_image(image))


def scenes_predicted(root: Path, sureness: Mapping[str, float]) -> Predictions:
    """Predictions of images of the scenes' size."""
    (root / "masks").mkdir(parents=True)
    (root / "probabilities").mkdir()
    mask, rows = disc_image(WIDTH, HEIGHT)[1], []
    for stem, sure in sureness.items():
        car = np.where(mask, sure, 1 - sure)
        write_probabilities(probabilities_path(root, stem), np.stack([1 - car, car]))
        mask_path(root, stem).write_bytes(encode_mask(mask))
        rows.append(ManifestRow(stem, "", stem, f"{stem}.jpg", 0, 0, WIDTH, HEIGHT, WIDTH, HEIGHT))
    write_predictions_tables(root, rows, CAR, {})
    return open_predictions(root)


def test_of_near_twins_one_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes_predicted(tmp_path / "p", {"a": 0.6, "again": 0.99, "mirrored": 0.99, "other": 0.9999})
    shown = {"a": view(scene(0)), "again": view(scene(0), dx=3), "mirrored": view(scene(0))[:, ::-1]}
    write_scenes(tmp_path / "images", {**shown, "other": view(scene(1))})
    arguments = ("--count", "4", "--images", tmp_path / "images", "--out", tmp_path / "out")
    assert run(monkeypatch, tmp_path / "p", *arguments) == 0
    assert lines(tmp_path / "out") == ["a.jpg", "other.jpg"]
    said = capsys.readouterr().err
    assert "2 near-twins of images chosen or labelled are left out, such as again.jpg of a.jpg" in said
    assert "2 images instead of 4: there are no more; without --images near-twins are chosen too" in said


@pytest.mark.parametrize("whole", [True, False], ids=["in the dataset", "in the folder"])
def test_a_near_twin_of_a_labelled_image_is_left_out(tmp_path: Path, whole: bool) -> None:
    predictions = scenes_predicted(tmp_path / "p", {"again": 0.6, "other": 0.9})
    labelled = {"first": (view(scene(0)), disc_image(WIDTH, HEIGHT)[1])}
    dataset = make_dataset(tmp_path / "d", labelled, crop=None if whole else 128)
    in_folder = {} if whole else {"first": labelled["first"][0]}
    write_scenes(tmp_path / "images", {"again": view(scene(0), dy=2), "other": view(scene(1)), **in_folder})
    select(predictions, 2, tmp_path / "out", labelled=dataset, images=tmp_path / "images", workers=1)
    assert lines(tmp_path / "out") == ["other.jpg"]


def test_like_images_of_little_contrast_are_no_twins(tmp_path: Path) -> None:
    fog = {f"f{n}": (200 + 0.05 * (view(scene(n)).astype(float) - 120)).astype(np.uint8) for n in range(3)}
    write_scenes(tmp_path / "images", fog)
    predictions = scenes_predicted(tmp_path / "p", dict.fromkeys(fog, 0.8))
    select(predictions, 3, tmp_path / "out", images=tmp_path / "images", workers=1)
    assert sorted(lines(tmp_path / "out")) == ["f0.jpg", "f1.jpg", "f2.jpg"]


def test_without_probabilities_the_command_is_told(tmp_path: Path) -> None:
    predictions = predict(tmp_path / "p", {"a": 0.9})
    shutil.rmtree(tmp_path / "p" / "probabilities")
    again = f"sageseg jobs predict first pool --probabilities --out {tmp_path / 'p'} --overwrite"
    with pytest.raises(SagesegError, match=f"no probabilities, by which uncertain images are told; {again}$"):
        select(predictions, 1, tmp_path / "out", workers=1)
    stitched = replace(predictions, info={"stitched": {}})
    with pytest.raises(SagesegError, match="stitch with --probabilities, or give the predictions of crops$"):
        select(stitched, 1, tmp_path / "out", workers=1)


def test_a_model_without_names_will_do(tmp_path: Path) -> None:
    select(predict(tmp_path / "p", {"a": 0.6}, classes=False), 1, tmp_path / "out", workers=1)
    assert "in doubt, class 1 most of all;" in table(tmp_path / "out")[0]["reason"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("b(", "--group-by b(: not a regular expression"),
        ("^b", "--group-by ^b: no capture in it"),
        ("^(b)", "a: --group-by ^(b) finds no group in this image's name"),
    ],
)
def test_bad_patterns_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pattern: str, said: str
) -> None:
    predict(tmp_path / "p", {"a": 0.9})
    arguments = ("--count", "1", "--group-by", pattern, "--out", tmp_path / "out")
    assert run(monkeypatch, tmp_path / "p", *arguments) == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    assert line.startswith(f"error: {said}")
    assert not (tmp_path / "out").exists()
