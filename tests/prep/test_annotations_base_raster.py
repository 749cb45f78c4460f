"""Polygons and run lengths become pycocotools' pixels, whatever part of the image is drawn; overlaps are counted."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_masks

from formats.errors import SagesegError
from prep.readers.annotations import coco_raster
from prep.readers.annotations.canvas import Region, count_overlap, paint
from prep.readers.annotations.coco_raster import polygon_region, run_length_region
from prep.readers.annotations.drawn import DrawnMask
from tests.support.coco_samples import SQUARE, run_lengths

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0.11's `decode` under numpy 2."""
SIDES = st.integers(1, 24)
# fifths of pixels are where COCO's raster rounds; points may lie outside
COORDINATES = st.one_of(
    st.integers(-60, 180).map(lambda fifths: fifths / 5), st.floats(-9, 40), st.integers(-9, 40), st.floats(-400, 400)
)
RINGS = st.lists(
    st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=9).map(
        lambda points: [side for point in points for side in point]
    ),
    min_size=1,
    max_size=3,
)


def drawn(rings: list[list[float]], width: int, height: int) -> np.ndarray[Any, Any]:
    runs = coco_masks.frPyObjects([[float(side) for side in ring] for ring in rings], height, width)
    return np.asarray(coco_masks.decode(coco_masks.merge(runs)))


@settings(max_examples=200)
@given(rings=RINGS, width=SIDES, height=SIDES)
def test_polygons_are_drawn_as_pycocotools_draws_them(rings: list[list[float]], width: int, height: int) -> None:
    region = polygon_region(rings, 1, (width, height), "here")
    assert np.array_equal(paint([region], (width, height)), drawn(rings, width, height))


def test_a_region_is_no_larger_than_what_it_covers() -> None:
    region = polygon_region([SQUARE], 3, (4000, 3000), "here")
    assert (region.left, region.top, region.flags.shape) == (10, 10, (10, 10))
    assert region.flags.all()


@pytest.mark.parametrize("text", [True, False])
@given(data=st.data())
def test_run_lengths_give_the_flags_back(data: st.DataObject, text: bool) -> None:
    width, height = data.draw(SIDES), data.draw(SIDES)
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=width * height, max_size=width * height)), np.uint8)
    flags = flags.reshape(height, width)
    region = run_length_region(run_lengths(flags, text=text)["counts"], 1, (width, height), "here")
    assert np.array_equal(paint([region], (width, height)), flags)


@given(runs=st.lists(st.integers(0, 2**33), min_size=1, max_size=12))
def test_text_of_runs_is_read_as_pycocotools_writes_it(runs: list[int]) -> None:
    runs[1:] = [run % 2**31 + 1 for run in runs[1:]]
    runs[0] %= 2**31
    written = coco_masks.frPyObjects({"size": [1, 1], "counts": runs}, 1, 1)["counts"]
    assert coco_raster._text_runs(written, "here").tolist() == runs


@pytest.mark.parametrize("ring", [SQUARE[:4], SQUARE[:2], []])
def test_too_few_points_are_refused(ring: list[float]) -> None:
    with pytest.raises(SagesegError, match=rf"^here: a polygon of {len(ring) // 2} points; expected three or more"):
        polygon_region([SQUARE, ring], 1, (30, 30), "here")


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        ([*SQUARE, 1], "a polygon of 9 numbers; expected pairs"),
        ([*SQUARE[:7], "20"], "holds what is no number"),
        ([*SQUARE[:7], True], "holds what is no number"),
        ([*SQUARE[:7], None], "holds what is no number"),
        ([*SQUARE[:7], float("nan")], "no finite number, or lies over 1,000,000 pixels away"),
        ([*SQUARE[:7], float("inf")], "no finite number"),
        ([*SQUARE[:7], -1000001], "no finite number"),
        ([*SQUARE[:7], 10**400], "no finite number"),
    ],
)
def test_what_is_no_polygon_is_refused(ring: Any, message: str) -> None:
    with pytest.raises(SagesegError, match=rf"^here: .*{message}"):
        polygon_region([ring], 1, (30, 30), "here")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([3, 2], "run lengths of 5 pixels, but the image has 3×2 = 6"),
        ([3, 4], "run lengths of 7 pixels"),
        ([], "run lengths of 0 pixels"),
        ([8, -2], "what is no count of pixels"),
        ([3, 3.0], "what is no count of pixels"),
        ([5, True], "what is no count of pixels"),
        ([5, "1"], "what is no count of pixels"),
        ([10**30, 1], "but the image has 3×2"),
        ("5", "run lengths of 5 pixels"),
        ("", "run lengths of 0 pixels"),
        ("6\n", r"with the character '\\n'"),
        ("6é", "with the character 'é'"),
        ("6p", "with the character 'p'"),
        ("P", "cut short"),
        ("O", "what is no count of pixels"),
        ("o" * 40 + "0", "longer than any image"),
    ],
)
def test_run_lengths_of_another_length_never_reach_pycocotools(
    counts: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco_raster, "coco_masks", lambda: pytest.fail("it would read beyond its memory"))
    with pytest.raises(SagesegError, match=rf"^here: .*{message}"):
        run_length_region(counts, 1, (3, 2), "here")


