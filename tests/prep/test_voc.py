"""VOC's layout is taken over as it is; colours of CVAT and Datumaro are mapped by labelmap.txt."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.classes import voc_palette
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import encode_mask, read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.label_list import read_label_map
from prep.readers.voc import read_voc

WIDTH, HEIGHT = 20, 16


def ids(*values: int) -> np.ndarray:
    """A mask with one row of each value."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for row, value in enumerate(values):
        mask[row] = value
    return mask


def add(root: Path, stem: str, mask: bytes, suffix: str = ".jpg") -> None:
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(stem)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    if suffix == ".jpg":
        (root / "JPEGImages" / f"{stem}.jpg").write_bytes(encode_image(pixels))
    else:
        Image.fromarray(pixels).save(root / "JPEGImages" / f"{stem}{suffix}")
    (root / "SegmentationClass" / f"{stem}.png").write_bytes(mask)


def image_set(root: Path, split: str, *stems: str) -> None:
    (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in stems))


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    for stem in ("2007_000032", "2007.v2 b", "x"):
        add(tmp_path / "voc", stem, encode_mask(ids(0, 1, 20, 255)))
    return tmp_path / "voc"


def test_masks_and_images_are_copied_where_nothing_is_cut(voc: Path, tmp_path: Path) -> None:
    odd_palette = Image.fromarray(ids(0, 1))
    odd_palette.putpalette([7] * 768)  # another palette than ours: a copy is told from a new file
    odd_palette.save(voc / "SegmentationClass" / "x.png")
    write_dataset(read_voc(voc, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    for row in dataset.rows:
        assert dataset.mask_path(row.id).read_bytes() == (voc / "SegmentationClass" / f"{row.id}.png").read_bytes()
        assert dataset.image_path(row.id).read_bytes() == (voc / "JPEGImages" / f"{row.id}.jpg").read_bytes()


def test_image_sets_are_the_split(voc: Path, tmp_path: Path) -> None:
    image_set(voc, "train", "2007_000032")
    image_set(voc, "val", "2007.v2 b")
    image_set(voc, "test", "x", "secret")
    image_set(voc, "trainval", "2007_000032", "2007.v2 b")
    write_dataset(read_voc(voc, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    rows = open_dataset(tmp_path / "out").rows
    assert {row.id: row.split for row in rows} == {"2007_000032": "train", "2007.v2 b": "val", "x": "test"}


def test_masks_in_no_image_set_are_left_out_and_told(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image_set(voc, "train", "2007_000032")
    image_set(voc, "val", "x")
    assert len(read_voc(voc, workers=1).images) == 2
    assert "1 masks stand in none of" in capsys.readouterr().err


def test_one_image_set_alone_chooses_images_and_is_no_split(voc: Path) -> None:
    image_set(voc, "train", "2007_000032", "x")
    source = read_voc(voc, workers=1)
    assert ([image.group for image in source.images], source.splits) == (["2007_000032", "x"], {})


def test_vocs_own_classes_are_taken_where_none_are_named(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = read_voc(voc, workers=1).classes.names
    assert (len(names), names[:2], names[-1]) == (21, ("_background_", "aeroplane"), "tvmonitor")
    assert "taking Pascal VOC 2012's twenty classes" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["labels.txt", "class_names.txt", "given"])
def test_classes_are_read_from_a_list(voc: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.txt" if name == "given" else voc / name
    path.write_text("background\ncar\nroad\n")
    source = read_voc(voc, path if name == "given" else None, workers=1)
    assert source.classes.names == ("_background_", "car", "road")
    with pytest.raises(SagesegError, match=r"2007\.v2 b\.png: value 20 is no class; expected 0 to 2"):
        source.images[0].mask.read()


CVAT = """# label:color_rgb:parts:actions
background:0,0,0::
car:250,50,83::
Straße / lane:140,120,240::
"""


def colours(path: Path, mask: np.ndarray, table: list[tuple[int, int, int]], mode: str = "RGB") -> None:
    if mode == "P":
        image = Image.fromarray(mask)
        image.putpalette([value for colour in table for value in colour])
    else:
        image = Image.fromarray(np.array(table, np.uint8)[mask]).convert(mode)
    image.save(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_mapped_by_labelmap(voc: Path, tmp_path: Path, mode: str) -> None:
    (voc / "labelmap.txt").write_text(CVAT, encoding="utf-8")
    border = tuple(voc_palette()[255].tolist())
    for path in (voc / "SegmentationClass").iterdir():
        colours(path, ids(0, 2, 1, 3), [(0, 0, 0), (250, 50, 83), (140, 120, 240), border], mode)
    source = read_voc(voc, workers=1)
    assert source.classes.names == ("_background_", "car", "Straße / lane")
    expected = np.where(ids(0, 2, 1, 3) == 3, 255, ids(0, 2, 1, 3))
    assert np.array_equal(source.images[0].mask.read(), expected)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert np.array_equal(read_mask(open_dataset(tmp_path / "out").mask_path("x")), expected)


def test_the_background_of_a_labelmap_may_stand_anywhere(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("car:1,2,3::\nbackground:9,9,9::\n")
    found = read_label_map(tmp_path / "labelmap.txt")
    assert found.classes.names == ("_background_", "car")
    assert (found.colours[9, 9, 9], found.colours[1, 2, 3]) == (0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("car\n", r"labelmap\.txt: 'car': expected name:red,green,blue"),
        ("car:1,2::\n", r"labelmap\.txt: 'car:1,2::': expected name:red,green,blue"),
        ("car:1,2,3::\nbus:1,2,3::\n", r"labelmap\.txt: bus has the colour of another label"),
        ("car:0,0,0::\n", r"labelmap\.txt: car has the colour of another label"),
    ],
)
def test_a_broken_labelmap_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labelmap.txt").write_text(text)
    with pytest.raises(SagesegError, match=message):
        read_label_map(tmp_path / "labelmap.txt")


def test_group_by_keeps_images_together(voc: Path) -> None:
    assert {image.group for image in read_voc(voc, group_by=re.compile("(2007|x)"), workers=1).images} == {"2007", "x"}


def test_what_is_missing_is_named(voc: Path) -> None:
    image_set(voc, "val", "gone")
    with pytest.raises(SagesegError, match=r"val\.txt: gone has no mask"):
        read_voc(voc, workers=1)
    image_set(voc, "val")
    (voc / "JPEGImages" / "x.jpg").unlink()
    with pytest.raises(SagesegError, match=r"x\.png: no image x in .*JPEGImages; add it"):
        read_voc(voc, workers=1)


def test_colours_without_a_labelmap_are_refused(voc: Path) -> None:
    colours(voc / "SegmentationClass" / "x.png", ids(0, 1), [(0, 0, 0), (128, 0, 0)])
    with pytest.raises(SagesegError, match=r"x\.png: mode RGB, so it holds colours, and .*voc has no labelmap\.txt"):
        read_voc(voc, workers=1)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="SegmentationClass: no such folder; expected one with files VOC's folders"):
        read_voc(tmp_path)
