"""Every reader looks at all files before it gives up: what is wrong with several of them is one line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.errors import SHOWN
from prep.recognise.recognise import recognise
from tests.support.export_layouts import HEIGHT, LAYOUTS, LIST, WIDTH, coco, corners, mask, photo, write
from tests.support.typed_commands import typed

BOX = corners((8, 16, 28, 48))
_MANY_COLOURS = 100


def photos(root: Path) -> list[Path]:
    """What `photo` made: masks have few colours."""
    found = [path for path in sorted(root.rglob("*")) if path.suffix in (".jpg", ".png")]
    return [
        path for path in found if len(Image.open(path).convert("RGB").getcolors(WIDTH * HEIGHT) or ()) > _MANY_COLOURS
    ]


def refused(root: Path, *words: str) -> str:
    """The one line that a command line of prep ends in."""
    ran = typed(["prep", *words, "--out", "new"], root)
    assert ran.returncode == 1, ran.stderr
    (told,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert not (root / "new").exists()
    return told


@pytest.mark.parametrize("lay_out", LAYOUTS, ids=lambda each: each.__name__)
def test_all_damaged_images_are_told(lay_out: Callable[[Path], int], tmp_path: Path) -> None:
    count = lay_out(tmp_path / "in")
    line = recognise(tmp_path / "in")[0].command
    damaged = photos(tmp_path / "in")
    for path in damaged:
        path.write_bytes(path.read_bytes()[:60])
    words = [word for word in shlex.split(line)[2:] if word not in ("--out", "DATASET")]
    told = refused(tmp_path, *words, "--keep-empty", "1")
    assert f"(1 of {count} faults: " in told
    assert sum(f"/{path.name}: cannot be read" in told for path in damaged) >= min(count, SHOWN)


def three(root: Path) -> list[str]:
    """Three photos below images."""
    for letter in "abc":
        photo(root / "images" / f"{letter}.jpg")
    return [f"{letter}.jpg" for letter in "abc"]


def cvat(root: Path) -> list[str]:
    points = ";".join(f"{x},{y}" for x, y in BOX)
    shapes = f'<polygon label="ca" occluded="0" points="{points}" z_order="0"/>' * 2
    images = "".join(
        f'<image id="{n}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>'
        for n, name in enumerate(three(root))
    )
    write(root / "annotations.xml", f"<annotations><version>1.1</version>{images}</annotations>")
    return ["cvat", "annotations.xml", "images"]


def via(root: Path) -> list[str]:
    region = {
        "shape_attributes": {
            "name": "polygon",
            "all_points_x": [x for x, _ in BOX],
            "all_points_y": [y for _, y in BOX],
        },
        "region_attributes": {"class": "ca"},
    }
    write(root / "via.json", {name: {"filename": name, "size": 1, "regions": [region] * 2} for name in three(root)})
    return ["via", "via.json", "images"]


def labelme(root: Path) -> list[str]:
    for name in three(root):
        shapes = [{"label": "ca", "points": BOX, "shape_type": "polygon"}] * 2
        write(root / "images" / f"{name[0]}.json", {"shapes": shapes, "imagePath": name, "imageData": None})
    return ["labelme", "images"]


def supervisely(root: Path) -> list[str]:
    write(root / "p" / "meta.json", {"classes": [{"title": "ca", "shape": "polygon"}]})
    each = {"classTitle": "ca", "geometryType": "polygon", "points": {"exterior": BOX, "interior": []}}
    for name in three(root):
        photo(root / "p" / "d" / "img" / name)
        size = {"width": WIDTH, "height": HEIGHT}
        write(root / "p" / "d" / "ann" / f"{name}.json", {"size": size, "objects": [each] * 2})
    return ["supervisely", "p"]


def labelstudio(root: Path) -> list[str]:
    value = {"points": [[10, 20], [40, 20], [40, 70]], "polygonlabels": ["ca"]}
    result = {
        "type": "polygonlabels", "value": value, "from_name": "l", "to_name": "i",
        "original_width": WIDTH, "original_height": HEIGHT,
    }  # fmt: skip
    write(
        root / "tasks.json",
        [
            {"id": n, "data": {"image": f"/data/upload/1/{name}"}, "annotations": [{"id": n, "result": [result]}]}
            for n, name in enumerate(three(root))
        ],
    )
    return ["labelstudio", "tasks.json", "images"]


@pytest.mark.parametrize(
    ("lay_out", "count"),
    [(cvat, 6), (via, 6), (labelme, 6), (supervisely, 6), (labelstudio, 3)],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_label_that_is_in_no_list_is_told_once_with_its_count(
    lay_out: Callable[[Path], list[str]], count: int, tmp_path: Path
) -> None:
    write(tmp_path / "labels.txt", LIST)
    told = refused(tmp_path, *lay_out(tmp_path), "--labels", "labels.txt")
    assert "label 'ca' is not in labels.txt; the nearest there is 'car'" in told
    assert f"(1 of {count} faults: label 'ca' {count} times, first in " in told


def test_labels_are_told_with_the_shapes_that_cannot_be_read(tmp_path: Path) -> None:
    (name, *_) = three(tmp_path / "in")
    unknown = [{"label": label, "points": [[1, 1]], "shape_type": "polygon"} for label in ("car", "cart", "__region__")]
    write(tmp_path / "in/images/a.json", json.dumps({"shapes": unknown, "imagePath": name}))
    write(tmp_path / "labels.txt", LIST)
    told = refused(tmp_path, "labelme", "in/images", "--labels", "labels.txt")
    assert told.count("polygon of 1 points") == len(unknown)
    assert told.count("label 'cart' is not in labels.txt") == 1
    assert "(1 of 4 faults: " in told


@pytest.mark.parametrize("values", [{"a": 7, "b": 7, "c": 7}, {"a": 7, "b": 9, "c": 7}])
def test_values_over_the_list_are_told_by_value(values: dict[str, int], tmp_path: Path) -> None:
    three(tmp_path)
    for stem, value in values.items():
        mask(tmp_path / "masks" / f"{stem}.png", (1, value))
    write(tmp_path / "labels.txt", LIST)
    told = refused(tmp_path, "pairs", "images", "masks", "--labels", "labels.txt")
    assert told.startswith("error: masks/a.png: value 7 is no class: labels.txt has 3 lines")
    count = list(values.values()).count(7)
    assert f"(1 of 3 faults: value 7 {count} times, first in masks/a.png" in told
    assert ("masks/b.png: value 9 is no class" in told) == (9 in values.values())


def test_masks_without_an_image_are_all_named(tmp_path: Path) -> None:
    three(tmp_path)
    for stem in ("a", "x", "y", "z"):
        mask(tmp_path / "masks" / f"{stem}.png")
    write(tmp_path / "masks" / "labels.txt", LIST)
    told = refused(tmp_path, "pairs", "images", "masks")
    assert "masks/x.png: no image x in images; add it" in told
    assert told.endswith("(1 of 3 faults: masks/y.png: no image y in images; masks/z.png: no image z in images)")


def test_colours_that_no_map_has_are_told_by_colour(tmp_path: Path) -> None:
    for name in three(tmp_path):
        pixels = np.full((HEIGHT, WIDTH, 3), 0, np.uint8)
        pixels[4:9] = (9, 8, 7)
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "masks" / f"{name[0]}.png")
    write(tmp_path / "map.txt", "background:0,0,0::\ncar:1,2,3::\n")
    told = refused(tmp_path, "pairs", "images", "masks", "--colors", "map.txt")
    assert "(1 of 3 faults: colour 9,8,7 3 times, first in masks/a.png)" in told


def test_rows_of_yolo_are_all_looked_at(tmp_path: Path) -> None:
    for name in three(tmp_path):
        write(tmp_path / "labels" / f"{name[0]}.txt", "0 0.1 0.1\nx\n5 0.1 0.1 0.5 0.1 0.5 0.5\n")
    write(tmp_path / "labels.txt", "car\nroad\n")
    told = refused(tmp_path, "yolo", ".", "--labels", "labels.txt")
    assert "labels/a.txt: line 2: 'x' is no number" in told
    assert "(1 of 3 faults: labels/b.txt: line 2: " in told


@pytest.mark.parametrize("key", ["image_id", "category_id"])
def test_annotations_of_nothing_are_all_counted(key: str, tmp_path: Path) -> None:
    content = coco(three(tmp_path))
    for each in content["annotations"][:4]:
        each[key] = 77
    (tmp_path / "images" / "instances.json").write_text(json.dumps(content))
    told = refused(tmp_path, "coco", "images/instances.json", "images")
    assert re.search(rf"annotations\[0\] \(id 1\): {key} 77 is the id of none of the ", told)
    assert f"(1 of 4 faults: {key} 77 4 times, first in " in told


def test_lines_of_a_manifest_are_all_looked_at(tmp_path: Path) -> None:
    (tmp_path / "output.manifest").write_text('{"a": 1}\n[]\n{"source-ref": "a.jpg"}\nnothing\n')
    told = refused(tmp_path, "manifest", "output.manifest")
    assert told.startswith("error: output.manifest: line 1: no source-ref; ")
    assert "(1 of 3 faults: output.manifest: line 2: JSON, but no object; output.manifest: line 4: not JSON" in told


def test_images_that_group_by_does_not_fit_are_all_named(tmp_path: Path) -> None:
    for name in three(tmp_path):
        mask(tmp_path / "masks" / f"{name[0]}.png")
    write(tmp_path / "masks" / "labels.txt", LIST)
    told = refused(tmp_path, "pairs", "images", "masks", "--group-by", "^(a)")
    assert "b: --group-by ^(a) finds no group in this image's name; expected one that fits all (1 of 2 " in told
    assert "(1 of 2 faults: c: --group-by" in told
