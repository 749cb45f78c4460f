"""Supervisely's projects, YOLO's text files and VGG Image Annotator's JSON become the pixels that their tools draw."""

import base64
import json
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.masks import Mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from prep.readers.supervisely import read_supervisely
from prep.readers.via.reader import read_via
from prep.readers.yolo.reader import read_yolo
from tests.support.prep_samples import HEIGHT, WIDTH
from tests.support.small_formats import (
    SQUARE,
    VIA_POLYGON,
    supervisely_polygon,
    via_region,
    write_supervisely,
    write_via,
    write_yolo,
    yolo_row,
)


def masks(source: Source) -> dict[str, Mask]:
    return {image.source: image.mask.read() for image in source.images}


GOLDEN = Path(__file__).parents[1] / "data" / "golden"


# Supervisely


def bitmap(flags: Mask, mode: str = "1") -> dict[str, Any]:
    """A bitmap object as the SDK writes it: a PNG of one bit, or of four channels, packed."""
    image = Image.fromarray(flags * 255).convert("1") if mode == "1" else Image.fromarray(np.dstack([flags * 255] * 4))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    return {"classTitle": "car", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [5, 7]}}


def test_supervisely_objects_are_drawn_as_its_sdk_draws_them(tmp_path: Path) -> None:
    (golden,) = GOLDEN.glob("supervisely_*.json")
    content = json.loads(golden.read_text())
    for folder in ("img", "ann"):
        (tmp_path / "ds" / folder).mkdir(parents=True)
    (tmp_path / "meta.json").write_text(json.dumps(content["meta"]))
    expected = {}
    for number, each in enumerate(content["images"]):
        width, height = each["annotation"]["size"]["width"], each["annotation"]["size"]["height"]
        name = f"{number:02}.png"
        (tmp_path / "ds" / "ann" / f"{name}.json").write_text(json.dumps(each["annotation"]))
        Image.new("RGB", (width, height)).save(tmp_path / "ds" / "img" / name)
        pixels = zlib.decompress(base64.b64decode(each["mask"]))
        expected[f"ds/{name}"] = np.frombuffer(pixels, np.uint8).reshape(height, width)
    drawn = masks(read_supervisely(tmp_path, workers=1))
    assert drawn.keys() == expected.keys()
    assert [name for name, mask in expected.items() if not np.array_equal(drawn[name], mask)] == []


def test_supervisely_fills_a_polygon_with_its_outline_and_takes_interiors_out(tmp_path: Path) -> None:
    hole = [[15, 25], [25, 25], [25, 35], [15, 35]]
    (mask,) = masks(
        read_supervisely(write_supervisely(tmp_path, [supervisely_polygon(SQUARE, [hole])]), workers=1)
    ).values()
    assert np.count_nonzero(mask) == 21 * 21 - 11 * 11
    assert mask[20, 10] == 1


@pytest.mark.parametrize("mode", ["1", "RGBA"])
def test_supervisely_puts_a_bitmap_at_its_origin(tmp_path: Path, mode: str) -> None:
    flags = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)
    (mask,) = masks(read_supervisely(write_supervisely(tmp_path, [bitmap(flags, mode)]), workers=1)).values()
    assert np.array_equal(mask[7:9, 5:8], flags)
    assert np.count_nonzero(mask) == 3


