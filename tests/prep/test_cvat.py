"""CVAT's XML of images, read with its images."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.readers.cvat.reader import read_cvat
from prep.readers.labelled_image import LeftOut
from prep.readers.orientation import settle_orientations
from tests.support.cvat_formula import image
from tests.support.cvat_samples import LABELS, SIZE, blank, masks, write_images, write_xml
from tests.support.exif_samples import with_orientation
from tests.support.labelme_samples import noise
from tests.support.typed_commands import typed


def box(label: str, left: int, top: int, right: int, bottom: int, z_order: int = 0, **more: str) -> str:
    told = "".join(f' {key}="{value}"' for key, value in more.items())
    return (
        f'<box label="{label}" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}" z_order="{z_order}"{told}>'
        '<attribute name="make">Volvo</attribute></box>\n'
    )


def test_images_get_their_shapes_and_those_without_are_empty(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg", "sub/b.jpg")
    path = write_xml(
        tmp_path,
        image("sub/b.jpg", SIZE, box("road", 2, 3, 20, 30) + box("car", 10, 3, 30, 13, occluded="1"))
        + image("a.jpg", SIZE),
    )
    source = read_cvat(path, folder)
    expected = blank()
    expected[3:30, 2:20] = 2
    expected[3:13, 10:30] = 1
    found = masks(source)
    assert list(found) == ["a.jpg", "sub/b.jpg"]
    assert not found["a.jpg"].any()
    assert np.array_equal(found["sub/b.jpg"], expected)
    assert source.classes.names == ("_background_", "car", "road")
    assert source.images[1].attributes == {"overlap_pixels": "100", "occluded_shapes": "1"}
    assert [each.group for each in source.images] == ["a", "sub"]


def test_a_mask_travels_to_another_process_and_has_one_fingerprint(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    path = write_xml(tmp_path, image("a.jpg", SIZE, box("car", 0, 0, 5, 5)))
    (one,), (other,) = read_cvat(path, folder).images, read_cvat(path, folder).images
    assert repr(one) == repr(other)
    assert np.array_equal(pickle.loads(pickle.dumps(one)).mask.read(), one.mask.read())  # noqa: S301


def test_labels_of_other_types_are_no_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    labels = (
        "<name>night</name><type>tag</type>",
        "<name>car</name><type>polygon</type>",
        "<name>man</name><type>skeleton</type>",
        "<name>elbow</name><type>points</type><parent>man</parent>",
        "road",
    )
    source = read_cvat(write_xml(tmp_path, image("a.jpg", SIZE, box("road", 0, 0, 9, 9)), labels=labels), folder)
    assert source.classes.names == ("_background_", "car", "road")
    assert "are no classes: night, man" in capsys.readouterr().err


def test_a_list_of_labels_and_the_background_may_be_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    path = write_xml(tmp_path, image("a.jpg", SIZE, box("road", 0, 0, 9, 9) + box("car", 20, 0, 29, 9)))
    (tmp_path / "labels.txt").write_text("tree\nroad\ncar\n")
    listed = read_cvat(path, folder, labels=tmp_path / "labels.txt")
    assert listed.classes.names == ("_background_", "tree", "road", "car")
    assert np.unique(listed.images[0].mask.read()).tolist() == [0, 2, 3]
    assert read_cvat(path, folder, background="road").classes.names == ("_background_", "car")


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg", "b.jpg")
    line = '<polyline label="car" points="0,0;9,9"/>\n'
    path = write_xml(
        tmp_path,
        image("a.jpg", SIZE, line + '<tag label="car"/>') + image("b.jpg", SIZE, line) + image("c.jpg", SIZE),
    )
    source = read_cvat(path, folder, skip_missing=True)
    assert source.left_out == (
        LeftOut("images that are not in the folder", 1, "c.jpg"),
        LeftOut("polylines, which have no area", 2, f"{path}: image a.jpg"),
        LeftOut("tags of whole images", 1, f"{path}: image a.jpg"),
    )


def test_shapes_that_cover_no_pixel_are_counted(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    flat = '<polygon label="car" points="3.1,3;3.2,3;3.2,9" z_order="0"></polygon>\n'
    path = write_xml(tmp_path, image("a.jpg", SIZE, flat + box("car", 10, 3, 30, 13)))
    (left_out,) = read_cvat(path, folder, workers=1).left_out
    assert (left_out.reason, left_out.count) == ("shapes that cover no pixel of their image", 1)


def test_names_without_suffix_are_stems_or_numbers_of_frames(tmp_path: Path) -> None:
    """CVAT gives the frames of a video such names in "for images"."""
    folder = write_images(tmp_path / "images", "frame_000000.png", "frame_000007.png")
    path = write_xml(tmp_path, image("frame_000007", SIZE, box("car", 0, 0, 9, 9)))
    assert list(masks(read_cvat(path, folder))) == ["frame_000007.png"]
    cut = write_images(tmp_path / "cut", "drive_b0000_f000000.jpg", "drive_b0001_f000007.jpg")
    (found,) = read_cvat(path, cut).images
    assert (found.source, found.group) == ("drive_b0001_f000007.jpg", "drive_b0001")


def test_frames_of_several_videos_in_one_project_are_found_in_their_subsets(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "Train/frame_000000.png", "Test/frame_000000.png")
    parts = image("frame_000000", SIZE, box("car", 0, 0, 9, 9), subset="Train") + image(
        "frame_000000", SIZE, subset="Test"
    )
    found = masks(read_cvat(write_xml(tmp_path, parts), folder))
    assert {name: bool(mask.any()) for name, mask in found.items()} == {
        "Test/frame_000000.png": False,
        "Train/frame_000000.png": True,
    }


def subset_file(folder: Path, **subsets: str) -> tuple[Path, Path]:
    images = write_images(folder / "images", *(f"{stem}.jpg" for stem in subsets))
    parts = (image(f"{stem}.jpg", SIZE, box("car", 0, 0, 9, 9), subset=name) for stem, name in subsets.items())
    return write_xml(folder, "".join(parts)), images


def test_subsets_are_the_split(tmp_path: Path) -> None:
    path, images = subset_file(tmp_path, a="Train", b="Validation", c="test")
    assert read_cvat(path, images).splits == {"a": "train", "b": "val", "c": "test"}


def test_images_lie_in_folders_of_their_subsets_as_cvat_exports_a_project(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "Train/a.jpg", "Validation/a.jpg")
    parts = image("a.jpg", SIZE, box("car", 0, 0, 9, 9), subset="Train") + image("a.jpg", SIZE, subset="Validation")
    source = read_cvat(write_xml(tmp_path, parts), folder)
    assert {name: bool(mask.any()) for name, mask in masks(source).items()} == {
        "Train/a.jpg": True,
        "Validation/a.jpg": False,
    }
    (folder / "Train" / "a.jpg").rename(tmp_path / "a.jpg")
    alone = image("a.jpg", SIZE, box("car", 0, 0, 9, 9), subset="Train")
    with pytest.raises(SagesegError, match="image a.jpg: not in the folder Train, but there is Validation/a.jpg"):
        read_cvat(write_xml(tmp_path, alone), folder, skip_missing=True)


def test_subsets_of_other_names_are_asked_for(tmp_path: Path) -> None:
    path, images = subset_file(tmp_path, a="Winter", b="Validation", c="Spare")
    with pytest.raises(
        SagesegError, match="subset Spare: no split by its name; say what it is with --image-set Spare="
    ):
        read_cvat(path, images, image_sets={"Winter": "train"})
    source = read_cvat(path, images, image_sets={"Winter": "train", "Spare": "none"})
    assert source.splits == {"a": "train", "b": "val"}
    assert [(each.reason, each.count) for each in source.left_out] == [
        ("images of subsets that --image-set leaves out", 1)
    ]
    with pytest.raises(
        SagesegError, match="--image-set Sommer: expected one of the subsets of .*Spare, Validation, Winter"
    ):
        read_cvat(path, images, image_sets={"Sommer": "train"})


@pytest.mark.parametrize(
    ("subsets", "told"),
    [
        ({"a": "Train", "b": "default"}, "images of the subset default are in no split, and others are in one"),
        ({"a": "Test", "b": "Validation"}, "no subset is of train"),
    ],
)
def test_subsets_that_are_no_split_are_refused(tmp_path: Path, subsets: dict[str, str], told: str) -> None:
    path, images = subset_file(tmp_path, **subsets)
    with pytest.raises(SagesegError, match=told):
        read_cvat(path, images)


def test_one_subset_alone_is_no_split(tmp_path: Path) -> None:
    path, images = subset_file(tmp_path, a="default", b="default")
    assert (read_cvat(path, images).splits, read_cvat(path, images).undecided) == ({}, "")
    path, images = subset_file(tmp_path, a="Train", b="Train")
    source = read_cvat(path, images)
    assert source.splits == {}
    assert source.undecided == f"{path}: only the subset Train is there, so no image is for another split"


def test_an_image_that_exif_turns_is_labelled_upright_as_cvat_shows_it(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(with_orientation(noise(1, *SIZE), 6))
    upright = SIZE[::-1]
    source = read_cvat(write_xml(tmp_path, image("a.jpg", upright, box("car", 0, 0, 9, 30))), folder)
    (settled,) = settle_orientations(source.images, None)
    expected = blank(upright)
    expected[:30, :9] = 1
    assert np.array_equal(settled.mask.read(), expected)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (image("a.jpg", SIZE, box("cat", 0, 0, 9, 9)), r"image a.jpg, shape 1 \(box cat\): label 'cat' is not in the "),
        (image("a.jpg", (60, 41)), r"image a.jpg: labelled at 60×41 pixels, but .*a.jpg has 60×40"),
        (image("a.jpg", SIZE).replace('"60"', '"6.5"'), "image a.jpg: width is '6.5'"),
        (image("a.jpg", SIZE).replace('"40"', '"0"'), "image a.jpg: height is '0'"),
        (image("", SIZE), "image 1: no name"),
        (image("a.jpg", SIZE) + image("a.jpg", SIZE), "two images are called a.jpg, numbers 1 and 2"),
        (image("a.jpg", SIZE) + image("b.jpg", SIZE), "image b.jpg: 1 of 2 images are not in .*--skip-missing"),
        ("", "neither an image nor a track"),
        (image("a.jpg", SIZE) + '<track id="0" label="car"><box frame="0"/></track>', "both images and tracks"),
        ("<image>", r"not XML \(line \d+, column \d+: mismatched tag\)"),
    ],
)
def test_bad_files_are_refused_by_the_place(tmp_path: Path, parts: str, told: str) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    with pytest.raises(SagesegError, match=told):
        read_cvat(write_xml(tmp_path, parts), folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "<annotation><object/></annotation>",
            "its root is <annotation>; .* hold boxes of Pascal VOC, which are no masks",
        ),
        ("<html><body/></html>\n", "its root is <html>; expected annotations.xml of CVAT"),
        ("<annotations/>", "neither an image nor a track"),
    ],
)
def test_other_xml_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.xml").write_text(text)
    with pytest.raises(SagesegError, match=told):
        read_cvat(tmp_path / "x.xml", write_images(tmp_path / "images", "a.jpg"))


@pytest.mark.parametrize("labels", [("car", "car"), ("car", "road", "car")])
def test_two_labels_of_one_name_are_refused(tmp_path: Path, labels: tuple[str, ...]) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    with pytest.raises(SagesegError, match="the labels of .*'car' stands twice"):
        read_cvat(write_xml(tmp_path, image("a.jpg", SIZE), labels=labels), folder)


def test_no_label_at_all_is_asked_for(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a.jpg")
    with pytest.raises(SagesegError, match="no class in it; expected some, or name them in a list with --labels"):
        read_cvat(write_xml(tmp_path, image("a.jpg", SIZE), labels=()), folder)


@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 59), st.integers(0, 39), st.integers(1, 30), st.integers(-2, 2)),
        max_size=8,
    )
)
def test_shapes_are_painted_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, ...]]
) -> None:
    """Boxes of whole pixels, painted by numpy in order of z_order, and of the file where that is equal."""
    folder = tmp_path_factory.mktemp("cvat")
    images = write_images(folder / "images", "a.jpg")
    shapes = "".join(box(LABELS[number - 1], x, y, x + side, y + side, z) for number, x, y, side, z in drawn)
    expected = blank()
    for number, x, y, side, _ in sorted(drawn, key=lambda each: each[-1]):
        expected[y : y + side, x : x + side] = number
    (found,) = read_cvat(write_xml(folder, image("a.jpg", SIZE, shapes)), images).images
    assert np.array_equal(found.mask.read(), expected)


def test_the_command_makes_a_dataset(tmp_path: Path) -> None:
    names = [f"{letter}.jpg" for letter in "abcd"]
    write_images(tmp_path / "images", *names)
    write_xml(tmp_path, "".join(image(name, SIZE, box("car", 0, 0, 9, 9)) for name in names))
    line = "prep cvat annotations.xml images --out dataset --crop none --workers 1"
    ran = typed(line.split(), tmp_path)
    assert ran.returncode == 0, ran.stderr
    made = open_dataset(tmp_path / "dataset")
    assert made.info["source_format"] == "cvat"
    assert len(made.rows) == 4
    expected = blank()
    expected[:9, :9] = 1
    assert np.array_equal(read_mask(tmp_path / "dataset" / "SegmentationClass" / "a.png"), expected)
