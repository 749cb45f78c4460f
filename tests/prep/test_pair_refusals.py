"""What is wrong with images and masks in folders is one line that names it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.pair_samples import make, read
from tests.support.voc_samples import HEIGHT, add_image, add_mask, rows


def _orphan(root: Path) -> None:
    add_mask(root / "masks" / "z.png", rows(0, 1))


def _two_images(root: Path) -> None:
    add_image(root / "images" / "a.jpeg")


def _two_masks(root: Path) -> None:
    add_mask(root / "masks" / "a.gif", rows(0, 1))


def _jpeg(root: Path) -> None:
    (root / "masks" / "a.png").unlink()
    add_image(root / "masks" / "a.jpg")


def _empty(root: Path) -> None:
    (root / "masks" / "a.png").write_bytes(b"")


def _beyond(root: Path) -> None:
    add_mask(root / "masks" / "a.png", rows(0, 2))


def _twice(root: Path) -> None:
    (root / "classes.txt").write_text("background\ncar\ncar\n")


def _zip(root: Path) -> None:
    shutil.rmtree(root / "masks")
    with ZipFile(root / "masks", "w") as packed:
        packed.writestr("a.png", b"x")


def _no_masks(root: Path) -> None:
    shutil.rmtree(root / "masks")
    (root / "masks").mkdir()


def _gone(root: Path) -> None:
    shutil.rmtree(root / "images")


def _wide(root: Path) -> None:
    add_mask(root / "masks" / "a.png", Image.fromarray(rows(0, 1).astype(np.uint16)))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_orphan, r"masks/z\.png: no image z in .*images; add it, or take the mask away"),
        (_two_images, r"images/a\.jpeg and a\.jpg: two files of one name; remove one"),
        (_two_masks, r"masks/a\.gif and a\.png: two masks of one image; remove one"),
        (_jpeg, r"masks/a\.jpg: JPEG and WebP change the values of masks; expected PNG: export it again"),
        (_empty, r"masks/a\.png: cannot be read as an image \(the file is empty\)"),
        (_beyond, r"masks/a\.png: value 2 is no class: .*classes\.txt has 2 lines"),
        (_twice, r"classes\.txt: classes: 'car' stands twice"),
        (_zip, r"masks: a ZIP archive; expected a folder, .*: unpack it"),
        (_no_masks, r"masks: no .*\.png.* file in it"),
        (_gone, r"images: no such folder"),
        (_wide, r"masks/a\.png: mode I;16, .*, or give values of 16 bits names with --map"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_that_names_it(tmp_path: Path, broken: Callable[[Path], None], message: str) -> None:
    broken(make(tmp_path, "images/{}.jpg", "masks/{}.png"))
    with pytest.raises(SagesegError, match=message) as told:
        read(tmp_path)
    assert "\n" not in str(told.value)


def test_sizes_that_disagree_are_told_with_both(tmp_path: Path) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png")
    add_mask(tmp_path / "masks" / "a.png", rows(0, 1)[:, :-1])
    with pytest.raises(SagesegError, match=rf"masks/a\.png: 19×{HEIGHT} pixels, but a\.jpg has 20×{HEIGHT}"):
        write_dataset(read(tmp_path), tmp_path / "out", PrepOptions(crop=None, workers=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "l.txt", "value_map": "m.csv"}, "--labels and --map: expected one of them"),
        ({"labels": "l.txt", "colors": "c.csv"}, "--labels and --colors: expected one of them"),
        ({"colors": "l.txt"}, r"l\.txt: no colours in it; expected name,red,green,blue in each line, or --labels"),
        ({"coding": "coco", "value_map": "m.csv"}, "--coding coco: expected ade20k"),
        ({"coding": "ade20k"}, "--coding ade20k: .*; pass --map FILE"),
        ({"binary": True, "value_map": "m.csv"}, "--binary and --map: expected one of them"),
        ({"binary": True, "mask_name": "{class}/{stem}"}, r"--mask-name '.*': .*; leave --map and --binary out"),
        ({"image_name": "{class}/{stem}"}, r"--image-name '.*': expected none but the fields \{stem\}.*\{split\}"),
    ],
)
def test_options_that_say_two_things_are_refused(tmp_path: Path, options: dict[str, object], message: str) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png")
    (tmp_path / "l.txt").write_text("car\n")
    files = {"labels", "colors", "value_map"}
    given = {name: tmp_path / str(value) if name in files else value for name, value in options.items()}
    with pytest.raises(SagesegError, match=message):
        read(tmp_path, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [".", "masks"])
def test_cityscapes_table_is_not_for_masks_with_colours_of_their_own(tmp_path: Path, place: str) -> None:
    make(tmp_path, "images/{}.jpg", "masks/{}.png", labels="")
    (tmp_path / place / "label_colors.txt").write_text("0 0 0 background\n64 0 128 car\n")
    with pytest.raises(
        SagesegError, match=r"--map cityscapes: .*label_colors\.txt, as CVAT .*; pass --labels .*txt in its"
    ):
        read(tmp_path, value_map=Path("cityscapes"))
