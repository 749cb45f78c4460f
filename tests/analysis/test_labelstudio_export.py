"""Predictions as tasks of Label Studio: read again they are the masks. In `make oracles` the SDK reads run lengths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from analysis.exports.labelstudio import Names, address_of, export_labelstudio, labelling_config
from formats.classes import ClassTable
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import ModelFacts, Predictions
from prep.readers.labelstudio.reader import read_labelstudio
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions, write_shares
from tests.support.labelstudio_samples import write_images
from tests.support.typed_commands import typed

CLASSES = ClassTable(("_background_", "car", 'a "b" & <c>', "tree"))
LOCAL = "/data/local-files/?d="


def noise(seed: int, width: int, height: int, largest: int) -> Mask:
    """Blocks of classes and single pixels."""
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.integers(0, largest + 1, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8), int))
    mask: Mask = blocks[:height, :width].astype(np.uint8)
    mask[rng.random(mask.shape) < 0.1] = rng.integers(0, largest + 1)
    return mask


def predict(
    folder: Path, masks: dict[str, Mask], *, crop: int | None = 32, model: ModelFacts | None = None
) -> Predictions:
    images = {stem: (disc_image(mask.shape[1], mask.shape[0])[0], mask) for stem, mask in masks.items()}
    dataset = make_dataset(folder / "d", images, crop=crop, classes=CLASSES, suffix=".png")
    return make_predictions(folder / "p", dataset, masks, dropped_too=True, model=model)


MASKS = {
    "a_1": noise(1, 70, 50, 3),
    "a_2": noise(2, 33, 64, 1),
    "a_3": np.zeros((20, 30), np.uint8),
    "a_4": np.full((40, 40), 2, np.uint8),
}


@pytest.mark.parametrize("crop", [32, None])
def test_what_is_written_is_read_again_as_the_same_masks(tmp_path: Path, crop: int | None) -> None:
    done = export_labelstudio(predict(tmp_path, MASKS, crop=crop), tmp_path / "tasks.json", image_url=LOCAL, workers=1)
    assert (done.images, done.regions) == (4, 3 + 1 + 0 + 1)
    for stem, mask in MASKS.items():
        write_images(tmp_path / "images", f"{stem}.png", size=(mask.shape[1], mask.shape[0]))
    source = read_labelstudio(
        tmp_path / "tasks.json", tmp_path / "images", tmp_path / "p" / "labels.txt", use_predictions=True, workers=1
    )
    assert source.classes == CLASSES
    assert {Path(image.source).stem for image in source.images} == MASKS.keys()
    for image in source.images:
        assert np.array_equal(image.mask.read(), MASKS[Path(image.source).stem]), image.source
        assert image.attributes == {"overlap_pixels": "0"}


def test_a_task_is_what_label_studio_imports(tmp_path: Path) -> None:
    model = ModelFacts(artefact="/x/best/model.tar.gz")
    predictions = predict(tmp_path, {"a 1": MASKS["a_1"]}, crop=None, model=model)
    write_shares(predictions, 0.75)
    names = Names("photo", "shown", "tag")
    export_labelstudio(predictions, tmp_path / "tasks.json", image_url=LOCAL, names=names, workers=1)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"] == {"photo": "/data/local-files/?d=a%201.png"}
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("model.tar.gz", 0.75)
    assert [result["value"]["brushlabels"] for result in prediction["result"]] == [[name] for name in CLASSES.names[1:]]
    assert len({result["id"] for result in prediction["result"]}) == 3
    first = prediction["result"][0]
    assert (first["type"], first["from_name"], first["to_name"]) == ("brushlabels", "tag", "shown")
    assert (first["original_width"], first["original_height"], first["image_rotation"]) == (70, 50, 0)
    assert first["value"]["format"] == "rle"
    assert all(type(number) is int and 0 <= number < 256 for number in first["value"]["rle"])


def test_without_probabilities_there_is_no_score(tmp_path: Path) -> None:
    export_labelstudio(predict(tmp_path, MASKS), tmp_path / "tasks.json", image_url=LOCAL, workers=1)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert {key for task in tasks for key in task["predictions"][0]} == {"model_version", "result"}
    assert {task["predictions"][0]["model_version"] for task in tasks} == {"sample-job"}


def test_the_configuration_names_what_the_tasks_name() -> None:
    view = ET.fromstring(labelling_config(CLASSES, Names("photo", "shown", "tag")))  # noqa: S314  # our own
    image, brush = view.find("Image"), view.find("BrushLabels")
    assert image is not None
    assert brush is not None
    assert (image.get("name"), image.get("value")) == ("shown", "$photo")
    assert (brush.get("name"), brush.get("toName")) == ("tag", "shown")
    labels = [(label.get("value"), label.get("background")) for label in brush]
    assert labels == [("car", "#800000"), ('a "b" & <c>', "#008000"), ("tree", "#808000")]


@pytest.mark.parametrize(
    ("path", "url", "address"),
    [
        ("x/a b+c.jpg", LOCAL + "shoot/", LOCAL + "shoot/x/a%20b%2Bc.jpg"),
        ("x/a b.jpg", "https://host/p/", "https://host/p/x/a%20b.jpg"),
        ("x/a b.jpg", "s3://bucket/p/", "s3://bucket/p/x/a b.jpg"),
        ("ä.jpg", "", "%C3%A4.jpg"),
    ],
)
def test_addresses(path: str, url: str, address: str) -> None:
    assert address_of(path, url) == address


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    predictions = predict(tmp_path, {"a_3": MASKS["a_3"]})
    out = tmp_path / "o"
    out.mkdir()
    config = out / "config.xml"
    config.write_text("mine")
    with pytest.raises(SagesegError, match=r"config\.xml: exists already; choose another --out or add --overwrite"):
        export_labelstudio(predictions, out / "tasks.json", image_url=LOCAL, workers=1)
    assert [path.name for path in out.iterdir()] == ["config.xml"]
    export_labelstudio(predictions, out / "tasks.json", image_url=LOCAL, overwrite=True, workers=1)
    assert config.read_text() != "mine"
    config.unlink()
    with pytest.raises(SagesegError, match=r"tasks\.json: exists already"):
        export_labelstudio(predictions, out / "tasks.json", image_url=LOCAL, workers=1)
    nameless = Predictions(predictions.root, predictions.rows, None, {})
    with pytest.raises(SagesegError, match=r"labels\.txt: not found; Label Studio needs"):
        export_labelstudio(nameless, tmp_path / "x.json", image_url=LOCAL)


def test_a_broken_mask_leaves_nothing_half_written(tmp_path: Path) -> None:
    predictions = predict(tmp_path, MASKS)
    predictions.mask_path(predictions.rows[-1].id).write_bytes(b"no mask")
    out = tmp_path / "o"
    out.mkdir()
    with pytest.raises(SagesegError, match="cannot be read as a mask"):
        export_labelstudio(predictions, out / "tasks.json", image_url=LOCAL, workers=1)
    assert list(out.iterdir()) == []


def test_the_verb(tmp_path: Path) -> None:
    predict(tmp_path, MASKS)
    words: tuple[Any, ...] = (
        "analysis",
        "labelstudio",
        "p",
        "--out",
        "tasks.json",
        "--image-url",
        "s3://b/",
        "--workers",
        "1",
    )
    done = typed(words, tmp_path)
    assert (done.returncode, done.stdout) == (0, "tasks.json\n"), done.stderr
    assert "5 brushes of 4 images" in done.stderr
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["data"] == {"image": "s3://b/a_1.png"}
    assert (tmp_path / "config.xml").is_file()