def test_supervisely_draws_later_objects_over_earlier_ones(tmp_path: Path) -> None:
    objects = [supervisely_polygon(SQUARE), supervisely_polygon(SQUARE[:3], title="road")]
    source = read_supervisely(write_supervisely(tmp_path, objects), workers=1)
    assert source.classes.names == ("_background_", "car", "road")
    assert source.images[0].mask.read()[25, 25] == 2
    assert source.images[0].attributes == {"overlap_pixels": str(21 * 22 // 2)}
    assert source.images[0].source == "ds/a.jpg"


def test_supervisely_counts_shapes_without_an_area(tmp_path: Path) -> None:
    point = {"classTitle": "car", "geometryType": "point", "points": {"exterior": [[1, 1]], "interior": []}}
    (left_out,) = read_supervisely(
        write_supervisely(tmp_path, [point, supervisely_polygon(SQUARE)]), workers=1
    ).left_out
    assert (left_out.reason, left_out.count) == ("shapes of kind point", 1)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            supervisely_polygon(SQUARE[:2]),
            r"a\.jpg\.json: objects\[0\]: no polygon of Supervisely \(ValueError: 2 points",
        ),
        (supervisely_polygon([*SQUARE, [1e12, 5]]), "a point that is no finite number, or lies over 1,000,000 pixels"),
        (supervisely_polygon([*SQUARE, [float("nan"), 5]]), "a point that is no finite number"),
        (
            supervisely_polygon(SQUARE, title="cra"),
            r"objects\[0\]: label 'cra' is not in .*meta\.json; the nearest there is 'car'",
        ),
        ({**bitmap(np.ones((2, 2), np.uint8)), "bitmap": {"data": "AAAA", "origin": [0, 0]}}, "no bitmap of Superv"),
        ({**bitmap(np.ones((2, 2), np.uint8)), "bitmap": {"data": "AAAA"}}, "KeyError: 'origin'"),
    ],
)
def test_supervisely_names_the_object_that_is_broken(tmp_path: Path, broken: Any, told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_supervisely(write_supervisely(tmp_path, [broken]), workers=1)


def test_supervisely_names_what_a_project_lacks(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"meta\.json: not found"):
        read_supervisely(tmp_path)
    root = write_supervisely(tmp_path, [supervisely_polygon(SQUARE)])
    with pytest.raises(SagesegError, match=rf"meta\.json: not found; .*: give {tmp_path}$"):
        read_supervisely(tmp_path / "ds")
    (root / "ds" / "img" / "a.jpg").unlink()
    with pytest.raises(SagesegError, match=r"ann/a\.jpg\.json: no image a\.jpg in .*img"):
        read_supervisely(root, workers=1)


def test_supervisely_reads_a_bitmap_of_the_sdk_by_its_transparency(tmp_path: Path) -> None:
    flags = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)
    image = Image.fromarray(flags)
    image.putpalette([0, 0, 0, 255, 255, 255])
    packed = []
    for picture, options in ((image, {"transparency": 0}), (image.convert("RGB"), {})):
        buffer = BytesIO()
        picture.save(buffer, "PNG", **options)
        packed.append(
            {**bitmap(flags), "bitmap": {"data": base64.b64encode(buffer.getvalue()).decode(), "origin": [0, 0]}}
        )
    (mask,) = masks(read_supervisely(write_supervisely(tmp_path / "a", packed[:1]), workers=1)).values()
    assert np.array_equal(mask[:2, :3], flags)
    with pytest.raises(SagesegError, match=r"objects\[0\]: .* a bitmap of mode RGB without transparency"):
        read_supervisely(write_supervisely(tmp_path / "b", packed[1:]), workers=1)


def test_supervisely_counts_images_without_an_annotation_file_and_tags(tmp_path: Path) -> None:
    root = write_supervisely(
        tmp_path, [{**supervisely_polygon(SQUARE), "tags": [{"name": "hidden"}]}], names=("a.jpg", "b.jpg")
    )
    (root / "ds" / "ann" / "b.jpg.json").unlink()
    (root / "ds" / "ann" / "._a.jpg.json").write_bytes(b"\0\5\x16\x07")  # as macOS packs them
    left_out = {each.reason: (each.count, each.example) for each in read_supervisely(root, workers=1).left_out}
    assert left_out == {
        "tags": (1, str(root / "ds" / "ann" / "a.jpg.json")),
        "images without an annotation file": (1, str(root / "ds" / "img" / "b.jpg")),
    }


def test_supervisely_finds_images_by_the_names_of_old_projects(tmp_path: Path) -> None:
    root = write_supervisely(tmp_path, [supervisely_polygon(SQUARE)], names=("a.jpg", "b.v2.jpg"))
    for name in ("a", "b.v2"):
        (root / "ds" / "ann" / f"{name}.jpg.json").rename(root / "ds" / "ann" / f"{name}.json")
    assert sorted(masks(read_supervisely(root, workers=1))) == ["ds/a.jpg", "ds/b.v2.jpg"]
    (root / "ds" / "ann" / "a.jpg.json").write_bytes((root / "ds" / "ann" / "a.json").read_bytes())
    with pytest.raises(SagesegError, match=r"a\.jpg\.json and .*a\.json: both are of a\.jpg; remove one"):
        read_supervisely(root, workers=1)
    (root / "ds" / "ann" / "a.jpg.json").unlink()
    (root / "ds" / "img" / "a.png").write_bytes((root / "ds" / "img" / "a.jpg").read_bytes())
    with pytest.raises(SagesegError, match=r"a\.json: both a\.jpg and a\.png in"):
        read_supervisely(root, workers=1)


