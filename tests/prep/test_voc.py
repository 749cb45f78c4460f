"""VOC's layout is taken over as it is; colours of CVAT and Datumaro are mapped by labelmap.txt."""

import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from formats.classes import voc_palette
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.voc.reader import read_voc
from tests.support.prep_samples import make_source
from tests.support.voc_samples import add_image, add_image_set, add_mask, add_pair, palette_image, rows

VOC = [tuple(colour) for colour in voc_palette().tolist()]


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    for stem in ("2007_000032", "2007.v2 b", "x"):
        add_pair(tmp_path / "voc", stem, palette_image(rows(0, 1, 20, 255), VOC))
    return tmp_path / "voc"


def test_masks_without_foreground_are_refused_unless_all_crops_are_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_source(tmp_path / "source", {"a": 2, "b": 2})
    empty = replace(source, no_foreground="masks: nothing but ignore")
    with pytest.raises(SagesegError, match="nothing but ignore; for a job's --label-map, .* pass --keep-empty 1"):
        write_dataset(empty, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert not (tmp_path / "out").exists()
    write_dataset(empty, tmp_path / "out", PrepOptions(crop=None, keep_empty=1, workers=1))
    assert "note: masks: nothing but ignore; as they are, only a job with a --label-map" in capsys.readouterr().err


def test_masks_and_images_are_copied_where_nothing_is_cut(voc: Path, tmp_path: Path) -> None:
    stored = palette_image(rows(0, 1), VOC)
    stored.save(voc / "SegmentationClass" / "x.png", compress_level=0)  # a copy is told from a new file
    write_dataset(read_voc(voc, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    for row in dataset.rows:
        assert dataset.mask_path(row.id).read_bytes() == (voc / "SegmentationClass" / f"{row.id}.png").read_bytes()
        assert dataset.image_path(row.id).read_bytes() == (voc / "JPEGImages" / f"{row.id}.jpg").read_bytes()


def test_image_sets_are_the_split(voc: Path, tmp_path: Path) -> None:
    add_image_set(voc, "train", "2007_000032")
    add_image_set(voc, "val", "2007.v2 b")
    add_image_set(voc, "test", "x", "secret")
    add_image_set(voc, "trainval", "2007_000032", "2007.v2 b")
    write_dataset(read_voc(voc, workers=1), tmp_path / "out", PrepOptions(crop=None, workers=1))
    rows = open_dataset(tmp_path / "out").rows
    assert {row.id: row.split for row in rows} == {"2007_000032": "train", "2007.v2 b": "val", "x": "test"}


Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, Form] = ("NFC", "NFD")


@pytest.mark.parametrize("folder", ["JPEGImages", "SegmentationClass", "both"])
@pytest.mark.parametrize("listed", FORMS)
def test_images_masks_and_lists_pair_whichever_way_letters_are_composed(
    tmp_path: Path, folder: str, listed: Form
) -> None:
    """Names on a Mac are decomposed, and lists that were written elsewhere are not."""
    for stem in ("größe/é1", "größe/é2"):
        add_pair(tmp_path / "voc", stem, palette_image(rows(0, 1), VOC))
    for name in ("JPEGImages", "SegmentationClass") if folder == "both" else (folder,):
        for path in list((tmp_path / "voc" / name / "größe").iterdir()):
            path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
        (tmp_path / "voc" / name / "größe").rename(tmp_path / "voc" / name / unicodedata.normalize("NFD", "größe"))
    add_image_set(tmp_path / "voc", "train", unicodedata.normalize(listed, "größe/é1"))
    add_image_set(tmp_path / "voc", "test", unicodedata.normalize(listed, "é2"))
    source = read_voc(tmp_path / "voc", group_by=re.compile("(.)$"), workers=1)
    assert source.splits == {"1": "train", "2": "test"}


def test_masks_in_no_image_set_and_images_without_mask_are_counted(voc: Path) -> None:
    add_image_set(voc, "train", "2007_000032")
    add_image_set(voc, "val", "x")
    add_image_set(voc, "test", "secret 1", "secret 2")
    add_image(voc / "JPEGImages" / "new.jpg")
    source = read_voc(voc, workers=1)
    assert len(source.images) == 2
    assert {each.reason: (each.count, Path(each.example).name) for each in source.left_out} == {
        "images without a mask": (1, "new.jpg"),
        "images without a mask in test.txt": (2, "test.txt: line 1: secret 1"),
        "masks in none of the image sets": (1, "2007.v2 b.png"),
    }


def test_vocs_own_classes_are_taken_where_none_are_named(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = read_voc(voc, workers=1).classes.names
    assert (len(names), names[:2], names[-1]) == (21, ("_background_", "aeroplane"), "tvmonitor")
    assert "taking Pascal VOC 2012's twenty classes" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_of_vocs_palette_are_vocs_own_classes(
    tmp_path: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = rows(0, 1, 20, 255)
    add_pair(tmp_path, "a", Image.fromarray(voc_palette()[ids]).convert(mode))
    add_pair(tmp_path, "b", palette_image(ids, VOC))
    source = read_voc(tmp_path, workers=1)
    assert source.classes.names[20] == "tvmonitor"
    assert [image.mask.read().tolist() for image in source.images] == [ids.tolist()] * 2
    assert "Pascal VOC 2012's classes: no colours, so VOC's palette is taken" in capsys.readouterr().err


def test_colours_that_are_not_vocs_are_refused_without_a_list(tmp_path: Path) -> None:
    add_pair(tmp_path, "a", Image.fromarray(voc_palette()[rows(0, 1, 22)]))
    (image,) = read_voc(tmp_path, workers=1).images
    with pytest.raises(SagesegError, match=r"a\.png: colour 0,192,128 at \(0, 2\) means nothing"):
        image.mask.read()


@pytest.mark.parametrize("name", ["labels.txt", "class_names.txt", "classes.txt", "given"])
def test_classes_are_read_from_a_list(voc: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.txt" if name == "given" else voc / name
    path.write_text("background\n" + "".join(f"class {i}\n" for i in range(1, 21)))
    source = read_voc(voc, path if name == "given" else None, workers=1)
    assert source.classes.names[:3] == ("_background_", "class 1", "class 2")
    path.write_text("background\ncar\nroad\n")
    with pytest.raises(SagesegError, match=r"\.png: value 20 is no class: .*txt has 3 lines"):
        read_voc(voc, path if name == "given" else None, workers=1)


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
        colours(path, rows(0, 2, 1, 3), [(0, 0, 0), (250, 50, 83), (140, 120, 240), border], mode)
    source = read_voc(voc, workers=1)
    assert source.classes.names == ("_background_", "car", "Straße / lane")
    expected = np.where(rows(0, 2, 1, 3) == 3, 255, rows(0, 2, 1, 3))
    assert np.array_equal(source.images[0].mask.read(), expected)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert np.array_equal(read_mask(open_dataset(tmp_path / "out").mask_path("x")), expected)


def test_group_by_keeps_images_together(voc: Path) -> None:
    assert {image.group for image in read_voc(voc, group_by=re.compile("(2007|x)"), workers=1).images} == {"2007", "x"}


def test_what_is_missing_is_named(voc: Path) -> None:
    add_image_set(voc, "val", "gone")
    with pytest.raises(SagesegError, match=r"val\.txt: line 1: gone has no mask"):
        read_voc(voc, workers=1)
    add_image_set(voc, "val")
    (voc / "JPEGImages" / "x.jpg").unlink()
    with pytest.raises(SagesegError, match=r"x\.png: no image x in .*JPEGImages; add it, or take the mask away"):
        read_voc(voc, workers=1)
    shutil.rmtree(voc / "JPEGImages")
    with pytest.raises(SagesegError, match=r"JPEGImages: no such folder; name the folder of the images with --images"):
        read_voc(voc, workers=1)


def test_colours_without_a_labelmap_are_refused(voc: Path) -> None:
    (voc / "labels.txt").write_text("background\ncar\n")
    colours(voc / "SegmentationClass" / "x.png", rows(0, 1), [(0, 0, 0), (128, 0, 0)])
    with pytest.raises(
        SagesegError,
        match=r"x\.png: holds colours, and .*labels\.txt none; expected a labelmap\.txt .* as --labels",
    ):
        read_voc(voc, workers=1)


def test_two_files_of_one_name_are_refused(voc: Path) -> None:
    (voc / "JPEGImages" / "x.png").write_bytes((voc / "SegmentationClass" / "x.png").read_bytes())
    with pytest.raises(SagesegError, match=r"x\.jpg and x\.png: two files of one name; remove one"):
        read_voc(voc, workers=1)


def nested(root: Path) -> Path:
    for key in ("cam1/a0", "cam1/a1", "cam2/b0", "cam2/b1"):
        add_pair(root, key, rows(0, 1))
    (root / "labels.txt").write_text("background\ncar\n")
    return root


def test_folders_are_read_and_are_the_groups(tmp_path: Path) -> None:
    source = read_voc(nested(tmp_path / "voc"), workers=1)
    assert [(image.source, image.group) for image in source.images] == [
        ("JPEGImages/cam1/a0.jpg", "cam1"),
        ("JPEGImages/cam1/a1.jpg", "cam1"),
        ("JPEGImages/cam2/b0.jpg", "cam2"),
        ("JPEGImages/cam2/b1.jpg", "cam2"),
    ]
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    assert {row.group for row in open_dataset(tmp_path / "out").kept("val")} in ({"cam1"}, {"cam2"})


def test_masks_pair_with_the_image_in_their_own_folder(tmp_path: Path) -> None:
    for key in ("cam1/f0", "cam2/f0"):
        add_pair(tmp_path, key, rows(0, 1))
    (tmp_path / "labels.txt").write_text("background\ncar\n")
    images = read_voc(tmp_path, workers=1).images
    assert [(i.image.parent.name, i.mask.path.parent.name) for i in images] == [("cam1", "cam1"), ("cam2", "cam2")]
    (tmp_path / "JPEGImages" / "cam2" / "f0.jpg").rename(tmp_path / "JPEGImages" / "f0.jpg")
    with pytest.raises(SagesegError, match=r"cam2/f0\.png: no image cam2/f0 in"):
        read_voc(tmp_path, workers=1)


def test_lists_may_divide_folders_and_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = nested(tmp_path / "voc")
    add_image_set(root, "train", "cam1/a0", "cam2/b0")
    add_image_set(root, "val", "cam1/a1")
    source = read_voc(root, workers=1)
    assert source.splits == {"cam1/a0": "train", "cam1/a1": "val", "cam2": "train"}
    assert "1 group(s), such as cam1, are divided between splits by the lists" in capsys.readouterr().err


def test_frames_of_a_video_are_a_group(tmp_path: Path) -> None:
    for stem in ("drive_b0000_f000000", "drive_b0000_f000010", "drive_b0001_f000020"):
        add_pair(tmp_path, stem, rows(0, 1))
    (tmp_path / "labels.txt").write_text("background\ncar\n")
    assert [i.group for i in read_voc(tmp_path, workers=1).images] == ["drive_b0000", "drive_b0000", "drive_b0001"]


@pytest.mark.parametrize("layout", ["cam1/{}", "{}"])
def test_images_may_lie_elsewhere(tmp_path: Path, layout: str) -> None:
    for stem in ("f0", "f1"):
        add_mask(tmp_path / "voc" / "SegmentationClass" / f"{stem}.png", rows(0, 1))
        add_image(tmp_path / "photos" / f"{layout.format(stem)}.jpg")
    (tmp_path / "voc" / "labels.txt").write_text("background\ncar\n")
    source = read_voc(tmp_path / "voc", images=tmp_path / "photos", workers=1)
    assert [image.source for image in source.images] == [f"{layout.format(stem)}.jpg" for stem in ("f0", "f1")]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="SegmentationClass: no such folder; expected VOC's SegmentationClass$"):
        read_voc(tmp_path)


def test_names_with_dots_are_whole(tmp_path: Path) -> None:
    for stem in ("frame.0000", "frame.0001", "2021.03.04_a", "2021.03.05_a", "cam1.front_b0000_f000000"):
        add_pair(tmp_path, stem, rows(0, 1))
    add_image_list(tmp_path)
    groups = [image.group for image in read_voc(tmp_path, workers=1).images]
    assert groups == ["2021.03.04_a", "2021.03.05_a", "cam1.front_b0000", "frame.0000", "frame.0001"]
    by_number = read_voc(tmp_path, group_by=re.compile(r"(.)$"), workers=1)
    assert [image.group for image in by_number.images] == ["a", "a", "0", "0", "1"]


def add_image_list(root: Path) -> None:
    (root / "labels.txt").write_text("background\ncar\n")


def test_masks_that_no_list_names_are_not_called_missing(tmp_path: Path) -> None:
    for number in range(4):
        add_pair(tmp_path, f"f{number}", rows(0, 1))
    add_image_list(tmp_path)
    add_image_set(tmp_path, "train", "f0")
    add_image_set(tmp_path, "val", "f1")
    left_out = read_voc(tmp_path, workers=1).left_out
    assert [(each.reason, each.count) for each in left_out] == [("masks in none of the image sets", 2)]


def test_a_zip_is_told_to_be_unpacked(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "export.zip", "w") as packed:
        packed.writestr("labelmap.txt", "background:0,0,0::\n")
    with pytest.raises(SagesegError, match=r"export\.zip: a ZIP archive; expected a folder, one with VOC.*: unpack it"):
        read_voc(tmp_path / "export.zip")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SagesegError, match=r"notes\.txt: a file, and no folder"):
        read_voc(tmp_path / "notes.txt")