@pytest.mark.parametrize("size", [(10**6, 10**6), (0, 4), (-4, -4), (2**31 - 1, 1)])
def test_run_lengths_over_more_than_an_image_are_refused_before_anything_is_made_of_them(size: tuple[int, int]) -> None:
    with pytest.raises(SagesegError, match=r"^here: run lengths: .* pixels; expected 1 to 178,956,970"):
        run_length_region([0, size[0] * size[1]], 1, size, "here")


@pytest.mark.parametrize("text", ["0" + "o" * 7 + "3", "".join(["oooooo?"] * 40)])
def test_runs_whose_sum_begins_again_at_zero_are_refused(text: str) -> None:
    with pytest.raises(SagesegError, match="^here: run lengths"):
        run_length_region(text, 1, (4, 4), "here")


@pytest.mark.parametrize("size", [(0, 10), (-3, 5), (100_000, 100_000)])
def test_a_mask_is_drawn_at_the_size_of_an_image_alone(size: tuple[int, int]) -> None:
    with pytest.raises(SagesegError, match=r"a\.json: what it says of an image's size: .* expected 1 to 178,956,970"):
        Drawn(Path("a.json"), size)


class Drawn(DrawnMask):
    def regions(self) -> list[Region]:
        return []


def test_without_pycocotools_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pycocotools", None)
    with pytest.raises(SagesegError, match=r"pip install -e '\.\[coco\]'"):
        polygon_region([SQUARE], 1, (30, 30), "here")


@st.composite
def regions(draw: st.DrawFn) -> Region:
    height, width = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    flags = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    place = draw(st.integers(-6, 9)), draw(st.integers(-6, 9))
    return Region(draw(st.sampled_from([0, 1, 2, 253, 255])), *place, np.array(flags, np.bool_).reshape(height, width))


def covered(region: Region, width: int, height: int) -> set[tuple[int, int]]:
    """The pixels (x, y) of the image that a region covers, one by one."""
    places = {(region.left + x, region.top + y) for y, x in np.argwhere(region.flags).tolist()}
    return {(x, y) for x, y in places if 0 <= x < width and 0 <= y < height}


@given(drawn=st.lists(regions(), max_size=6), width=st.integers(1, 8), height=st.integers(1, 8))
def test_later_regions_lie_over_earlier_and_what_classes_share_is_counted(
    drawn: list[Region], width: int, height: int
) -> None:
    mask, classes = np.zeros((height, width), np.uint8), dict[tuple[int, int], set[int]]()
    for region in drawn:
        for x, y in covered(region, width, height):
            mask[y, x] = region.class_id
            classes.setdefault((x, y), set()).add(region.class_id)
    assert np.array_equal(paint(drawn, (width, height)), mask)
    assert count_overlap(drawn, (width, height)) == sum(len(ids) > 1 for ids in classes.values())


def test_regions_of_one_class_decide_nothing() -> None:
    square = polygon_region([SQUARE], 1, (30, 30), "here")
    assert count_overlap([square, square], (30, 30)) == 0
    assert count_overlap([square, Region(255, 19, 19, square.flags)], (30, 30)) == 1
