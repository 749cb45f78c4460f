"""VGG Image Annotator's JSON becomes COCO's polygons, and circles and ellipses of pixels within."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from formats.errors import SagesegError
from prep.readers.orientation import settle_orientations
from prep.readers.via.reader import read_via
from tests.support.exif_samples import as_stored, with_orientation
from tests.support.prep_samples import HEIGHT, WIDTH
from tests.support.small_formats import (
    SQUARE,
    VIA_POLYGON,
    masks_of,
    via_region,
    write_via,
)


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
    (mask,) = masks_of(source).values()
    assert np.count_nonzero(mask) == pixels
    assert source.classes.names == ("_background_", "car")


def test_via_counts_regions_that_cover_no_pixel(tmp_path: Path) -> None:
    flat = via_region({"name": "rect", "x": 10, "y": 20, "width": 0, "height": 20}, type="car")
    given = write_via(tmp_path / "via.json", tmp_path / "images", [flat, via_region(VIA_POLYGON, type="car")])
    (left_out,) = read_via(*given, workers=1).left_out
    assert (left_out.reason, left_out.count) == ("shapes that cover no pixel of their image", 1)


def test_via_turns_an_ellipse(tmp_path: Path) -> None:
    shape = {"name": "ellipse", "cx": 50, "cy": 50, "rx": 20, "ry": 5, "theta": np.pi / 2}
    (mask,) = masks_of(
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
            r"a\.jpg123, from byte \d+ on: not JSON \(Infinity is no number",
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


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_via_asks_whether_images_were_shown_as_exif_turns_them(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    upright[20:40, 10:30] = 255
    stored = as_stored(upright, orientation)
    rows, columns = np.nonzero(stored[..., 0])
    expected = {"upright": (10, 20), "stored": (int(columns.min()), int(rows.min()))}
    for way, (x, y) in expected.items():
        rect = {"name": "rect", "x": x, "y": y, "width": 20, "height": 20}
        file, images = write_via(tmp_path / f"{way}.json", tmp_path / way, [via_region(rect, type="car")])
        (images / "a.jpg").write_bytes(with_orientation(stored, orientation))
        with pytest.raises(SagesegError, match=r"a\.jpg: EXIF turns .*; pass --orientation upright, as browsers"):
            read_via(file, images, workers=1)
        read = read_via(file, images, orientation=way, workers=1).images
        (settled,) = settle_orientations(read, way)
        assert np.array_equal(settled.mask.read() == 1, upright[..., 0] == 255)


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
