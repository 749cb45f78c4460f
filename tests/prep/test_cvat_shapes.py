"""Shapes of CVAT's XML become the pixels that CVAT makes of them."""

import base64
import json
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.annotations.canvas import paint
from prep.readers.cvat.shapes import draw_shapes
from tests.support.cvat_formula import COUNT, IDS, samples

GOLDEN = sorted((Path(__file__).parents[1] / "data" / "golden").glob("cvat_*.json"))
SIZE = (40, 30)
NUMBERS = {"a": 1, "b": 2, "c": 3}


def parsed(*texts: str) -> list[tuple[str | None, ElementTree.Element]]:
    return [(None, ElementTree.fromstring(text)) for text in texts]  # noqa: S314  # text of ours


def drawn(*shapes: str, size: tuple[int, int] = SIZE, ids: dict[str, int] | None = None) -> Mask:
    numbers = ids or NUMBERS
    return paint(draw_shapes(parsed(*shapes), lambda label, _: numbers[label], size, "x.xml: image a").regions, size)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_masks_are_those_that_cvats_libraries_draw(path: Path) -> None:
    """Golden masks: `oracles/cvat_golden.py`, run with cvat-sdk and Datumaro."""
    golden = json.loads(path.read_text())
    assert len(golden["masks"]) == COUNT
    for number, packed in enumerate(golden["masks"]):
        (width, height), shapes = samples(number)
        expected = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8).reshape(height, width)
        mask = drawn(*(shape.text for shape in shapes), size=(width, height), ids=IDS)
        assert np.array_equal(mask, expected), f"sample {number}: {[shape.kind for shape in shapes]}"


def test_there_are_golden_masks() -> None:
    assert GOLDEN


def box(label: str, left: float, top: float, right: float, bottom: float, **more: object) -> str:
    told = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<box label="{label}" xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"{told}/>'


def rle(label: str, runs: str, left: int, top: int, width: int, height: int, **more: object) -> str:
    told = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<mask label="{label}" rle="{runs}" left="{left}" top="{top}" width="{width}" height="{height}"{told}/>'


def test_a_mask_is_runs_of_rows_that_begin_with_zeros() -> None:
    mask = drawn(rle("b", "1, 3, 1, 1", 4, 2, 3, 2))
    assert mask[2:4, 4:7].tolist() == [[0, 2, 2], [2, 0, 2]]
    assert np.count_nonzero(mask) == 4
    assert drawn(rle("b", "0, 6", 4, 2, 3, 2))[2:4, 4:7].all()


def test_the_higher_z_order_lies_over_the_lower_and_of_equal_ones_the_later() -> None:
    shapes = [box("a", 0, 0, 10, 10, z_order=5), box("b", 5, 0, 15, 10, z_order=-1), box("c", 0, 5, 10, 15, z_order=5)]
    mask = drawn(*shapes)
    assert [int(mask[2, 2]), int(mask[2, 7]), int(mask[2, 12]), int(mask[7, 7])] == [1, 1, 2, 3]


def test_a_box_without_z_order_lies_at_0() -> None:
    assert drawn(box("a", 0, 0, 9, 9), box("b", 0, 0, 9, 9, z_order=-1)).max() == 1
    assert drawn(box("a", 0, 0, 9, 9), box("b", 0, 0, 9, 9, z_order=1)).max() == 2


def test_a_box_of_whole_pixels_covers_them_and_a_quarter_turn_swaps_its_sides() -> None:
    assert np.argwhere(drawn(box("a", 10, 10, 20, 20))).shape == (100, 2)
    turned = drawn(box("a", 10, 12, 20, 16, rotation="90.00"))
    assert np.array_equal(turned, drawn(box("a", 13, 9, 17, 19)))


def test_lines_points_and_tags_are_counted_and_not_drawn() -> None:
    texts = [
        '<polyline label="a" points="0,0;9,9;9,0"/>',
        '<points label="a" points="1,1;2,2"/>',
        '<cuboid label="a"/>',
        '<skeleton label="a"><points label="b" points="1,1"/></skeleton>',
        '<tag label="a"/>',
        '<tag label="a"/>',
    ]
    found = draw_shapes(parsed(*texts), lambda *_: 1, SIZE, "x")
    assert found.regions == ()
    assert dict(found.left_out) == {"polyline": 1, "points": 1, "cuboid": 1, "skeleton": 1, "tag": 2}


