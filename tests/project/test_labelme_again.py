"""What `analysis labelme` writes is read by `prep labelme` as it stands: labels to predictions and back to labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.exports.labelme import export_labelme
from formats.dataset import open_dataset
from formats.images import encode_image
from formats.masks import read_mask
from tests.support.dataset_samples import make_predictions
from tests.support.labelme_samples import HEIGHT, WIDTH, noise, shape, write_json
from tests.support.typed_commands import typed

BOXES = {"zebra": [[4, 4], [20, 20]], "_background_": [[8, 8], [12, 12]], "ant": [[30, 10], [50, 30]]}


def label(root: Path) -> None:
    """Two images in each of two folders, with their files beside them; the list is in no order of the alphabet."""
    for folder in ("one", "two"):
        (root / "photos" / folder).mkdir(parents=True)
        for stem in "ab":
            (root / "photos" / folder / f"{folder}{stem}.jpg").write_bytes(encode_image(noise(ord(stem))))
            shapes = [shape(name, box, "rectangle") for name, box in BOXES.items()]
            write_json(root / "photos" / folder / f"{folder}{stem}.json", shapes)
    (root / "labels.txt").write_text("zebra\nant\n")


def prepare(root: Path, *words: str) -> None:
    ran = typed(["prep", "labelme", *words, "--crop", "none"], root)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("way", "moved"),
    [("pointed at", False), ("named", False), ("named", True), ("copied beside", False), ("copied beside", True)],
)
def test_labels_come_back_from_predictions(tmp_path: Path, way: str, moved: bool) -> None:
    label(tmp_path)
    prepare(tmp_path, "photos", "--labels", "labels.txt", "--out", "first", "--val", "1")
    first = open_dataset(tmp_path / "first")
    masks = {row.source_stem: read_mask(first.mask_path(row.id)) for row in first.rows}
    predictions = make_predictions(tmp_path / "p", first, masks)
    beside = way == "copied beside"
    images = None if beside else tmp_path / "photos"
    export_labelme(predictions, tmp_path / "drawn", images=images, tolerance=0, workers=1)
    for path in (tmp_path / "photos").rglob("*.jpg") if beside else ():
        path.rename(tmp_path / "drawn" / path.name)
    drawn = "elsewhere/drawn" if moved else "drawn"
    if moved:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "drawn").rename(tmp_path / drawn)
    prepare(tmp_path, drawn, *(["--images", "photos"] if way == "named" else []), "--out", "again", "--val", "1")
    again = open_dataset(tmp_path / "again")
    assert again.classes == first.classes
    assert {row.source_stem for row in again.rows} == masks.keys()
    for row in again.rows:
        assert np.array_equal(read_mask(again.mask_path(row.id)), masks[row.source_stem])
        assert masks[row.source_stem].shape == (HEIGHT, WIDTH)