def test_supervisely_groups_by_dataset_where_there_are_several(tmp_path: Path) -> None:
    root = write_supervisely(tmp_path, [supervisely_polygon(SQUARE)], names=("a.jpg", "v_b0001_f000012.jpg"))
    assert {one.group for one in read_supervisely(root, workers=1).images} == {"a", "v_b0001"}
    (root / "ds").rename(root / "first")
    write_supervisely(root, [supervisely_polygon(SQUARE)])
    assert [(one.source, one.group) for one in read_supervisely(root, workers=1).images] == [
        ("ds/a.jpg", "ds"),
        ("first/a.jpg", "first"),
        ("first/v_b0001_f000012.jpg", "v_b0001"),
    ]


def test_supervisely_takes_classes_of_points_for_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_supervisely(tmp_path, [supervisely_polygon(SQUARE)])
    shapes = {"corner": "point", "car": "any", "edge": "line", "road": "bitmap", "sky": "polygon"}
    classes = [{"title": title, "shape": shape} for title, shape in shapes.items()]
    (root / "meta.json").write_text(json.dumps({"classes": classes}))
    assert read_supervisely(root, workers=1).classes.names == ("_background_", "car", "road", "sky")
    assert "classes of shapes that are not drawn are none: corner, edge" in capsys.readouterr().err


def test_superviselys_class_region_says_where_to_look(tmp_path: Path) -> None:
    root = write_supervisely(
        tmp_path, [supervisely_polygon(SQUARE, title="__region__"), supervisely_polygon(SQUARE[:3])]
    )
    (root / "meta.json").write_text(json.dumps({"classes": [{"title": "car"}, {"title": "__region__"}]}))
    (image,) = read_supervisely(root, workers=1).images
    assert [list(map(list, corners)) for corners in image.regions] == [SQUARE]
    assert np.count_nonzero(image.mask.read()) == 21 * 22 // 2


