"""Regions of Label Studio become the pixels that they cover."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.labelled_image import LabelledImage, Source
from prep.readers.labelstudio.reader import read_labelstudio
from prep.readers.labelstudio.shapes import Shape, draw
from prep.readers.orientation import settle_orientations
from tests.support.labelme_samples import jpeg_with_orientation
from tests.support.labelstudio_samples import (
    HEIGHT,
    WIDTH,
    annotation,
    bitmask,
    box,
    brush,
    minimal,
    polygon,
    region,
    task,
    write_export,
    write_images,
)


def read(folder: Path, tasks: list[Any], **more: Any) -> Source:
    """The source of an export whose images are a1.png, a2.png …"""
    images = write_images(folder / "images", *(f"a{each['id']}.png" for each in tasks))
    return read_labelstudio(write_export(folder, tasks), images, workers=1, **more)


def only(source: Source) -> LabelledImage:
    (image,) = source.images
    return image


def drawn(folder: Path, *results: dict[str, Any]) -> Mask:
    return only(read(folder, [task(1, annotation(*results))])).mask.read()


def boxes(*sides: tuple[int, int, int, int, int]) -> Mask:
    """Left, top, right, bottom and value, one over the other."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, top, right, bottom, value in sides:
        mask[top:bottom, left:right] = value
    return mask


def test_a_box_covers_its_pixels(tmp_path: Path) -> None:
    assert np.array_equal(drawn(tmp_path, box(5, 10, 20, 30)), boxes((5, 10, 20, 30, 1)))


def test_a_polygon_is_cocos(tmp_path: Path) -> None:
    """A square from 10 to 20 covers 100 pixels."""
    assert drawn(tmp_path, polygon([[10, 10], [20, 10], [20, 20], [10, 20]])).sum() == 100


@pytest.mark.parametrize(("angle", "sides"), [(90, (10, 20, 20, 25)), (180, (15, 15, 20, 25)), (270, (20, 15, 30, 20))])
def test_a_box_turns_clockwise_about_its_corner(tmp_path: Path, angle: int, sides: tuple[int, int, int, int]) -> None:
    """Five wide, ten high, from (20, 20) on; 180 and 270 lead to where it lay before the turn was undone."""
    corner = {90: (20, 20), 180: (20, 25), 270: (20, 20)}[angle]
    result = box(corner[0], corner[1], corner[0] + 5, corner[1] + 10)
    result["value"]["rotation"] = angle
    assert np.array_equal(drawn(tmp_path, result), boxes((*sides, 1)))


@given(
    st.floats(-10, 110),
    st.floats(-10, 110),
    st.floats(0.5, 60),
    st.floats(0.5, 60),
    st.floats(0, 360),
)
def test_an_ellipse_covers_the_pixels_whose_centres_it_holds(
    x: float, y: float, radius_x: float, radius_y: float, angle: float
) -> None:
    """Pixel by pixel: turned back about the centre, where is it in the ellipse that lies upright?"""
    value = {"x": x, "y": y, "radiusX": radius_x, "radiusY": radius_y, "rotation": angle}
    found = draw(Shape("here", "ellipse", "car", value, None, None), 1, (WIDTH, HEIGHT))
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    height, width = found.flags.shape
    mask[found.top : found.top + height, found.left : found.left + width] = found.flags
    back = math.radians(-angle)
    for row, column in np.ndindex(mask.shape):
        across, down = column + 0.5 - x / 100 * WIDTH, row + 0.5 - y / 100 * HEIGHT
        along = (across * math.cos(back) - down * math.sin(back)) / (radius_x / 100 * WIDTH)
        beside = (across * math.sin(back) + down * math.cos(back)) / (radius_y / 100 * HEIGHT)
        distance = along**2 + beside**2
        if abs(distance - 1) > 1e-9:
            assert mask[row, column] == (distance < 1)


def test_brushes_and_bitmasks_are_their_pixels(tmp_path: Path) -> None:
    flags = np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.3
    alpha = np.where(flags, np.random.default_rng(2).integers(1, 256, flags.shape), 0).astype(np.uint8)
    for folder, result in ((tmp_path / "brush", brush(flags)), (tmp_path / "bitmask", bitmask(alpha))):
        assert np.array_equal(drawn(folder, result), flags)


def test_later_regions_lie_over_earlier_ones_and_overlaps_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = boxes((0, 0, 10, 10, 1)) > 0
    image = only(read(tmp_path, [task(1, annotation(box(5, 5, 15, 15, "a"), brush(flags, "b")))]))
    assert np.array_equal(image.mask.read(), boxes((5, 5, 15, 15, 1), (0, 0, 10, 10, 2)))
    assert image.attributes == {"overlap_pixels": "25"}
    assert "overlap in 25 pixels of 1 image(s); the later region decided" in capsys.readouterr().err


