"""Shapes become the pixels that labelme makes of them."""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.labelme.annotation import POINTS_OF_KIND, Annotation, Shape, read_annotation
from prep.readers.labelme.shapes import check_inside, count_overlap, draw_shapes
from tests.support.labelme_formula import COUNT, IDS, annotation
from tests.support.labelme_samples import in_base64, png, shape, write_json

GOLDEN = sorted((Path(__file__).parents[1] / "data" / "golden").glob("labelme_*.json"))
SIZE = (60, 40)
NUMBERS = {"a": 1, "b": 2, "c": 3}


def drawn(tmp_path: Path, *shapes: dict[str, object], version: str = "6.3.1") -> Mask:
    """Shapes of class a, b or c on 60 × 40 pixels."""
    return draw_shapes(read_annotation(write_json(tmp_path / "x.json", list(shapes), version=version)), NUMBERS, SIZE)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_masks_are_those_that_labelme_draws(path: Path, tmp_path: Path) -> None:
    """Golden masks: `oracles/labelme_golden.py`, run with labelme and the Pillow of constraints.txt."""
    golden = json.loads(path.read_text())
    assert len(golden["masks"]) == COUNT
    for number, packed in enumerate(golden["masks"]):
        content = annotation(number, golden["labelme"])
        (tmp_path / "x.json").write_text(json.dumps(content))
        width, height = content["imageWidth"], content["imageHeight"]
        expected = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8).reshape(height, width)
        mask = draw_shapes(read_annotation(tmp_path / "x.json"), IDS, (width, height))
        assert np.array_equal(mask, expected), f"annotation {number}: {[s['shape_type'] for s in content['shapes']]}"


def test_there_is_a_golden_file_for_each_way_of_drawing() -> None:
    """Before 7 bends of linestrips are cut, since 7 they are round."""
    assert {path.stem.split("_")[1].split(".")[0] for path in GOLDEN} == {"6", "7"}


corners = st.tuples(st.floats(-20, 80), st.floats(-20, 60))


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    kind = draw(st.sampled_from([kind for kind in POINTS_OF_KIND if kind != "mask"]))
    fewest, most = POINTS_OF_KIND[kind]
    points = draw(st.lists(corners, min_size=fewest, max_size=most or fewest + 4))
    return Shape("", draw(st.sampled_from("abc")), kind, tuple(points))


@given(st.lists(shapes(), max_size=6))
def test_one_canvas_for_all_is_a_canvas_for_each_laid_over_each_other(drawings: list[Shape]) -> None:
    def annotated(*own: Shape) -> Annotation:
        return Annotation(Path("x"), (6, 3), None, None, None, own)

    expected = np.zeros(SIZE[::-1], np.uint8)
    covering = []
    for drawing in drawings:
        alone = draw_shapes(annotated(drawing), dict.fromkeys(NUMBERS, 9), SIZE) == 9
        expected[alone] = NUMBERS[drawing.label]
        covering.append((drawing.label, alone))
    assert np.array_equal(draw_shapes(annotated(*drawings), NUMBERS, SIZE), expected)
    by_class = [
        np.any([alone for label, alone in covering if label == name] + [expected < 0], axis=0) for name in "abc"
    ]
    assert count_overlap(annotated(*drawings), NUMBERS, SIZE) == np.count_nonzero(np.sum(by_class, axis=0) > 1)


def test_a_later_shape_lies_over_an_earlier_one_and_the_overlap_is_counted(tmp_path: Path) -> None:
    under = shape("a", [[0, 0], [9, 9]], "rectangle")
    over = shape("b", [[8, 8], [12, 12]], "rectangle")
    mask = drawn(tmp_path, under, over)
    assert (mask[8:13, 8:13] == 2).all()
    assert (mask == 1).sum() == 100 - 4
    found = read_annotation(write_json(tmp_path / "x.json", [under, over]))
    assert count_overlap(found, NUMBERS, SIZE) == 4


def test_background_and_ignore_are_drawn_too(tmp_path: Path) -> None:
    path = write_json(
        tmp_path / "x.json",
        [
            shape("car", [[0, 0], [9, 9]], "rectangle"),
            shape("_background_", [[2, 2], [3, 3]], "rectangle"),
            shape("__ignore__", [[5, 5], [5, 5]], "rectangle"),
        ],
    )
    mask = draw_shapes(read_annotation(path), IDS, SIZE)
    assert np.bincount(mask[:10, :10].ravel(), minlength=256)[[0, 1, 255]].tolist() == [4, 95, 1]