# YOLO


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8)),
        min_size=1,
        max_size=4,
    )
)
def test_yolo_polygons_are_filled_as_points_cut_to_whole_pixels(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    text = "".join(f"{number} {' '.join(f'{x} {y}' for x, y in points)}\n" for number, points in rows)
    root = write_yolo(tmp_path_factory.mktemp("yolo"), {"images/a": text})
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number, points in rows:
        pixels = (np.array(points, np.float32) * np.array([WIDTH, HEIGHT], np.float32)).astype(np.int32)
        cv2.fillPoly(expected, [pixels], number + 1)
    (mask,) = masks(read_yolo(root, workers=1)).values()
    assert np.array_equal(mask, expected)


def test_the_folders_of_yolos_yaml_are_the_split(tmp_path: Path) -> None:
    text = yolo_row(SQUARE)
    yaml = "path: .\nnames:\n  0: car\n  1: road\ntrain: ../train/images\nval: valid/images\ntest: ../test/images\n"
    root = write_yolo(tmp_path, {"train/images/a": text, "train/images/b": text, "valid/images/a": text}, yaml)
    source = read_yolo(root, workers=1)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    sets = tmp_path / "out" / "ImageSets" / "Segmentation"
    assert (sets / "train.txt").read_text().split() == ["train_images_a", "b"]
    assert (sets / "val.txt").read_text().split() == ["valid_images_a"]


def test_yolo_without_yaml_takes_a_class_list(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, {"images/a": yolo_row(SQUARE)}, None)
    with pytest.raises(SagesegError, match=r"neither data\.yaml nor a list of classes"):
        read_yolo(root, workers=1)
    (root / "classes.txt").write_text("car\n")
    assert read_yolo(root, workers=1).classes.names == ("_background_", "car")


def test_yolo_counts_boxes_and_takes_an_image_without_text_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_yolo(tmp_path, {"images/a": "0 0.5 0.5 0.2 0.2\n" + yolo_row(SQUARE, 1), "images/b": ""})
    (root / "labels" / "b.txt").unlink()
    source = read_yolo(root, workers=1)
    assert [(each.reason, each.count) for each in source.left_out] == [("boxes, which have no outline", 1)]
    assert "1 image(s) have no text file, so they show nothing, such as" in capsys.readouterr().err
    assert not masks(source)["images/b.jpg"].any()
    assert set(np.unique(masks(source)["images/a.jpg"])) == {0, 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0 0.1 0.1 0.5 0.1\n0 0.1 0.1 0.2 0.2 0.3\n", r"a\.txt: line 2: 6 numbers; expected a class, and x and y"),
        ("2 0.1 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: class 2 is none of the 2, counted from 0"),
        ("0 0.1 0.1 0.5 0.1 50 0.5\n", r"a\.txt: line 1: a point outside of the image"),
        ("car 0.1 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: could not convert .*expected numbers alone"),
        ("0 nan 0.1 0.5 0.1 0.5 0.5\n", r"a\.txt: line 1: a point outside of the image"),
    ],
)
def test_yolo_names_the_line_that_is_broken(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_yolo(write_yolo(tmp_path, {"images/a": text}), workers=1)


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("names: [car\n", r"data\.yaml: not YAML"),
        ("train: images\n", r"data\.yaml: names: expected a list"),
        ("names: [car]\ntrain: pictures\n", r"data\.yaml: train: pictures is not in .*a list of them"),
        ("names: [car]\n", "neither train, val nor test"),
        ("names: [car, car]\ntrain: images\n", "car"),
        ("names: [car, no]\ntrain: images\n", r"names: what is called 1 is False to YAML; write the name in quotes"),
        ("names: [car]\ntrain: ../../images\n", r"which is not in .*; copy data\.yaml into the folder"),
        ("names: [car]\ntrain: list.txt\n", r"list\.txt: names no image"),
    ],
)
def test_yolo_names_what_is_wrong_with_its_yaml(tmp_path: Path, yaml: str, told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_yolo(yolo_with(tmp_path, yaml), workers=1)


def yolo_with(root: Path, yaml: str) -> Path:
    (root.parent / "images").mkdir(exist_ok=True)  # beside the folder that is read
    (root / "list.txt").write_text("\n")
    return write_yolo(root, {"images/a": yolo_row(SQUARE)}, yaml)


LISTED = {f"images/{split}/{name}": yolo_row(SQUARE) for split, name in (("Train", "a"), ("Train", "b"), ("Val", "c"))}


@pytest.mark.parametrize("before", ["data/", "./", "", "/content/set/", "data\\"])
def test_yolos_splits_may_be_lists_as_cvat_writes_them(tmp_path: Path, before: str) -> None:
    root = write_yolo(tmp_path, LISTED, "path: .\nnames:\n  0: car\nTrain: Train.txt\nValidation: Validation.txt\n")
    (root / "Train.txt").write_text(f"{before}images/Train/a.jpg\n{before}images/Train/b.jpg\n")
    (root / "Validation.txt").write_text(f"{before}images/Val/c.jpg\n")
    source = read_yolo(root, workers=1)
    assert {one.source: source.splits[one.group] for one in source.images} == {
        "images/Train/a.jpg": "train",
        "images/Train/b.jpg": "train",
        "images/Val/c.jpg": "val",
    }
    assert all(mask.any() for mask in masks(source).values())


def test_yolo_names_the_line_of_a_list_whose_image_is_missing(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: Train.txt\n")
    (root / "Train.txt").write_text("images/Train/a.jpg\n\nimages/Train/z.jpg\n")
    with pytest.raises(SagesegError, match=r"Train\.txt: line 3: 1 of 2 images are not in .*z\.jpg"):
        read_yolo(root, workers=1)


@pytest.mark.parametrize("layout", ["images/{}/", "{}/images/"])
def test_yolo_without_yaml_takes_folders_that_are_called_so_for_the_split(tmp_path: Path, layout: str) -> None:
    texts = {layout.format(split) + name: yolo_row(SQUARE) for split, name in (("train", "a"), ("valid", "b"))}
    root = write_yolo(tmp_path, texts, None)
    (root / "classes.txt").write_text("car\n")
    source = read_yolo(root, workers=1)
    assert sorted(source.splits[one.group] for one in source.images) == ["train", "val"]


def test_yolo_draws_no_split_where_train_and_val_are_the_same_images(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\nval: images/Train\n")
    source = read_yolo(root, workers=1)
    assert source.undecided == f"{root / 'data.yaml'}: images/Train/a.jpg is both in train and in val"
    assert [one.source for one in source.images] == ["images/Train/a.jpg", "images/Train/b.jpg"]
    assert source.splits == {}


def test_yolo_counts_texts_without_image_and_images_that_nothing_names(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\n")
    (root / "labels" / "Train" / "gone.txt").write_text(yolo_row(SQUARE))
    (root / "labels" / "classes.txt").write_text("car\n")
    left_out = {each.reason: (each.count, each.example) for each in read_yolo(root, workers=1).left_out}
    assert left_out["text files without an image"] == (1, str(root / "labels" / "Train" / "gone.txt"))
    assert left_out["images that no annotation names"] == (1, str(root / "images" / "Val" / "c.jpg"))


def test_yolo_refuses_a_folder_in_which_no_image_has_a_text_file(tmp_path: Path) -> None:
    root = write_yolo(tmp_path, LISTED, "names: [car]\ntrain: images/Train\n")
    (root / "labels").rename(root / "annotations")
    with pytest.raises(SagesegError, match=r"none of its 2 image\(s\) .* expected labels/Train/a\.txt of images/Tr"):
        read_yolo(root, workers=1)


@pytest.mark.parametrize("background", ["background", "_background_"])
def test_yolo_refuses_a_list_that_may_or_may_not_count_the_background(tmp_path: Path, background: str) -> None:
    root = write_yolo(tmp_path, {"images/a": yolo_row(SQUARE)}, None)
    (tmp_path / "names.txt").write_text(f"{background}\ncar\n")
    with pytest.raises(SagesegError, match=rf"{background} is in it, and nobody can tell whether"):
        read_yolo(root, tmp_path / "names.txt", workers=1)


def test_yolos_class_region_says_where_to_look(tmp_path: Path) -> None:
    root = write_yolo(
        tmp_path, {"images/a": yolo_row(SQUARE) + yolo_row(SQUARE[:3], 1)}, "names: [car, __region__]\ntrain: images\n"
    )
    (image,) = read_yolo(root, workers=1).images
    assert np.allclose(image.regions, [SQUARE[:3]], atol=0.01)
    assert np.count_nonzero(image.mask.read()) == 21 * 21


# VIA


@pytest.mark.parametrize("is_project", [True, False])
@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        (VIA_POLYGON, 20 * 20),
        ({"name": "rect", "x": 10, "y": 20, "width": 20, "height": 20}, 20 * 20),
        ({"name": "circle", "cx": 50, "cy": 50, "r": 10}, 316),
        ({"name": "ellipse", "cx": 50, "cy": 50, "rx": 20, "ry": 5, "theta": 0}, 316),
    ],
)
def test_via_shapes_are_drawn(tmp_path: Path, shape: dict[str, Any], pixels: int, is_project: bool) -> None:
    source = read_via(
        *write_via(tmp_path / "via.json", tmp_path / "images", [via_region(shape, type="car")], is_project=is_project),
        workers=1,
    )
    (mask,) = masks(source).values()
    assert np.count_nonzero(mask) == pixels
    assert source.classes.names == ("_background_", "car")


def test_via_turns_an_ellipse(tmp_path: Path) -> None:
    shape = {"name": "ellipse", "cx": 50, "cy": 50, "rx": 20, "ry": 5, "theta": np.pi / 2}
    (mask,) = masks(
        read_via(*write_via(tmp_path / "via.json", tmp_path / "images", [via_region(shape, type="car")]), workers=1)
    ).values()
    rows, columns = np.nonzero(mask)
    assert [int(np.ptp(rows)), int(np.ptp(columns))] == [39, 9]


def test_via_takes_the_choice_that_is_set_and_asks_for_the_attribute(tmp_path: Path) -> None:
    given = write_via(
        tmp_path / "via.json",
        tmp_path / "images",
        [via_region(VIA_POLYGON, kind={"car": True, "road": False}, colour="red")],
    )
    with pytest.raises(SagesegError, match=r"kind \(1 regions\), colour \(1 regions\); say which .* --attribute"):
        read_via(*given, workers=1)
    assert read_via(*given, attribute="kind", workers=1).classes.names == ("_background_", "car")


def test_via_regions_without_attributes_are_of_the_one_class_of_a_list(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("car\n")
    source = read_via(
        *write_via(tmp_path / "via.json", tmp_path / "images", [via_region(VIA_POLYGON)]), labels, workers=1
    )
    assert source.images[0].mask.read()[30, 20] == 1
    labels.write_text("car\nroad\n")
    with pytest.raises(SagesegError, match="no region has an attribute, .* a list of one class with --labels"):
        read_via(*write_via(tmp_path / "via.json", tmp_path / "images", [via_region(VIA_POLYGON)]), labels, workers=1)


def test_via_leaves_out_points_and_images_without_regions(tmp_path: Path) -> None:
    file, images = write_via(
        tmp_path / "via.json",
        tmp_path / "images",
        [via_region(VIA_POLYGON, type="car"), via_region({"name": "point", "cx": 1, "cy": 2}, type="car")],
    )
    content = json.loads(file.read_text())
    content["_via_img_metadata"]["b.jpg1"] = {"filename": "b.jpg", "regions": []}
    file.write_text(json.dumps(content))
    source = read_via(file, images, workers=1)
    assert [(each.reason.split(",")[0], each.count) for each in source.left_out] == [
        ("shapes of kind point", 1),
        ("images without regions", 1),
    ]


@pytest.mark.parametrize(
    ("regions", "told"),
    [
        (
            [via_region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}, t="car")],
            "a polygon of 2 points",
        ),
        (
            [via_region({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1]}, t="car")],
            "no polygon of VIA",
        ),
        ([via_region({"name": "circle", "cx": 1, "cy": 1, "r": 0}, t="car")], "no circle of VIA .*a radius of 0"),
        ([via_region(VIA_POLYGON)], "no region has an attribute"),
        ([via_region(VIA_POLYGON, t="car"), via_region(VIA_POLYGON, t="")], "t is ''; expected the name of one class"),
        (["what"], r"via\.json: a\.jpg123: no filename and regions in it"),
        (
            [via_region({"name": "circle", "cx": 1e400, "cy": 1, "r": 3}, t="car")],
            r"a\.jpg123, from byte \d+ on: not JSON \(Infinity is no number\)",
        ),
        (
            [
                via_region(VIA_POLYGON, t="car"),
                via_region({"name": "circle", "cx": 1, "cy": 1, "r": 3}, t="__region__"),
            ],
            "region 1: a region to look at is a polygon or a rect, no circle",
        ),
    ],
)
def test_via_names_the_region_that_is_broken(tmp_path: Path, regions: list[Any], told: str) -> None:
    with pytest.raises(SagesegError, match=told):
        read_via(*write_via(tmp_path / "via.json", tmp_path / "images", regions), workers=1)