def test_a_region_with_its_label_apart_is_one(tmp_path: Path) -> None:
    """As <Rectangle> with <Labels> writes it, and with a choice for the region."""
    bare = box(5, 5, 15, 15, None, type="rectangle")
    label = box(5, 5, 15, 15, None, type="labels")
    choice = box(5, 5, 15, 15, None, type="choices")
    label["value"]["labels"] = ["car"]
    choice["value"]["choices"] = ["old"]
    assert np.array_equal(drawn(tmp_path, bare, label, choice), boxes((5, 5, 15, 15, 1)))


def test_what_covers_nothing_is_counted(tmp_path: Path) -> None:
    point = region("keypoint", {"x": 5, "y": 5, "width": 1})
    choice = {"id": "c", "type": "choices", "from_name": "x", "to_name": "image", "value": {"choices": ["night"]}}
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    erased = brush(np.zeros((HEIGHT, WIDTH), np.bool_))
    source = read(tmp_path, [task(1, annotation(box(5, 5, 15, 15), point, choice, relation, erased))])
    counts = {each.reason: each.count for each in source.left_out}
    assert counts == {
        "keypoints, which cover nothing": 1,
        "results that are no regions (choices, relations …)": 2,
        "shapes that cover no pixel of their image": 1,
    }
    assert np.array_equal(only(source).mask.read(), boxes((5, 5, 15, 15, 1)))


def test_an_image_without_regions_is_background(tmp_path: Path) -> None:
    source = read(tmp_path, [task(1, annotation()), task(2, annotation(box(5, 5, 15, 15)))])
    assert [image.mask.read().any() for image in source.images] == [False, True]
    assert source.images[0].mask.read().shape == (HEIGHT, WIDTH)


def test_classes_are_the_labels_by_name_or_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task(1, annotation(box(0, 0, 5, 5, "tree"), box(9, 9, 15, 15, "car"), box(20, 20, 30, 30, "__ignore__")))]
    source = read(tmp_path, tasks)
    assert source.classes.names == ("_background_", "car", "tree")
    assert np.array_equal(only(source).mask.read(), boxes((0, 0, 5, 5, 2), (9, 9, 15, 15, 1), (20, 20, 30, 30, 255)))
    assert "the classes are those drawn, by name: __ignore__, car, tree" in capsys.readouterr().err
    labels = tmp_path / "labels.txt"
    labels.write_text("tree\n__ignore__\nroad\ncar\n")
    source = read(tmp_path, tasks, labels=labels)
    assert source.classes.names == ("_background_", "tree", "road", "car")
    assert np.array_equal(only(source).mask.read(), boxes((0, 0, 5, 5, 1), (9, 9, 15, 15, 3), (20, 20, 30, 30, 255)))
    labels.write_text("tree\n__ignore__\ncat\n")
    with pytest.raises(SagesegError, match=r"result\[1\] \(r1\), car: label 'car' is not in .* nearest there is 'cat'"):
        read(tmp_path, tasks, labels=labels)


def test_background_may_be_drawn(tmp_path: Path) -> None:
    mask = drawn(tmp_path, box(0, 0, 20, 20), box(5, 5, 10, 10, "background"))
    assert np.array_equal(mask, boxes((0, 0, 20, 20, 1), (5, 5, 10, 10, 0)))


def test_regions_to_look_at_are_no_objects(tmp_path: Path) -> None:
    image = only(read(tmp_path, [task(1, annotation(box(0, 0, 20, 20), box(5, 10, 30, 40, "__region__")))]))
    assert np.array_equal(image.mask.read(), boxes((0, 0, 20, 20, 1)))
    assert sorted(image.regions[0]) == [(5, 10), (5, 40), (30, 10), (30, 40)]


def test_an_image_that_exif_turns(tmp_path: Path) -> None:
    """Its size tells which way up it was drawn on; regions to look at turn with it."""
    images = tmp_path / "images"
    images.mkdir()
    stored = np.zeros((WIDTH, HEIGHT, 3), np.uint8)
    (images / "a1.jpg").write_bytes(jpeg_with_orientation(stored, 6))
    upright = task(1, annotation(box(5, 10, 20, 30), box(0, 0, 10, 20, "__region__")), image="a1.jpg")
    (image,) = settle_orientations(read_labelstudio(write_export(tmp_path, [upright]), images, workers=1).images, None)
    assert np.array_equal(image.mask.read(), boxes((5, 10, 20, 30, 1)))
    turned: dict[str, Any] = {"original_width": HEIGHT, "original_height": WIDTH}
    value = {"x": 25.0, "y": 10.0, "width": 50.0, "height": 30.0}
    results = (region("rectangle", value, **turned), region("rectangle", value, "__region__", id="r2", **turned))
    as_stored = task(1, annotation(*results), image="a1.jpg")
    (image,) = settle_orientations(
        read_labelstudio(write_export(tmp_path, [as_stored]), images, workers=1).images, None
    )
    found = image.mask.read()
    assert found.shape == (HEIGHT, WIDTH)
    rows, columns = np.nonzero(found)
    xs, ys = zip(*image.regions[0], strict=True)
    assert (min(xs), max(xs)) == (columns.min() - 1, columns.max())
    assert (min(ys), max(ys)) == (rows.min(), rows.max() + 1)


