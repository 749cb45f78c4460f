"""Which files, names and folders of Carvana's are taken, and what is the car in every kind of mask."""

import shlex
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.dataset import open_dataset
from formats.images import encode_image, is_plain_jpeg, read_image
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from prep.recognise.recognise import recognise
from tests.support.carvana_samples import ANGLES, CARS, draw, mask_of, prepare, shoot_in
from tests.support.prep_samples import digests


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    return shoot_in(tmp_path)


def _palette(mask: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(mask)
    image.putpalette(colours)
    return image


WAYS: dict[str, Callable[[np.ndarray], Image.Image]] = {
    "_mask.gif with black first": lambda mask: _palette(mask, [0, 0, 0, 255, 255, 255]),
    "_mask.gif with white first": lambda mask: _palette(1 - mask, [255, 255, 255, 0, 0, 0]),
    "_mask.gif with white last": lambda mask: _palette(mask * 255, [0, 0, 0] * 255 + [255, 255, 255]),
    "_mask.gif from RGB": lambda mask: Image.fromarray(np.repeat(mask[..., None] * 255, 3, 2)),
    "_mask.png of greys": lambda mask: Image.fromarray(mask * 255),
    "_mask.png of 0 and 1": Image.fromarray,
    "_mask.png of one bit": lambda mask: Image.fromarray(mask * 255).convert("1"),
    "_mask.png with white first": lambda mask: _palette(1 - mask, [255, 255, 255, 0, 0, 0]),
    "_mask.png of colours": lambda mask: Image.fromarray(np.repeat(mask[..., None] * 255, 3, 2)),
    "_mask.bmp of greys": lambda mask: Image.fromarray(mask * 255),
    "_mask.tif of one bit": lambda mask: Image.fromarray(mask * 255).convert("1"),
    "_MASK.PNG of greys": lambda mask: Image.fromarray(mask * 255),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("show", ["car", "all car", "no car"])
def test_white_is_the_car_whatever_its_value(shoot: Path, way: str, show: str) -> None:
    mask = {"car": mask_of(0), "all car": np.ones_like(mask_of(0)), "no car": np.zeros_like(mask_of(0))}[show]
    for path in (shoot / "masks").glob(f"{CARS[0]}_01_mask.*"):
        path.unlink()
    WAYS[way](mask).save(shoot / "masks" / f"{CARS[0]}_01{way.partition(' ')[0]}")
    read = {image.source: image.mask.read() for image in read_carvana(*folders(shoot), None, None).images}
    assert np.array_equal(read[f"{CARS[0]}_01.jpg"], mask)
    assert np.array_equal(read[f"{CARS[0]}_02.jpg"], mask_of(1))  # GIFs and PNGs may be mixed


def folders(shoot: Path) -> tuple[Path, Path]:
    return shoot / "images", shoot / "masks"


def test_names_pair_whichever_way_their_letters_are_composed(tmp_path: Path) -> None:
    draw(tmp_path, ("größe", "b"))
    for path in (tmp_path / "masks").iterdir():
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    images = read_carvana(*folders(tmp_path), None, None).images
    assert [unicodedata.is_normalized("NFC", image.mask.path.name) for image in images] == [True, True, False, False]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_that_are_not_rgb_are_encoded_once(shoot: Path, tmp_path: Path, mode: str) -> None:
    path = shoot / "images" / f"{CARS[0]}_01.jpg"
    with Image.open(path) as image:
        image.convert(mode).save(path)
    dataset = open_dataset(prepare(shoot, tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    written = dataset.image_path(path.stem).read_bytes()
    assert written == encode_image(read_image(path))
    assert is_plain_jpeg(written)


def test_names_may_hold_spaces_quotes_and_any_letters(tmp_path: Path) -> None:
    images, _ = draw(tmp_path / "shoot", ('it\'s a "grüße" 日本', "b, c", "d"))
    dataset = open_dataset(prepare(tmp_path / "shoot", tmp_path / "dataset", PrepOptions(crop=None, workers=1)))
    assert {row.source for row in dataset.rows} == {path.name for path in images.iterdir()}
    assert {row.group for row in dataset.rows} == {'it\'s a "grüße" 日本', "b, c", "d"}


def test_images_of_every_kind_count_and_the_rest_is_said(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = shoot / "images" / f"{CARS[0]}_01.jpg"
    Image.open(first).save(first.with_suffix(".bmp"))
    first.unlink()
    (shoot / "images" / "notes.txt").touch()
    (shoot / "images" / f"._{CARS[0]}_02.jpg").touch()
    source = read_carvana(shoot / "images", shoot / "masks", None, None)
    assert len(source.images) == len(CARS) * len(ANGLES)
    assert "images found: 6; left out as no image: 1 .txt, 1 hidden" in capsys.readouterr().err


def test_images_and_masks_may_lie_in_one_folder(shoot: Path) -> None:
    for path in (shoot / "masks").iterdir():
        path.rename(shoot / "images" / path.name)
    source = read_carvana(shoot / "images", shoot / "images", None, None)
    assert [image.source for image in source.images] == sorted(f"{car}_{angle}.jpg" for car in CARS for angle in ANGLES)


@pytest.mark.parametrize("beside", [False, True])
def test_a_folder_for_each_car_is_read(shoot: Path, tmp_path: Path, beside: bool) -> None:
    flat = prepare(shoot, tmp_path / "flat")
    for path in (*(shoot / "images").iterdir(), *(shoot / "masks").iterdir()):
        root = tmp_path / "by car" / ("images" if beside else path.parent.name)
        (root / path.name.partition("_")[0]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / path.name.partition("_")[0])
    images, masks = (tmp_path / "by car" / name for name in ("images", "images" if beside else "masks"))
    (found,) = recognise(tmp_path / "by car")
    assert found.command == shlex.join(["sageseg", "prep", "carvana", str(images), str(masks), "--out", "DATASET"])
    write_dataset(read_carvana(images, masks, None, None), tmp_path / "out", PrepOptions(crop=64, workers=1))
    assert {row.group for row in open_dataset(tmp_path / "out").rows} == set(CARS)
    assert digests(flat / "SegmentationClass") == digests(tmp_path / "out" / "SegmentationClass")
