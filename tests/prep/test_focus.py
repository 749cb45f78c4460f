"""--focus keeps the crops that matter: those of an object, or of a region that somebody drew."""

import json
from pathlib import Path
from typing import Any

import pytest

from formats.dataset import Dataset, open_dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.prepared.resize import Resize
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions, parse_focus
from prep.readers.labelled_image import REGION, Polygon
from prep.readers.regions import draw_regions, read_regions, with_regions
from tests.support.prep_samples import make_source, square

GROUPS = {"a": 2, "b": 2}
LOWER_RIGHT: Polygon = ((70, 70), (149, 70), (149, 109), (70, 109))
EVERYWHERE: Polygon = ((0, 0), (149, 0), (149, 109), (0, 109))


def prepare(
    tmp_path: Path, focus: str | Path, regions: dict[str, tuple[Polygon, ...]] | None = None, **options: Any
) -> Dataset:
    source = make_source(tmp_path / "labels", GROUPS, regions=regions)
    given = {"crop": 32, "workers": 1, "overwrite": True, "focus": focus} | options
    write_dataset(source, tmp_path / "dataset", PrepOptions(**given))
    return open_dataset(tmp_path / "dataset")


def touches(row: ManifestRow, left: int, top: int) -> bool:
    """Whether a crop touches the part of the image right of `left` and below `top`, both included."""
    return row.x + row.width > left and row.y + row.height > top


def region_file(path: Path, points: Any, label: str = REGION, shape_type: str = "polygon") -> Path:
    shapes = [{"label": label, "points": points, "shape_type": shape_type}]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "5.5.0", "shapes": shapes, "imageData": None}))
    return path


def test_objects_keeps_every_crop_with_an_object_and_a_share_of_the_others_in_every_split(tmp_path: Path) -> None:
    kept = {}
    for share in (0.0, 0.3, 1.0):
        dataset = prepare(tmp_path, "objects", focus_share=share)
        assert all(row.kept for row in dataset.rows if row.foreground)
        kept[share] = {row.id for row in dataset.rows if row.kept and not row.foreground}
    empty = sum(not row.foreground for row in dataset.rows)
    assert kept[0.0] == set()
    assert kept[0.0] < kept[0.3] < kept[1.0]
    assert len(kept[1.0]) == empty
    assert {row.split for row in dataset.rows if row.id in kept[0.3]} == {"train", "val"}


def test_objects_keeps_a_tenth_of_the_others_unless_told(tmp_path: Path) -> None:
    told, untold = prepare(tmp_path, "objects", focus_share=0.1), prepare(tmp_path, "objects")
    assert [row.kept for row in told.rows] == [row.kept for row in untold.rows]


def test_another_seed_keeps_others(tmp_path: Path) -> None:
    kept = [
        {row.id for row in prepare(tmp_path, "objects", focus_share=0.5, seed=seed).rows if row.kept} for seed in (0, 1)
    ]
    assert kept[0] != kept[1]


def test_a_labelled_region_keeps_the_crops_that_it_touches(tmp_path: Path) -> None:
    dataset = prepare(
        tmp_path, "region", {f"{group}_{i}": (LOWER_RIGHT,) for group in GROUPS for i in range(2)}, keep_empty=1
    )
    for row in dataset.rows:
        assert row.kept is touches(row, 70, 70), row.id
    outside = [row for row in dataset.rows if row.foreground and not row.kept]
    assert outside  # objects that nobody looks at: dropped, and told by their foreground


def test_empty_crops_in_a_region_follow_the_rule_for_empty_crops(tmp_path: Path) -> None:
    dataset = prepare(tmp_path, "region", dict.fromkeys(("a_0", "b_0"), (EVERYWHERE,)))
    assert all(
        row.kept is (row.split == "val" or row.foreground > 0) for row in dataset.rows if row.foreground is not None
    )


def test_a_region_drawn_once_holds_for_its_group(tmp_path: Path) -> None:
    dataset = prepare(tmp_path, "region", {"a_0": (LOWER_RIGHT,), "b_1": (EVERYWHERE,)}, keep_empty=1)
    kept = {stem: sum(row.kept for row in dataset.rows if row.source_stem == stem) for stem in ("a_0", "a_1", "b_0")}
    assert kept["a_0"] == kept["a_1"] < kept["b_0"]


def test_a_group_without_a_region_is_named(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=f"no image of group b has a shape labelled {REGION}"):
        prepare(tmp_path, "region", {"a_0": (LOWER_RIGHT,)})


