"""labelme's files are checked at the border: every version is read, what is wrong is named."""

import json
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.labelme.annotation import POINTS_OF_KIND, read_annotation
from tests.support.labelme_samples import TRIANGLE, in_base64, png, shape, write_json

POINTS: dict[int, list[list[float]]] = {
    1: [[3, 3]],
    2: [[3, 3], [9, 9]],
    3: TRIANGLE,
    4: [[1, 1], [9, 1], [9, 9], [1, 9]],
}


@pytest.mark.parametrize(
    "content",
    [
        # as of 2017, 2018, 3.5, 4.0, 5.3, 6.3
        {"shapes": [shape(kind=None, line_color=None, fill_color=None)], "imageData": "eA==", "imagePath": "a.jpg",
         "fillColor": [255, 0, 0, 128], "lineColor": [0, 255, 0, 128]},
        {"shapes": [shape(kind=None)], "lineColor": None, "imagePath": "a.jpg", "imageData": None},
        {"version": "3.5.0", "flags": {}, "shapes": [shape(line_color=None)], "imagePath": "a.jpg", "imageData": ""},
        {"version": "4.0.0", "flags": {}, "shapes": [shape(group_id=None, flags={})], "imagePath": "a.jpg",
         "imageData": None, "imageHeight": 338, "imageWidth": 500},
        {"version": "5.3.1", "flags": {"night": True}, "shapes": [shape(description=None)], "imagePath": "a.jpg",
         "imageData": "eA==", "imageHeight": 338, "imageWidth": 500},
        {"version": "6.3.1", "shapes": [shape(mask=None, description="")], "imagePath": "a.jpg", "imageData": None},
    ],
)  # fmt: skip
def test_every_version_since_2017_is_read(tmp_path: Path, content: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = read_annotation(tmp_path / "a.json")
    assert [(s.label, s.kind, s.points) for s in found.shapes] == [("car", "polygon", tuple(map(tuple, TRIANGLE)))]
    assert found.image_path == "a.jpg"
    assert found.image_data == (content["imageData"] or None)
    assert found.size == ((500, 338) if "imageWidth" in content else None)


@pytest.mark.parametrize("kind", POINTS_OF_KIND)
def test_every_shape_type_is_read(tmp_path: Path, kind: str) -> None:
    mask = in_base64(png(np.ones((7, 7), np.uint8)))
    drawing = shape(points=POINTS[POINTS_OF_KIND[kind][0]], kind=kind, mask=mask if kind == "mask" else None)
    (found,) = read_annotation(write_json(tmp_path / "a.json", [drawing])).shapes
    assert found.kind == kind
    assert (found.patch is not None) == (kind == "mask")


BOX: list[list[float]] = [[30.5, 40], [80, 40], [80, 140], [30.5, 140]]


@pytest.mark.parametrize(
    "corners", [BOX, BOX[::-1], BOX[2:] + BOX[:2], [[x + 4e-4, y - 4e-4] for x, y in BOX], [*BOX, BOX[0]]]
)
def test_a_rectangle_by_four_corners_is_the_one_by_two(tmp_path: Path, corners: list[list[float]]) -> None:
    """X-AnyLabeling writes them so."""
    path = write_json(tmp_path / "a.json", [shape(points=corners, kind="rectangle", score=None, flags=None)])
    (found,) = read_annotation(path).shapes
    assert np.allclose(found.points, [[30.5, 40.0], [80.0, 140.0]], atol=1e-3)
    assert found.kind == "rectangle"


@pytest.mark.parametrize(
    "corners",
    [
        [[30, 40], [80, 45], [75, 140], [25, 135]],  # tilted
        [[30, 40], [80, 40], [80, 140], [30, 139]],
        [[30, 40], [80, 40], [80, 140], [80, 140]],
    ],
)
def test_four_corners_that_are_no_upright_box_are_refused(tmp_path: Path, corners: list[list[float]]) -> None:
    path = write_json(tmp_path / "a.json", [shape(points=corners, kind="rectangle")])
    with pytest.raises(SagesegError, match=r"shapes\[0\] \(car\): a rectangle whose four corners are no upright box"):
        read_annotation(path)


@given(st.tuples(*[st.floats(-1e5, 1e5)] * 4), st.permutations(range(4)))
def test_corners_of_a_box_may_come_in_any_order(sides: tuple[float, ...], order: list[int]) -> None:
    left, right, top, bottom = *sorted(sides[:2]), *sorted(sides[2:])
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    with TemporaryDirectory() as folder:
        path = write_json(Path(folder) / "a.json", [shape(points=[corners[i] for i in order], kind="rectangle")])
        assert read_annotation(path).shapes[0].points == ((left, top), (right, bottom))


@pytest.mark.parametrize(("kind", "same"), [("rotation", "oriented_rectangle"), ("quadrilateral", "polygon")])
def test_tilted_boxes_and_quadrilaterals_of_x_anylabeling_are_read(tmp_path: Path, kind: str, same: str) -> None:
    corners = [[30, 40], [80, 45], [75, 140], [25, 135]]
    (found,) = read_annotation(
        write_json(tmp_path / "a.json", [shape(points=corners, kind=kind, direction=0.1)])
    ).shapes
    assert (found.kind, found.points) == (same, tuple(map(tuple, corners)))


def test_labels_have_one_spelling(tmp_path: Path) -> None:
    spellings = {unicodedata.normalize(form, "Straße_é") for form in ("NFC", "NFD")}
    found = read_annotation(write_json(tmp_path / "a.json", [shape(label) for label in spellings])).shapes
    assert len(spellings) == 2
    assert {own.label for own in found} == {"Straße_é"}


@pytest.mark.parametrize(
    ("label", "encoding", "command"),
    [
        ("汽车", "gb18030", "Chinese with iconv -f gb18030 -t utf-8"),
        ("車", "cp932", "Japanese with cp932"),
        ("자동차", "cp949", "Korean with cp949"),
        ("Straße", "cp1252", "western languages with cp1252"),
        ("Straße", "utf-16", "convert it with iconv -f utf-16 -t utf-8"),
    ],
)
def test_text_in_an_encoding_of_windows_is_told_with_the_command_that_converts_it(
    tmp_path: Path, label: str, encoding: str, command: str
) -> None:
    path = write_json(tmp_path / "a.json", [shape(label)])
    text = path.read_text().encode("ascii").decode("unicode_escape")
    path.write_bytes(text.encode(encoding))
    with pytest.raises(SagesegError, match=r"a\.json: not UTF-8 text; expected .* \(before 4\.4 it wrote") as caught:
        read_annotation(path)
    assert command in str(caught.value)
    path.write_bytes(path.read_bytes().decode(encoding).encode("utf-8-sig").replace(b"\n", b"\r\n"))
    assert read_annotation(path).shapes[0].label == label


def test_backslashes_become_slashes(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", [], imagePath="..\\images\\a.jpg")
    assert read_annotation(path).image_path == "../images/a.jpg"


@pytest.mark.parametrize("kind", POINTS_OF_KIND)
def test_too_few_points_are_refused(tmp_path: Path, kind: str) -> None:
    fewest, _ = POINTS_OF_KIND[kind]
    drawing = shape(points=POINTS[4][: fewest - 1], kind=kind)
    with pytest.raises(SagesegError, match=rf"a\.json: shapes\[1\] \(car\): {kind} of {fewest - 1} points; expected"):
        read_annotation(write_json(tmp_path / "a.json", [shape(), drawing]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"a\.json: not JSON"),
        ("{", r"a\.json: not JSON"),
        ("[]", r"a\.json: not an object; expected a JSON file that labelme wrote"),
        ('{"annotations": []}', r'a\.json: "shapes" is missing'),
        ('{"shapes": [{}]}', r'shapes\[0\]: expected an object with a "label"'),
        ('{"shapes": [{"label": 3}]}', r'shapes\[0\]: expected an object with a "label"'),
        ('{"shapes": [{"label": "car"}]}', r"shapes\[0\] \(car\): points are None; expected pairs"),
        ('{"shapes": [{"label": "car", "points": [[1]]}]}', r"\(car\): points are \[\[1\]\]"),
        ('{"shapes": [{"label": "car", "points": [[1, "x"]]}]}', r"\(car\): points are"),
        ('{"shapes": [{"label": "car", "points": [[0, 0], [9, NaN], [9, 9]]}]}', r"point \(9, nan\) is not finite"),
        ('{"shapes": [{"label": "car", "points": [[0, 0], [9, 1e400], [9, 9]]}]}', r"point \(9, inf\) is not finite"),
        ('{"shapes": [{"label": "car", "points": [[0, 0], [9, 1e9], [9, 9]]}]}', r"over 1,000,000 pixels away"),
        (
            '{"shapes": [{"label": "car", "shape_type": "circle", "points": [[0, 0], [0, 100001]]}]}',
            r"shapes\[0\] \(car\): a circle of a radius of 100,001 pixels; expected 100,000 at most",
        ),
        ('{"shapes": [{"label": "car", "shape_type": "ellipse"}]}', "shape_type is 'ellipse'; expected one of polygon"),
        ('{"shapes": [], "imagePath": 7}', "imagePath is 7; expected text"),
        ('{"shapes": [], "imageWidth": 0, "imageHeight": 9}', "imageWidth × imageHeight is 0 × 9"),
        (
            '{"shapes": [{"label": "car", "shape_type": "mask", "points": [[0, 0], [1, 1]]}]}',
            "its mask cannot be read",
        ),
        (
            '{"shapes": [{"label": "car", "shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": "%%"}]}',
            "its mask cannot be read",
        ),
        ("[" * 100_000, r"a\.json: not JSON"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(SagesegError, match=message):
        read_annotation(tmp_path / "a.json")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(SagesegError, match=r"a\.json: not UTF-8 text"):
        read_annotation(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\x89PNG\0\0")
    with pytest.raises(SagesegError, match=r"a\.json: not UTF-8 text") as caught:
        read_annotation(tmp_path / "a.json")
    assert "iconv" not in str(caught.value)