def test_regions_to_look_at_are_no_objects() -> None:
    texts = [box("__region__", 1, 2, 3, 4), '<polygon label="__region__" points="0,0;9,0;9,9"/>']
    found = draw_shapes(parsed(*texts), lambda *_: 1, SIZE, "x")
    assert found.regions == ()
    assert found.focus == (((1, 2), (3, 2), (3, 4), (1, 4)), ((0, 0), (9, 0), (9, 9)))


POLYGON = '<polygon label="a" points="{}"/>'
ELLIPSE = '<ellipse label="a" cx="{}" cy="5" rx="{}" ry="3"/>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (POLYGON.format("1,2;3,4"), r"shape 1 \(polygon a\): a polygon of 2 points; expected three or more"),
        (POLYGON.format(""), "points are ''"),
        (POLYGON.format("1,2;3;4,5"), "expected x,y;x,y"),
        (POLYGON.format("1,2;3,four;4,5"), "expected x,y;x,y"),
        (POLYGON.format("1,2;3,nan;4,5"), "no finite number"),
        (POLYGON.format("1,2;3,9e9;4,5"), "over 1,000,000 pixels away"),
        (rle("a", "1, 3, 1", 4, 2, 3, 2), "run lengths of 5 pixels, but its width and height say 3×2 = 6"),
        (rle("a", "1, 3, 1, 1, 1", 4, 2, 3, 2), "run lengths of 7 pixels"),
        (rle("a", "", 4, 2, 3, 2), "rle is ''"),
        (rle("a", "1, -3, 8", 4, 2, 3, 2), "rle holds -3"),
        (rle("a", "1.5, 4.5", 4, 2, 3, 2), "expected whole numbers with commas between"),
        (rle("a", "0, 6", 38, 2, 3, 2), "at 38,2, which leaves the image of 40×30"),
        (rle("a", "0, 6", -1, 2, 3, 2), "which leaves the image"),
        (rle("a", "0", 1, 2, 3, 0), "which leaves the image"),
        ('<mask label="a" rle="0, 6" left="1" top="1" width="3"/>', "height is ''; expected a whole number"),
        (box("a", 9, 1, 3, 5), "expected the upper left corner first"),
        ('<box label="a" xtl="1" ytl="1" xbr="x" ybr="4"/>', "xbr is 'x'; expected a number"),
        (box("a", 1, 1, 3, 5, z_order="top"), "z_order is 'top'"),
        (ELLIPSE.format(9, -2), "radii -2 and 3; expected none below 0"),
        (ELLIPSE.format("inf", 2), "inf is not finite"),
        (box("__region__", 1, 1, 9e9, 5), "not finite or over 1,000,000 pixels away"),
        ('<ellipse label="__region__" cx="1"/>', "a region to look at is a polygon or a box"),
        ('<polygon label="__region__" points="1,1;2,2"/>', "a polygon of 2 points"),
        ('<brush label="a"/>', "<brush>; expected one of polygon, mask, box, ellipse"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_its_place(text: str, told: str) -> None:
    with pytest.raises(SagesegError, match=rf"^x.xml: image a.*{told}"):
        drawn(text)


@given(st.data())
def test_runs_are_decoded_as_they_were_encoded(data: st.DataObject) -> None:
    """An encoder of our own, pixel by pixel, against the reader."""
    width, height = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 9))
    pixels = data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height))
    left, top = data.draw(st.integers(0, SIZE[0] - width)), data.draw(st.integers(0, SIZE[1] - height))
    counts, value = [0], False
    for pixel in pixels:
        if pixel is not value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    expected = np.zeros(SIZE[::-1], np.uint8)
    expected[top : top + height, left : left + width] = np.array(pixels).reshape(height, width)
    assert np.array_equal(drawn(rle("a", ", ".join(map(str, counts)), left, top, width, height)), expected)