def test_json_min_holds_the_same(tmp_path: Path) -> None:
    results = [box(5, 5, 15, 15), box(10, 10, 20, 20, "tree")]
    image = only(read(tmp_path, [minimal(1, {"tool": results, "note": []})]))
    assert np.array_equal(image.mask.read(), boxes((5, 5, 15, 15, 1), (10, 10, 20, 20, 2)))


def test_json_min_does_not_know_the_order_of_two_tools(tmp_path: Path) -> None:
    one, other = box(5, 5, 15, 15, "a"), box(10, 10, 20, 20, "b")
    with pytest.raises(SagesegError, match="regions of second and of another tool overlap in 25 pixels"):
        read(tmp_path / "unsure", [minimal(1, {"first": [one], "second": [other]})])
    other = box(10, 10, 20, 20, "a")
    source = read(tmp_path / "sure", [minimal(1, {"first": [one], "second": [other]})])
    assert np.array_equal(only(source).mask.read(), boxes((5, 5, 15, 15, 1), (10, 10, 20, 20, 1)))


BOX = box(5, 5, 15, 15)
OTHER_SIZE = box(1, 1, 9, 9, original_width=WIDTH + 1)
TWO = box(5, 5, 15, 15)
TWO["value"] = TWO["value"] | {"rectanglelabels": ["car", "tree"]}


def changed(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    return result | {"value": result["value"] | more}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([box(5, 5, 15, 15, None)], r"result\[0\] \(r1\): a region \(rectangle\) with no label"),
        ([box(5, 5, 15, 15, " ")], r"a region \(rectangle\) with no label"),
        ([box(5, 5, 15, 15, "a\nb")], r"a label with a line break or no text"),
        ([TWO], r"with the labels car, tree; a pixel has one class"),
        ([BOX, OTHER_SIZE], r"annotation 11: its regions were drawn at 50×40 and 51×40 pixels"),
        ([OTHER_SIZE], r"annotation 11: drawn at 51×40 pixels, but .*a1.png has 50×40"),
        ([box(5, 5, 15, 15, image_rotation=90)], r"drawn on the image turned by 90°"),
        ([polygon([[1, 1], [9, 9]])], r"result\[0\] \(r1\), car: a polygon of 2 points; expected three or more"),
        ([changed(polygon([[1, 1], [9, 9], [1, 9]]), points=[[1, 2, 3]])], r"points are \[\[1, 2, 3\]\]"),
        ([changed(BOX, x="5")], r"x holds '5'; expected percent"),
        ([changed(BOX, width=math.nan)], r"not JSON \(NaN is no number"),
        ([changed(BOX, rectanglelabels="car")], r"rectanglelabels is car; expected a list"),
        ([region("vector", {"vertices": [], "closed": True})], r"a vector, whose curves are not drawn"),
        ([brush(np.ones((HEIGHT, WIDTH + 1), np.bool_))], r"rle cannot be decoded: 8160 values, but 50×40"),
        ([changed(brush(np.ones((HEIGHT, WIDTH), np.bool_)), rle=[0, 1])], r"rle cannot be decoded: it is cut short"),
        ([bitmask(np.ones((HEIGHT, WIDTH + 1), np.uint8))], r"its bitmask has 51×40 pixels, the image 50×40"),
        ([region("bitmask", {"imageDataURL": "https://x/y.png"})], r"imageDataURL cannot be read \(no image in base64"),
        ([box(1, 1, 9, 9, original_width=0.5)], r"original_width × original_height is 0.5 × 40; expected whole"),
        ([BOX | {"value": 7}], r"result\[0\] \(r1\): value: 7; expected an object"),
        (
            [
                box(1, 1, 9, 9, "__region__"),
                region("ellipse", {"x": 1, "y": 1, "radiusX": 2, "radiusY": 2}, "__region__"),
            ],
            r"a region to look at is a polygon or a rectangle, not of kind ellipse",
        ),
    ],
)
def test_what_is_no_region_is_told_with_its_place(tmp_path: Path, results: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(SagesegError, match=told) as caught:
        read(tmp_path, [task(1, annotation(*results))])
    assert str(tmp_path / "export.json") in str(caught.value)


def test_a_bitmask_without_transparency_covers_nobody_knows_what(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (WIDTH, HEIGHT), 255).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    with pytest.raises(SagesegError, match="L without transparency"):
        drawn(tmp_path, region("bitmask", {"imageDataURL": url}))
