"""Folders of masks in colours: VOC's palette, Cityscapes' colours, or those of a labelmap.txt beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.masks.reading import read_prediction, read_truth
from analysis.masks.sources import plan_sources
from analysis.plain.opening import open_predictions
from analysis.plain.truth import TruthFolder, open_with_truth
from formats.classes import IGNORE, ClassTable, labelmap, read_labelmap, voc_palette
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.masks import Mask
from formats.predictions import Predictions

STREET: Mask = np.array([[0, 0, 1, 2], [0, 1, 1, 2]], np.uint8)
"""Nothing, car and road."""
CITY = np.array([(0, 0, 0), (0, 0, 142), (128, 64, 128)], np.uint8)
PASTEL = np.array([(0, 0, 0), (200, 120, 80), (70, 180, 150)], np.uint8)
PASTEL_MAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:200,120,80::\nroad:70,180,150::\n"


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def predicted(opened: Predictions, stem: str) -> Mask:
    source = next(each for each in plan_sources(opened, None) if each.stem == stem)
    return read_prediction(opened.root, source, len(opened.classes or ()))


def true(opened: Predictions, dataset: Dataset, stem: str) -> Mask:
    source = next(each for each in plan_sources(opened, dataset) if each.stem == stem)
    return read_truth(dataset.root, source, len(dataset.classes))


def test_cityscapes_colours_are_known_by_the_names_of_the_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "out" / "a_color.png", CITY[STREET])
    save(tmp_path / "truth" / "a_gtFine_color.png", CITY[STREET])
    (tmp_path / "out" / "labels.txt").write_text("background\ncar\nRoad\nbus\n", encoding="utf-8")
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)
    assert predicted(opened, "a").tolist() == STREET.tolist()
    assert true(opened, dataset, "a").tolist() == np.where(STREET, STREET, IGNORE).tolist()
    assert "out: black, and what else is not evaluated, is background" in capsys.readouterr().err


def test_cityscapes_colours_that_nobody_named_have_its_names(tmp_path: Path) -> None:
    save(tmp_path / "out" / "a.png", CITY[STREET])
    opened = open_predictions(tmp_path / "out", workers=1)
    assert opened.classes == ClassTable(("_background_", "road", "car"))
    assert predicted(opened, "a").tolist() == np.array([0, 2, 1])[STREET].tolist()


def test_cityscapes_colours_of_other_classes_are_named(tmp_path: Path) -> None:
    save(tmp_path / "out" / "a.png", CITY[STREET])
    (tmp_path / "out" / "labels.txt").write_text("background\ncar\n", encoding="utf-8")
    with pytest.raises(SagesegError, match=r"has colours of road, and the classes are car; .*labelmap\.txt"):
        open_predictions(tmp_path / "out", workers=1)


@pytest.mark.parametrize("place", ["labelmap.txt", "SegmentationClass/labelmap.txt"])
def test_a_label_map_beside_masks_says_colours_and_classes(tmp_path: Path, place: str) -> None:
    save(tmp_path / "SegmentationClass" / "a.png", PASTEL[STREET])
    save(tmp_path / "ids" / "a_pred.png", STREET)
    (tmp_path / place).write_text(PASTEL_MAP, encoding="utf-8")
    opened, dataset = open_with_truth(tmp_path / "ids", TruthFolder(tmp_path / "SegmentationClass"), workers=1)
    assert dataset.classes.names == ("_background_", "car", "road")
    assert true(opened, dataset, "a").tolist() == STREET.tolist() == predicted(opened, "a").tolist()


def test_a_grey_of_vocs_palette_is_no_level_where_other_masks_have_its_colours(tmp_path: Path) -> None:
    save(tmp_path / "out" / "a.png", voc_palette()[STREET])
    save(tmp_path / "out" / "b.png", voc_palette()[np.where(STREET == 1, 7, 0)])
    opened = open_predictions(tmp_path / "out", workers=1)
    assert opened.classes is not None
    assert opened.classes.names[1:] == ("class_1", "class_2", "class_7")


def test_white_is_the_one_class_that_the_other_folder_has(tmp_path: Path) -> None:
    save(tmp_path / "out" / "a.png", np.where(STREET == 1, 255, 0).astype(np.uint8))
    save(tmp_path / "truth" / "a.png", np.where(STREET == 1, 15, 0).astype(np.uint8))
    opened, dataset = open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)
    assert dataset.classes.names == ("_background_", "class_15")
    assert predicted(opened, "a").tolist() == (STREET == 1).astype(int).tolist()


@pytest.mark.parametrize("white", ["out", "truth"])
def test_white_beside_several_classes_is_refused(tmp_path: Path, white: str) -> None:
    for folder in ("out", "truth"):
        save(tmp_path / folder / "a.png", STREET if folder != white else np.where(STREET, 255, 0).astype(np.uint8))
    with pytest.raises(SagesegError, match=f"{white}: 0 and 255 .* may be any of the classes 1, 2 of the other"):
        open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)


def test_names_on_one_side_and_numbers_on_the_other_are_asked_for(tmp_path: Path) -> None:
    save(tmp_path / "out" / "a.png", STREET)
    save(tmp_path / "truth" / "a.png", CITY[STREET])
    with pytest.raises(SagesegError, match=r"numbers; .* write a labels\.txt into .*out"):
        open_with_truth(tmp_path / "out", TruthFolder(tmp_path / "truth"), workers=1)


def test_colours_and_sizes_that_are_wrong_are_all_counted(tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / "truth" / f"a{number}.png", STREET)
        save(tmp_path / "colours" / f"a{number}.png", np.full((2, 4, 3), (number, 3, 9), np.uint8))
        save(tmp_path / "sizes" / f"a{number}.png", STREET[:1])
    with pytest.raises(SagesegError, match=r"\(0,3,9\), .*\(9,3,9\) … is not in VOC's .* so in 12 masks: a0\.png"):
        open_with_truth(tmp_path / "colours", TruthFolder(tmp_path / "truth"), workers=1)
    with pytest.raises(SagesegError, match=r"4×1 pixels, but a0\.png has 4×2; .*\(1 of 12 faults:"):
        open_with_truth(tmp_path / "sizes", TruthFolder(tmp_path / "truth"), workers=1)


def test_a_label_map_is_read_as_it_is_written(tmp_path: Path) -> None:
    classes = ClassTable(("_background_", "car", "traffic light"))
    path = tmp_path / "labelmap.txt"
    path.write_text(labelmap(classes) or "", encoding="utf-8-sig")
    read, ids = read_labelmap(path)
    assert read == classes
    assert ids == {classes.colour(class_id): class_id for class_id in (0, 1, 2, IGNORE)}


@pytest.mark.parametrize("line", ["car", "car:1,2::", "car:1,2,256::", "bus:0,0,0::"])
def test_a_label_map_with_a_wrong_line_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "labelmap.txt"
    path.write_text(f"background:0,0,0::\n{line}\n", encoding="utf-8")
    with pytest.raises(SagesegError, match=line):
        read_labelmap(path)