def test_regions_that_readers_found_do_nothing_without_the_option(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", GROUPS, regions={"a_0": (LOWER_RIGHT,)})
    assert with_regions(source.images, None) == source.images


def test_one_file_holds_for_all_and_a_folder_for_its_groups(tmp_path: Path) -> None:
    one = region_file(tmp_path / "regions.json", LOWER_RIGHT)
    dataset = prepare(tmp_path, one, keep_empty=1)
    assert all(row.kept is touches(row, 70, 70) for row in dataset.rows)
    region_file(tmp_path / "videos" / "a.json", LOWER_RIGHT)
    region_file(tmp_path / "videos" / "b.json", [[0, 0], [150, 110]], shape_type="rectangle")
    dataset = prepare(tmp_path, tmp_path / "videos", keep_empty=1)
    assert all(row.kept is (row.group == "b" or touches(row, 70, 70)) for row in dataset.rows)
    assert dataset.info["options"]["focus"] == "videos"


def test_a_group_without_its_file_is_named(tmp_path: Path) -> None:
    region_file(tmp_path / "videos" / "a.json", LOWER_RIGHT)
    with pytest.raises(SagesegError, match=r"videos/b\.json: not found; expected JSON of labelme"):
        prepare(tmp_path, tmp_path / "videos")


def test_regions_follow_a_resize(tmp_path: Path) -> None:
    one = region_file(tmp_path / "regions.json", LOWER_RIGHT)
    dataset = prepare(tmp_path, one, keep_empty=1, resize=Resize(300))
    assert any(row.kept for row in dataset.rows)
    assert all(row.kept is touches(row, 140, 140) for row in dataset.rows)


def test_a_region_that_no_crop_touches_is_told(tmp_path: Path) -> None:
    far = region_file(tmp_path / "regions.json", [[5000, 5000], [6000, 5000], [6000, 6000]])
    with pytest.raises(SagesegError, match="every crop is out of focus or empty, so none is kept; check --focus"):
        prepare(tmp_path, far)


def test_regions_as_far_as_is_allowed_can_be_drawn() -> None:
    huge: Polygon = ((-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6))
    assert draw_regions([huge], (5, 4), (1.0, 1.0)).tolist() == [[1] * 5] * 4


def test_words_and_paths_are_told_apart() -> None:
    assert [parse_focus(text) for text in ("objects", "region", "objects.json")] == [
        "objects",
        "region",
        Path("objects.json"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not the JSON of labelme"),
        ("[]", "not the JSON of labelme"),
        ("null", "not the JSON of labelme"),
        ('{"shapes": 5}', "not the JSON of labelme"),
        ('{"shapes": [5]}', "not the JSON of labelme"),
        ('{"shapes": []}', f"no shape is labelled {REGION}"),
        ('{"shapes": [{"label": "car", "points": []}]}', f"no shape is labelled {REGION}"),
        ('{"shapes": [{"label": "__region__"}]}', r"shapes\[0\]: points must be pairs of numbers"),
        ('{"shapes": [{"label": "__region__", "points": [[1, 2, 3]]}]}', r"shapes\[0\]: points must be pairs"),
        ('{"shapes": [{"label": "__region__", "points": [["x", 2]]}]}', r"shapes\[0\]: points must be pairs"),
        ('{"shapes": [{"label": "__region__", "points": [[1, 2], [3, 4]]}]}', r"shapes\[0\]: polygon of 2 points"),
        (
            '{"shapes": [{"label": "__region__", "points": [[NaN, 2], [3, 4], [5, 6]]}]}',
            r"shapes\[0\]: a point is not fin",
        ),
        (
            '{"shapes": [{"label": "__region__", "points": [[1e9, 2], [3, 4], [5, 6]]}]}',
            r"shapes\[0\]: a point is not fin",
        ),
        (
            '{"shapes": [{"label": "__region__", "points": [[1, 2], [3, 4], [5, 6]], "shape_type": "circle"}]}',
            r"shapes\[0\]: circle of 3 points; a region is a polygon or a rectangle",
        ),
    ],
)
def test_odd_region_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "regions.json"
    path.write_text(content)
    with pytest.raises(SagesegError, match=rf"regions\.json: {message}"):
        read_regions(path)


def test_region_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "regions.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SagesegError, match="not UTF-8 text; expected JSON of labelme.* iconv -f utf-16"):
        read_regions(path)


def test_the_square_lies_where_these_tests_think(tmp_path: Path) -> None:
    assert square(3)[70:, 70:].max() == 0
