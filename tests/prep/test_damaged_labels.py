"""Files of labels that hold what no program writes: refused in one line that names the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from formats.classes import read_labelmap
from formats.errors import SagesegError
from formats.prepared.rasters import parse_crs
from formats.video.ffmpeg_text import ShownFrames, parse_header
from prep.readers.annotations.class_names import name_classes
from prep.readers.classes.label_list import read_class_list
from prep.readers.classes.value_map import read_value_map
from prep.readers.cvat.document import read_document
from prep.readers.labelme.annotation import read_annotation
from prep.readers.regions import read_regions
from prep.readers.source_files import find_spelled, is_there
from prep.readers.supervisely import read_supervisely
from prep.readers.via.document import read_entries
from prep.readers.yolo.layout import find_layout
from tests.support.small_formats import supervisely_polygon, write_supervisely

DIGITS = "9" * 5000
DEEP = "[" * 4000 + "]" * 4000


def via(path: Path) -> None:
    read_entries(path, 1)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_labelmap, f"car:{DIGITS},0,0::"),
        (read_labelmap, "car:256,0,0::"),
        (read_class_list, f"car:{DIGITS},0,0::"),
        (read_value_map, f"{DIGITS},car"),
        (read_regions, DEEP),
        (read_regions, f'{{"shapes": {DIGITS}}}'),
        (read_regions, '{"shapes": [7]}'),
        (read_regions, '{"shapes": [{"label": "__region__", "points": [[1e999, 0], [1, 1], [2, 0]]}]}'),
        (read_regions, f'{{"shapes": [{{"label": "__region__", "points": [[{"9" * 400}, 0], [1, 1], [2, 0]]}}]}}'),
        (read_annotation, DEEP),
        (read_annotation, '{"shapes": [{"label": "", "points": []}]}'),
        (read_annotation, '{"shapes": [{"label": "a\\nb", "points": []}]}'),
        (read_annotation, '{"shapes": [{"label": "a", "points": [], "shape_type": ["polygon"]}]}'),
        (via, '{"a": {"filename": "a", "regions": [{"shape_attributes": {}, "region_attributes": [1]}]}}'),
        (via, '{"a": {"filename": "a", "regions": [{"shape_attributes": {}, "region_attributes": true}]}}'),
        (via, '{"\\q": {"filename": "a"}}'),
        (read_document, "<annotations><meta><task><size>99999999999</size><labels/></task></meta></annotations>"),
    ],
)
def test_one_line_names_the_file(tmp_path: Path, read: Callable[[Path], Any], text: str) -> None:
    path = tmp_path / "given.txt"
    path.write_text(text)
    with pytest.raises(SagesegError, match=r"given\.txt"):
        read(path)


@pytest.mark.parametrize(
    "yaml",
    [
        "names: [car]\ntrain: 7\n",
        "names: [car]\ntrain: [true]\n",
        f"names: [car]\ntrain: {'y' * 5000}\n",
        f"train: {DEEP}\n",
    ],
)
def test_yolos_yaml_names_folders(tmp_path: Path, yaml: str) -> None:
    (tmp_path / "data.yaml").write_text(yaml)
    with pytest.raises(SagesegError, match=r"data\.yaml"):
        find_layout(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"objects": [7]},
        {"objects": [{"classTitle": "car", "tags": 1.0}]},
        {"objects": [supervisely_polygon([[1, 1], [9, 1], [9, 9]]) | {"points": "far"}]},
        {"size": {"width": 2**33, "height": 9}},
        {"size": [9, 9]},
    ],
)
def test_superviselys_annotations_are_looked_at_by_kind(tmp_path: Path, change: dict[str, Any]) -> None:
    write_supervisely(tmp_path, [supervisely_polygon([[1, 1], [9, 1], [9, 9]])])
    path = tmp_path / "ds" / "ann" / "a.jpg.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SagesegError, match=r"a\.jpg\.json"):
        read_supervisely(tmp_path, workers=1)


def test_names_that_no_disk_holds_are_not_there(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    assert find_spelled(tmp_path / "a.png")
    for name in ("y" * 5000, "é" * 300, "a/" * 1500 + "é", "a\0b"):
        assert find_spelled(tmp_path / name) is None
        assert not is_there(tmp_path / name)


def test_a_label_of_thousands_of_letters_is_told_at_once() -> None:
    named = name_classes(("car", "road"), "the list")
    with pytest.raises(SagesegError, match="the nearest there is 'car'"):
        named.id_of("car" + "z" * 200_000, "a.json")


@pytest.mark.parametrize("crs", ["[[1, 2]]", "{}", "EPSG:G:25832", "", '{"a": {"b": 1}}'])
def test_what_is_no_coordinate_reference_system_is_told(crs: str) -> None:
    with pytest.raises(SagesegError, match=r"a\.geojson: crs"):
        parse_crs(crs, "a.geojson: crs")


@pytest.mark.parametrize("number", [DIGITS, "9" * 20, "0.0.0"])
def test_ffmpegs_words_are_passed_over_where_they_are_no_numbers(number: str) -> None:
    assert parse_header([f"[info]   Duration: {number}:00:02.00, start: 0.0, bitrate"]).duration is None
    frames = ShownFrames()
    for line in (f"frame:0 pts:{number}", "shown=1"):
        frames.add(line)
    assert frames.times in ([None], [0.0])