@pytest.mark.parametrize(
    ("kind", "points", "pixels"),
    [
        ("rectangle", [[9, 9], [2, 3]], 8 * 7),  # corners in any order
        ("point", [[20, 20]], 97),  # a disc of radius 5
        ("points", [[20, 20], [40, 20]], 2 * 97),
        ("line", [[10, 20], [30, 20]], 21 * 10),
        ("circle", [[20, 20], [20, 25]], 97),
    ],
)
def test_what_each_kind_covers(tmp_path: Path, kind: str, points: list[list[int]], pixels: int) -> None:
    assert (drawn(tmp_path, shape("a", points, kind)) == 1).sum() == pixels


def test_bends_of_linestrips_are_round_since_labelme_7(tmp_path: Path) -> None:
    strip = shape("a", [[10, 10], [40, 10], [40, 30]], "linestrip")
    older, newer = drawn(tmp_path, strip, version="6.3.1"), drawn(tmp_path, strip, version="7.0.0")
    assert (newer[older == 1] == 1).all()
    assert 0 < (newer != older).sum() < 30


def test_a_mask_shape_may_reach_over_the_edge(tmp_path: Path) -> None:
    patch = np.ones((6, 8), np.uint8)
    patch[0, 0] = 0
    corner = shape("a", [[-3, -2], [4, 3]], "mask", mask=in_base64(png(patch)))
    mask = drawn(tmp_path, corner)
    assert (mask == 1).sum() == 5 * 4
    mask = drawn(tmp_path, shape("a", [[2, 1], [9, 6]], "mask", mask=in_base64(png(patch))))
    assert mask[1, 2] == 0
    assert mask[1:7, 2:10].sum() == 47


def test_fractional_corners_of_masks_are_cut_off_before_7_1_and_rounded_since(tmp_path: Path) -> None:
    dot = shape("a", [[2.7, 1.2], [2.7, 1.2]], "mask", mask=in_base64(png(np.ones((1, 1), np.uint8))))
    assert np.argwhere(drawn(tmp_path, dot, version="7.0.4")).tolist() == [[1, 2]]
    assert np.argwhere(drawn(tmp_path, dot, version="7.1.0")).tolist() == [[1, 3]]


@pytest.mark.parametrize("version", ["5.4.1", "7.0.4", "7.1.0", "7.9.1"])
@pytest.mark.parametrize("size", [(4, 5), (3, 5), (9, 9)])
def test_a_mask_larger_than_its_corners_is_cut_to_them(tmp_path: Path, size: tuple[int, int], version: str) -> None:
    """Corners of whole pixels, 4 × 3 of them: so 7.9.1 draws it; before 7.1 labelme could not."""
    larger = shape("a", [[2, 1], [5, 3]], "mask", mask=in_base64(png(np.ones(size, np.uint8))))
    mask = drawn(tmp_path, larger, version=version)
    assert mask[1:4, 2:6].all()
    assert mask.sum() == 12


@pytest.mark.parametrize(("corner", "place"), [(2.4, 2), (2.6, 3)])
def test_fractional_corners_place_a_mask_and_do_not_cut_it(tmp_path: Path, corner: float, place: int) -> None:
    patch = in_base64(png(np.ones((3, 5), np.uint8)))
    mask = drawn(tmp_path, shape("a", [[corner, 1], [4.4, 3]], "mask", mask=patch), version="7.9.1")
    assert mask[1:4, place : place + 5].all()
    assert mask.sum() == 15


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 0], [20, 20]], r"shapes\[0\] \(a\): its mask has 3×3 pixels, its corners span 21×21"),
        ([[0, 0], [2, 3]], "corners span 3×4"),
        ([[5, 5], [3, 3]], "corners span -1×-1"),
    ],
)
def test_a_mask_smaller_than_its_corners_is_refused(tmp_path: Path, points: list[list[float]], message: str) -> None:
    wrong = shape("a", points, "mask", mask=in_base64(png(np.ones((3, 3), np.uint8))))
    with pytest.raises(SagesegError, match=message):
        drawn(tmp_path, wrong)


@pytest.mark.parametrize(
    ("kind", "points", "inside"),
    [
        ("polygon", [[100, 1], [120, 1], [110, 9]], False),
        ("polygon", [[-9, -9], [-3, -9], [-3, -1]], False),
        ("polygon", [[-50, -50], [150, -50], [30, 200]], True),  # no corner inside, but the image is
        ("circle", [[-10, 20], [-10, 32]], True),
        ("circle", [[-30, 20], [-30, 32]], False),
        ("point", [[-4, 5]], True),
        ("point", [[-6, 5]], False),
    ],
)
def test_shapes_outside_the_image_are_named(tmp_path: Path, kind: str, points: list[list[float]], inside: bool) -> None:
    found = read_annotation(write_json(tmp_path / "x.json", [shape("a", points, kind)]))
    if inside:
        check_inside(found, SIZE)
        assert draw_shapes(found, NUMBERS, SIZE).any()
        return
    with pytest.raises(SagesegError, match=r"x\.json: shapes\[0\] \(a\): lies outside the image of 60×40"):
        check_inside(found, SIZE)
