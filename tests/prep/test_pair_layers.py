"""Masks of one class each, laid over each other."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import STORED, PrepOptions
from prep.readers.orientation import settle_orientations
from prep.readers.pairs.layers import Layer, LayeredMask
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.pair_samples import STEMS, columns, read
from tests.support.voc_samples import WIDTH, add_image, add_mask, rows, whole


def one_per_class(root: Path, pattern: str, drawn: dict[str, np.ndarray]) -> Path:
    for stem in STEMS:
        add_image(root / "images" / f"{stem}.jpg")
        for name, flags in drawn.items():
            add_mask(root / "masks" / f"{pattern.format(stem=stem, name=name)}.png", flags)
    return root


LAYERS = {"traffic_light": rows(0, 255, 255), "car": rows(255, 255, 0)}


@pytest.mark.parametrize(
    ("pattern", "mask_name"),
    [
        ("{name}/{stem}", "{class}/{stem}"),
        ("{stem}/{name}", "{stem}/{class}"),
        ("{stem}_{name}", "{stem}_{class}"),
        ("m-{name}-{stem}", "m-{class}-{stem}"),
    ],
)  # fmt: skip
def test_one_mask_per_class_later_over_earlier(
    tmp_path: Path, pattern: str, mask_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = read(one_per_class(tmp_path, pattern, LAYERS), mask_name=mask_name)
    assert source.classes.names == ("_background_", "car", "traffic_light")
    assert columns(source) == {f"{stem}.jpg": [1, 2, 2, 0] for stem in STEMS}
    assert {image.attributes["overlap_pixels"] for image in source.images} == {str(WIDTH)}
    told = capsys.readouterr().err
    assert "the classes are those of the masks' names, car, traffic_light; pass --labels for another order" in told
    assert f"masks of different classes overlap in {3 * WIDTH} pixels of 3 image(s)" in told
    (tmp_path / "order.txt").write_text("traffic_light\ncar\n")
    source = read(tmp_path, mask_name=mask_name, labels=tmp_path / "order.txt")
    assert columns(source)["a.jpg"] == [2, 2, 1, 0]


def test_a_mask_of_ignore_lies_over_all(tmp_path: Path) -> None:
    drawn = {**LAYERS, "__ignore__": rows(0, 0, 1, 1)}
    source = read(one_per_class(tmp_path, "{stem}_{name}", drawn), mask_name="{stem}_{class}")
    assert columns(source)["a.jpg"] == [1, 2, 255, 255]


def test_images_that_lack_a_class_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    (tmp_path / "masks" / "car" / "a.png").unlink()
    source = read(tmp_path, mask_name="{class}/{stem}")
    assert columns(source)["a.jpg"] == [0, 2, 2, 0]
    assert "1 image(s) lack the mask of a class and have no pixel of it, such as" in capsys.readouterr().err


def test_classes_in_names_are_settled_by_what_is_there(tmp_path: Path) -> None:
    for stem in ("a", "a_red"):
        add_image(tmp_path / "images" / f"{stem}.jpg")
    add_mask(tmp_path / "masks" / "a_car.png", rows(255))
    add_mask(tmp_path / "masks" / "a_red_car.png", rows(0, 255))
    with pytest.raises(
        SagesegError, match=r"a_red_car\.png: may be car of a_red or red_car of a; name the classes with"
    ):
        read(tmp_path, mask_name="{stem}_{class}")
    (tmp_path / "l.txt").write_text("car\n")
    source = read(tmp_path, mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"a.jpg": [1, 0, 0, 0], "a_red.jpg": [0, 1, 0, 0]}


def test_a_class_at_the_end_of_an_image_makes_no_mask_of_it(tmp_path: Path) -> None:
    for stem in ("a", "a_1"):
        add_image(tmp_path / "all" / f"{stem}.jpg")
        add_mask(tmp_path / "all" / f"{stem}_car.png", rows(0, 255))
    (tmp_path / "l.txt").write_text("car\n")
    source = read(tmp_path, "all", "all", mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"a.jpg": [0, 1, 0, 0], "a_1.jpg": [0, 1, 0, 0]}
    for stem in ("a", "a_1"):
        (tmp_path / "all" / f"{stem}.jpg").unlink()
        add_image(tmp_path / "all" / f"{stem}.png")
    source = read(tmp_path, "all", "all", mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert set(columns(source)) == {"a.png", "a_1.png"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_and_classes_pair_whichever_way_letters_are_composed(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    def spelled(text: str) -> str:
        return unicodedata.normalize(form, text)

    add_image(tmp_path / "images" / "größe_é.jpg")
    add_mask(tmp_path / "masks" / f"{spelled('größe_é_schiène')}.png", rows(255))
    (tmp_path / "l.txt").write_text("schiène\n")
    source = read(tmp_path, mask_name="{stem}_{class}", labels=tmp_path / "l.txt")
    assert columns(source) == {"größe_é.jpg": [1, 0, 0, 0]}


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_masks_of_a_class_turn_with_the_image(tmp_path: Path, orientation: int) -> None:
    upright = np.random.default_rng(1).integers(0, 256, (12, 20, 3), np.uint8)
    drawn = np.zeros((12, 20), np.uint8)
    drawn[2:5, 3:17] = 255
    (tmp_path / "images").mkdir()
    content = with_orientation(as_stored(upright, orientation), orientation)
    (tmp_path / "images" / "a.jpg").write_bytes(content)
    for name, flags in (("car", drawn), ("road", drawn[::-1, ::-1])):
        add_mask(tmp_path / "masks" / name / "a.png", as_stored(flags, orientation))
    source = read(tmp_path, mask_name="{class}/{stem}")
    (image,) = settle_orientations(source.images, STORED)
    expected = np.where(drawn[::-1, ::-1] > 0, 2, np.where(drawn > 0, 1, 0))
    assert (image.mask.read() == expected).all()


def _of_other_size(root: Path) -> None:
    add_mask(root / "masks" / "car" / "a.png", rows(255)[:-1])


def _of_many_levels(root: Path) -> None:
    add_mask(root / "masks" / "car" / "a.png", rows(9, 99, 255))


def _of_unknown_class(root: Path) -> None:
    add_mask(root / "masks" / "cra" / "a.png", rows(255))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            _of_other_size,
            r"masks/traffic_light/a\.png: 20×16 pixels, but .*car/a\.png has 20×15; the masks of one image",
        ),
        (_of_many_levels, r"masks/car/a\.png: it has the colours .*; expected two colours"),
        (_of_unknown_class, r"masks/cra/a\.png: label 'cra' is not in .*l\.txt; the nearest there is 'car'"),
    ],
)
def test_broken_masks_of_a_class_are_told(tmp_path: Path, broken: Callable[[Path], None], message: str) -> None:
    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    (tmp_path / "l.txt").write_text("car\ntraffic_light\n")
    broken(tmp_path)
    with pytest.raises(SagesegError, match=message):
        read(tmp_path, mask_name="{class}/{stem}", labels=tmp_path / "l.txt")


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=4))
def test_each_pixel_is_of_the_last_class_that_is_white_there(
    tmp_path_factory: pytest.TempPathFactory, flags: list[list[bool]]
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    layers = []
    for number, row in enumerate(flags, start=1):
        Image.fromarray(np.array([row, [True, False] * 3], np.uint8) * 255).save(folder / f"{number}.png")
        layers.append(Layer(folder / f"{number}.png", number, 0, 0))
    expected = [max((number for number, row in enumerate(flags, start=1) if row[x]), default=0) for x in range(6)]
    assert LayeredMask(tuple(layers)).read()[0].tolist() == expected


def test_a_mask_of_a_class_that_changed_is_read_again(tmp_path: Path) -> None:
    def made() -> bytes:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        source = read(tmp_path, mask_name="{class}/{stem}")
        write_dataset(source, out, PrepOptions(crop=None, val=1, workers=1))
        return (out / "SegmentationClass" / "a.png").read_bytes()

    one_per_class(tmp_path, "{name}/{stem}", LAYERS)
    broken = tmp_path / "images" / "c d.jpg"
    whole_image = broken.read_bytes()
    broken.write_bytes(b"no image")
    with pytest.raises(SagesegError, match=r"c d\.jpg: cannot be read"):
        made()
    broken.write_bytes(whole_image)
    add_mask(tmp_path / "masks" / "traffic_light" / "a.png", whole(255))
    made()
    assert (read_mask(tmp_path / "out" / "SegmentationClass" / "a.png") == 2).all()