def test_via_says_which_attributes_there_are(tmp_path: Path) -> None:
    given = write_via(tmp_path / "via.json", tmp_path / "images", [via_region(VIA_POLYGON, type="car")])
    with pytest.raises(SagesegError, match=r"--attribute kind: no region has it; expected one of type \(1 regions\)"):
        read_via(*given, attribute="kind", workers=1)


@pytest.mark.parametrize("shape", [VIA_POLYGON, {"name": "rect", "x": 10, "y": 20, "width": 20, "height": 20}])
def test_vias_class_region_says_where_to_look(tmp_path: Path, shape: dict[str, Any]) -> None:
    regions = [via_region(shape, type="__region__"), via_region({**shape, "name": "polygon"} | VIA_POLYGON, type="car")]
    (image,) = read_via(*write_via(tmp_path / "via.json", tmp_path / "images", regions), workers=1).images
    assert [list(map(list, corners)) for corners in image.regions] == [SQUARE]
    assert np.count_nonzero(image.mask.read()) == 20 * 20


def test_via_counts_images_of_no_entry_apart_from_those_without_regions(tmp_path: Path) -> None:
    file, images = write_via(tmp_path / "via.json", tmp_path / "images", [via_region(VIA_POLYGON, type="car")])
    for name in ("b.jpg", "other.jpg"):
        (images / name).write_bytes((images / "a.jpg").read_bytes())
    content = json.loads(file.read_text())
    content["_via_img_metadata"]["b.jpg1"] = {"filename": "b.jpg", "regions": []}
    file.write_text(json.dumps(content))
    left_out = {
        each.reason.split(",")[0]: (each.count, each.example) for each in read_via(file, images, workers=1).left_out
    }
    assert left_out == {
        "images that no annotation names": (1, str(images / "other.jpg")),
        "images without regions": (1, f"{file}: b.jpg"),
    }


def test_via_closes_polylines_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = via_region(VIA_POLYGON | {"name": "polyline"}, type="car")
    source = read_via(*write_via(tmp_path / "via.json", tmp_path / "images", [line]), workers=1)
    assert np.count_nonzero(source.images[0].mask.read()) == 20 * 20
    assert "note: 1 polyline(s) are taken for the polygons that closing them makes" in capsys.readouterr().err


def test_a_project_of_via_3_is_told(tmp_path: Path) -> None:
    (tmp_path / "via.json").write_text('{"project": {}, "view": {}, "metadata": {}, "file": {}}')
    with pytest.raises(SagesegError, match="a project of VIA 3, whose format is another; expected a project"):
        read_via(tmp_path / "via.json", tmp_path)
