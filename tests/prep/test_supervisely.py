"""Supervisely's projects become the pixels that its own SDK draws."""

import base64
import json
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from formats import limits
from formats.errors import SagesegError
from formats.masks import Mask
from prep.readers.supervisely import read_supervisely
from tests.support.small_formats import (
    SQUARE,
    masks_of,
    supervisely_polygon,
    write_supervisely,
)

GOLDEN = Path(__file__).parents[1] / "data" / "golden"


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
    drawn = masks_of(read_supervisely(tmp_path, workers=1))
    assert drawn.keys() == expected.keys()
    assert [name for name, mask in expected.items() if not np.array_equal(drawn[name], mask)] == []


def test_supervisely_fills_a_polygon_with_its_outline_and_takes_interiors_out(tmp_path: Path) -> None:
    hole = [[15, 25], [25, 25], [25, 35], [15, 35]]
    (mask,) = masks_of(
        read_supervisely(write_supervisely(tmp_path, [supervisely_polygon(SQUARE, [hole])]), workers=1)
    ).values()
    assert np.count_nonzero(mask) == 21 * 21 - 11 * 11
    assert mask[20, 10] == 1


@pytest.mark.parametrize("mode", ["1", "RGBA"])
def test_supervisely_puts_a_bitmap_at_its_origin(tmp_path: Path, mode: str) -> None:
    flags = np.array([[1, 0, 1], [0, 1, 0]], np.uint8)
    (mask,) = masks_of(read_supervisely(write_supervisely(tmp_path, [bitmap(flags, mode)]), workers=1)).values()
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


def test_supervisely_counts_objects_that_cover_no_pixel(tmp_path: Path) -> None:
    beyond = supervisely_polygon([[900, 5], [909, 5], [909, 9]])
    (left_out,) = read_supervisely(
        write_supervisely(tmp_path, [beyond, supervisely_polygon(SQUARE)]), workers=1
    ).left_out
    assert (left_out.reason, left_out.count) == ("shapes that cover no pixel of their image", 1)


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
    (mask,) = masks_of(read_supervisely(write_supervisely(tmp_path / "a", packed[:1]), workers=1)).values()
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
    assert sorted(masks_of(read_supervisely(root, workers=1))) == ["ds/a.jpg", "ds/b.v2.jpg"]
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


@pytest.mark.parametrize("corners", [SQUARE, SQUARE[::-1], SQUARE[::2], SQUARE[1::2]])
def test_supervisely_rectangles_may_have_all_their_corners(tmp_path: Path, corners: list[list[int]]) -> None:
    box = supervisely_polygon(corners) | {"geometryType": "rectangle"}
    (mask,) = masks_of(read_supervisely(write_supervisely(tmp_path, [box]), workers=1)).values()
    (square,) = masks_of(
        read_supervisely(write_supervisely(tmp_path / "of", [supervisely_polygon(SQUARE)]), workers=1)
    ).values()
    assert np.array_equal(mask, square)


@pytest.mark.parametrize("corners", [SQUARE[:1], SQUARE[:3], [[10, 20], [30, 25], [28, 40], [8, 38]]])
def test_supervisely_rectangles_of_other_corners_are_refused(tmp_path: Path, corners: list[list[int]]) -> None:
    box = supervisely_polygon(corners) | {"geometryType": "rectangle"}
    with pytest.raises(SagesegError, match=r"objects\[0\]: .* points, expected two corners, or the four of an upright"):
        read_supervisely(write_supervisely(tmp_path, [box]), workers=1)


def test_a_bitmap_that_unfolds_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write_supervisely(tmp_path, [bitmap(np.ones((3, 4), np.uint8))])
    monkeypatch.setattr(limits, "MOST_BITMAP", 20)
    with pytest.raises(SagesegError, match=r"objects\[0\]: no bitmap of Supervisely .*cut short, or too large"):
        read_supervisely(project, workers=1)
