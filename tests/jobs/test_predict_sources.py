"""Images, folders and videos predicted side by side, and masks that are stitched at once."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.masks.stitch import stitch
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import encode_image, read_image
from formats.masks import read_mask
from formats.predictions import open_predictions
from jobs.prediction.options import PredictOptions, RouteOptions
from jobs.prediction.predict import predict
from jobs.prediction.sources import open_sources
from tests.support.bright_model import Brightness, stand_in
from tests.support.clips import drawn
from tests.support.dataset_samples import make_dataset
from tests.support.typed_commands import Ran, typed

SIZE = (40, 60)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Brightness:
    return stand_in(monkeypatch)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Five images in two folders, two of them of one name, and what is none."""
    for number, name in enumerate(("a.jpg", "day/b.jpg", "day/c.jpg", "night/b.jpg", "night/d.png")):
        path = tmp_path / "shots" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_image(np.random.default_rng(number).integers(0, 256, (*SIZE, 3), np.uint8)))
    (tmp_path / "shots/notes.txt").write_text("no image")
    return tmp_path


def ids(predictions: Path) -> dict[str, str]:
    return {row.source: row.id for row in open_predictions(predictions).rows}


SHOWN = {
    "one image": (["shots/day/b.jpg"], {"b.jpg": "b"}),
    "several": (["shots/day/b.jpg", "shots/a.jpg"], {"day/b.jpg": "b", "a.jpg": "a"}),
    "one image by three paths": (["shots/day/b.jpg", "shots/night/../day/b.jpg", "./shots/day/b.jpg"], {"b.jpg": "b"}),
    "above the current folder": (
        ["../{here}/shots/a.jpg", "shots/day"],
        {"a.jpg": "a", "day/b.jpg": "b", "day/c.jpg": "c"},
    ),
    "equal names": (["shots/day/b.jpg", "shots/night/b.jpg"], {"day/b.jpg": "day_b", "night/b.jpg": "night_b"}),
    "a folder and an image in it": (["shots/day", "shots/day/b.jpg"], {"b.jpg": "b", "c.jpg": "c"}),
    "two folders": (
        ["shots/night", "shots/day"],
        {"night/b.jpg": "night_b", "night/d.png": "d", "day/b.jpg": "day_b", "day/c.jpg": "c"},
    ),
}


@pytest.mark.parametrize("case", SHOWN)
def test_what_is_named_is_predicted_each_image_once(
    case: str, desk: Path, model: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    named, expected = SHOWN[case]
    places = [Path(name.format(here=desk.name)) for name in named]
    predict("cars", places, Path("out"), PredictOptions(crop=None), RouteOptions())
    assert ids(Path("out")) == expected
    assert model.seen == len(expected)


def test_where_the_images_are_is_told_for_what_draws_on_them(desk: Path, model: Brightness) -> None:
    ran = typed(["jobs", "predict", "cars", "shots/day", "shots/a.jpg", "--out", "out", "--crop", "none"], desk)
    assert ran.returncode == 0, ran.stderr
    assert f"overlay, cutout and others find the images of these predictions in {desk / 'shots'}\n" in ran.stderr
    drawing = typed(["analysis", "overlay", "out", str(desk / "shots"), "--out", "tinted"], desk)
    assert drawing.returncode == 0, drawing.stderr
    assert len(list((desk / "tinted").rglob("*.jpg")) + list((desk / "tinted").rglob("*.png"))) >= 3


@pytest.mark.parametrize(
    ("named", "options", "problem"),
    [
        (["shots/absent.jpg"], {}, r"shots/absent\.jpg: not found; expected a dataset, images, folders"),
        (["shots/a.jpg", "shots/notes.txt"], {}, r"shots/notes\.txt: not a name of an image; expected \.bmp"),
        (["shots", "dataset"], {}, "dataset: a dataset, which is predicted by itself; name it alone"),
        (["films"], {}, r"films: holds a video, drive\.mp4; name the video itself"),
        (["shots/a.jpg"], {"every": 2}, r"--every 2: only for a video, and shots/a\.jpg is none"),
        (["dataset"], {"fps": 25.0}, "--fps 25: only for a video, and dataset is none"),
        (["shots/a.jpg", "shots/day"], {"split": "train"}, r"--split: only for a dataset; shots/a\.jpg is none"),
        (["films/drive.mp4", "more/drive.mp4"], {}, "drive: the name of two videos, and frames are named by theirs"),
        (["s3://bucket/shots"], {}, r"s3:/bucket/shots: images to predict are read from this machine; .*aws s3 cp"),
        (["https://example.com/a.jpg"], {}, r"a\.jpg: images to predict are read from this machine; .*curl"),
        (["films/drive.mp4"], {}, r"films/drive\.mp4: cannot be read as a video"),
    ],
)
def test_what_cannot_be_predicted_is_named_first(
    named: list[str], options: dict[str, object], problem: str, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    make_dataset(desk / "dataset", {"a_01": (np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, np.uint8))})
    for name in ("films", "more"):
        Path(name).mkdir()
        Path(name, "drive.mp4").write_bytes(b"x")
    with pytest.raises(SagesegError, match=problem):
        open_sources([Path(name) for name in named], Path("frames"), PredictOptions(**options))  # type: ignore[arg-type]
    assert not Path("frames").exists()


def test_frames_of_a_video_are_named_and_kept_as_prep_frames_does(
    desk: Path, model: Brightness, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(desk / "drive.avi")
    every_fifth = PredictOptions(crop=None, every=5)
    predict("cars", [desk / "drive.avi"], desk / "out", every_fifth, RouteOptions())
    names = [f"drive_b0000_f{number:06}" for number in (0, 5, 10, 15)]
    assert list(ids(desk / "out").values()) == names
    with (desk / "out-frames/frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["frame"], row["seconds"]) for row in rows] == [
        (f"{name}.jpg", str(number), f"{number / 20:.3f}") for name, number in zip(names, (0, 5, 10, 15), strict=True)
    ]
    assert read_image(desk / "out-frames" / f"{names[1]}.jpg").shape == (72, 96, 3)
    before = (desk / "out-frames" / f"{names[0]}.jpg").stat().st_mtime_ns
    again = PredictOptions(crop=None, every=5, overwrite=True)
    predict("cars", [desk / "drive.avi"], desk / "out", again, RouteOptions())
    assert (desk / "out-frames" / f"{names[0]}.jpg").stat().st_mtime_ns == before
    assert "out-frames: holds the frames already: 4" in capsys.readouterr().err
    predict("cars", [desk / "drive.avi"], desk / "out", PredictOptions(crop=None, overwrite=True), RouteOptions())
    assert len(ids(desk / "out")) == 20


def test_frames_and_images_stand_side_by_side_and_a_strangers_folder_is_left(desk: Path, model: Brightness) -> None:
    drawn(desk / "drive.avi")
    (desk / "out-frames").mkdir()
    (desk / "out-frames/mine.txt").write_text("mine")
    named, options = [desk / "shots/day", desk / "drive.avi"], PredictOptions(crop=None, every=10)
    with pytest.raises(SagesegError, match="out-frames: exists already"):
        predict("cars", named, desk / "out", options, RouteOptions())
    predict("cars", named, desk / "other", options, RouteOptions())
    assert list(ids(desk / "other")) == [
        "shots/day/b.jpg",
        "shots/day/c.jpg",
        "other-frames/drive_b0000_f000000.jpg",
        "other-frames/drive_b0000_f000010.jpg",
    ]


def stitched(desk: Path, *words: str) -> Ran:
    return typed(["jobs", "predict", "cars", "shots", "--out", "masks", "--crop", "32", "--stitch", *words], desk)


@pytest.mark.parametrize("probabilities", [False, True])
def test_stitching_at_once_is_predicting_and_then_stitching(probabilities: bool, desk: Path, model: Brightness) -> None:
    ran = stitched(desk, *(["--probabilities"] if probabilities else []))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "masks/masks\n"
    options = PredictOptions(crop=32, probabilities=probabilities)
    predict("cars", [desk / "shots"], desk / "crops", options, RouteOptions())
    stitch(open_predictions(desk / "crops"), None, desk / "apart", probabilities=probabilities, workers=1)
    names = {path.relative_to(desk / "apart") for path in (desk / "apart").rglob("*") if path.is_file()}
    assert {path.relative_to(desk / "masks") for path in (desk / "masks").rglob("*") if path.is_file()} == names
    for name in names - {Path("predictions.json")}:
        assert (desk / "masks" / name).read_bytes() == (desk / "apart" / name).read_bytes()
    assert read_mask(desk / "masks/masks/a.png").shape == SIZE
    assert not (desk / "masks.crops").exists()


def test_a_datasets_dropped_crops_are_known_to_what_is_stitched(tmp_path: Path, model: Brightness) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:32, :32] = 1
    make_dataset(tmp_path / "dataset", {"a_01": (np.zeros((64, 64, 3), np.uint8), mask)}, crop=32)
    split = open_dataset(tmp_path / "dataset").rows[0].split
    words = ["jobs", "predict", "cars", "dataset", "--split", split, "--out", "masks", "--stitch"]
    ran = typed(words, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert read_mask(tmp_path / "masks/masks/a_01.png").shape == (64, 64)


def test_what_was_interrupted_goes_on_where_it_was(
    desk: Path, model: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.fails_at = 7
    assert "the model failed" in stitched(desk).stderr
    assert not (desk / "masks").exists()
    assert len(list((desk / "masks.crops.sageseg-partial/content/masks").glob("*.png"))) == 7
    model.seen = 0
    with monkeypatch.context() as broken:
        broken.setattr("analysis.masks.stitch.write_mask_rows", fails)
        broken.setattr("formats.parallel.available_cores", lambda: 1)
        assert "no space left" in stitched(desk).stderr
    asked = model.seen
    assert 0 < asked < 40
    assert not (desk / "masks").exists()
    assert (desk / "masks.crops/masks").is_dir()
    ran = stitched(desk)
    assert ran.returncode == 0, ran.stderr
    assert "masks.crops: predicted already; goes on with stitching" in ran.stderr
    assert model.seen == asked
    assert not (desk / "masks.crops").exists()


def fails(*_: object, **_options: object) -> None:
    raise SagesegError("no space left")


@pytest.mark.parametrize("change", ["image", "option"])
def test_crops_of_another_call_are_predicted_again(
    change: str, desk: Path, model: Brightness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("analysis.masks.stitch.stitch", fails)
        stitched(desk)
    model.seen = 0
    if change == "image":
        (desk / "shots/new.jpg").write_bytes(encode_image(np.zeros((*SIZE, 3), np.uint8)))
    ran = stitched(desk, *(["--overlap", "8"] if change == "option" else []))
    assert ran.returncode == 0, ran.stderr
    assert model.seen > 0
    assert len(open_predictions(desk / "masks").rows) == (6 if change == "image" else 5)
