"""KITTI's road and lane masks: colours become classes, what KITTI does not score is ignore."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.images import encode_image, read_image
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.kitti import read_kitti

RED, MAGENTA, BLACK = (255, 0, 0), (255, 0, 255), (0, 0, 0)
WIDTH, HEIGHT = 30, 12


def mask(*, odd: tuple[int, int, int] = BLACK) -> np.ndarray:
    pixels = np.full((HEIGHT, WIDTH, 3), RED, np.uint8)
    pixels[6:, 10:20] = MAGENTA
    pixels[:2, :5] = odd
    return pixels


def add(root: Path, stem: str, *, kinds: tuple[str, ...] = ("road",), day: int | None = None) -> None:
    """An image, its masks, and a calibration file where `day` is given."""
    training = root / "training"
    for folder in ("image_2", "gt_image_2", "calib"):
        (training / folder).mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(list((training / "image_2").iterdir()))).integers(0, 256, (HEIGHT, WIDTH, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(training / "image_2" / f"{stem}.png")
    for kind in kinds:
        category, number = stem.split("_")
        Image.fromarray(mask()).save(training / "gt_image_2" / f"{category}_{kind}_{number}.png")
    if day is not None:
        lines = f"P0: {day}\nP1: 0\nP2: 0\nP3: 0\nTr_cam_to_road: {stem}\n"  # the last changes with every image
        (training / "calib" / f"{stem}.txt").write_text(lines)


@pytest.fixture
def road(tmp_path: Path) -> Path:
    for stem in ("um_000000", "um_000001", "umm_000000", "uu_000000"):
        add(tmp_path / "kitti", stem, kinds=("road", "lane") if stem.startswith("um_") else ("road",))
    return tmp_path / "kitti"


def test_red_is_background_magenta_the_target_and_black_ignore(road: Path) -> None:
    source = read_kitti(road, "road")
    assert source.classes.names == ("_background_", "road")
    ids = source.images[0].mask.read()
    assert (ids[6:, 10:20] == 1).all()
    assert (ids[:2, :5] == 255).all()
    assert np.bincount(ids.ravel(), minlength=256)[[0, 1, 255]].tolist() == [30 * 12 - 60 - 10, 60, 10]


def test_lanes_are_those_of_um(road: Path) -> None:
    source = read_kitti(road, "lane")
    assert source.classes.names == ("_background_", "lane")
    assert [image.source for image in source.images] == [f"training/image_2/um_00000{i}.png" for i in (0, 1)]


def test_groups_are_the_categories_where_nothing_else_is_known(road: Path) -> None:
    source = read_kitti(road, "road")
    assert [image.group for image in source.images] == ["um", "um", "umm", "uu"]
    assert [image.attributes["category"] for image in source.images] == ["um", "um", "umm", "uu"]


def test_groups_are_runs_of_one_calibration(tmp_path: Path) -> None:
    for number, day in enumerate((1, 1, 2, 2, 1)):
        add(tmp_path, f"um_{number:06}", day=day)
    add(tmp_path, "uu_000000", day=1)
    groups = [image.group for image in read_kitti(tmp_path, "road").images]
    assert groups == ["um_000000", "um_000000", "um_000002", "um_000002", "um_000004", "uu_000000"]


def test_group_by_overrules(road: Path) -> None:
    source = read_kitti(road, "road", group_by=re.compile(r"(\d+)$"))
    assert [image.group for image in source.images] == ["000000", "000001", "000000", "000000"]


def lists(folder: Path, **stems: list[str]) -> dict[str, Path]:
    paths = {split: folder / f"{split}3.txt" for split in stems}
    for split, path in paths.items():
        lines = [
            f"training/image_2/{stem}.png training/gt_image_2/{stem.replace('_', '_road_')}.png"
            for stem in stems[split]
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
    return paths


def test_kittisegs_lists_are_the_split(road: Path, tmp_path: Path) -> None:
    chosen = lists(tmp_path, train=["um_000000", "umm_000000"], val=["um_000001"])
    source = read_kitti(road, "road", lists=chosen)
    write_dataset(source, tmp_path / "out", PrepOptions(crop=None, workers=1))
    rows = open_dataset(tmp_path / "out").rows
    assert {row.id: row.split for row in rows} == {"um_000000": "train", "um_000001": "val", "umm_000000": "train"}
    assert len({row.group for row in rows}) == 3  # um is divided by the lists, so its halves are groups


def test_images_that_are_not_taken_are_counted(road: Path, tmp_path: Path) -> None:
    assert read_kitti(road, "road").left_out == ()
    (left,) = read_kitti(road, "lane").left_out
    assert (left.reason, left.count) == ("images without a mask for lane", 2)
    (left,) = read_kitti(road, "road", lists=lists(tmp_path, train=["um_000000"], val=["um_000001"])).left_out
    assert (left.reason, left.count) == ("images in none of the lists", 2)


def test_png_images_become_jpeg_once(road: Path, tmp_path: Path) -> None:
    write_dataset(read_kitti(road, "road"), tmp_path / "out", PrepOptions(crop=None, workers=1))
    dataset = open_dataset(tmp_path / "out")
    pixels = read_image(road / "training" / "image_2" / "uu_000000.png")
    assert dataset.image_path("uu_000000").read_bytes() == encode_image(pixels)


def test_what_is_missing_or_strange_is_named(road: Path, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="--target sky: expected road, lane or road,lane"):
        read_kitti(road, "sky")
    with pytest.raises(SagesegError, match=r"val3\.txt: uu_000009 has no mask"):
        read_kitti(road, "road", lists=lists(tmp_path, train=["um_000000"], val=["uu_000009"]))
    with pytest.raises(SagesegError, match=r"val3\.txt: line 1: um_000000 stands in train already"):
        read_kitti(road, "road", lists=lists(tmp_path, train=["um_000000"], val=["um_000000"]))
    with pytest.raises(SagesegError, match=r"um_000001: the lists put it into val, and others of its group"):
        read_kitti(
            road, "road", lists=lists(tmp_path, train=["um_000000"], val=["um_000001"]), group_by=re.compile("(um)")
        )
    (road / "training" / "image_2" / "um_000001.png").unlink()
    with pytest.raises(SagesegError, match=r"um_road_000001\.png: its image .*um_000001\.png is missing"):
        read_kitti(road, "road")


def test_a_missing_target_says_where_there_are_lanes(tmp_path: Path) -> None:
    add(tmp_path, "uu_000000")
    with pytest.raises(SagesegError, match=r"no mask for lane, .* which KITTI has for um only"):
        read_kitti(tmp_path, "lane")


def test_a_colour_without_a_meaning_is_named_with_its_place(road: Path) -> None:
    Image.fromarray(mask(odd=(0, 255, 0))).save(road / "training" / "gt_image_2" / "uu_road_000000.png")
    with pytest.raises(
        SagesegError, match=r"uu_road_000000\.png: colour 0,255,0 at \(0, 0\) means nothing; expected 255"
    ):
        read_kitti(road, "road").images[-1].mask.read()


@pytest.mark.parametrize("target", ["road,lane", "lane, road"])
def test_lane_lies_on_road_where_both_are_asked_for(road: Path, target: str) -> None:
    lane = np.full((HEIGHT, WIDTH, 3), RED, np.uint8)
    lane[7:, 12:15] = MAGENTA
    lane[:7] = BLACK
    Image.fromarray(lane).save(road / "training" / "gt_image_2" / "um_lane_000000.png")
    source = read_kitti(road, target)
    assert source.classes.names == ("_background_", "road", "lane")
    assert [image.image.stem for image in source.images] == ["um_000000", "um_000001"]
    assert [(left.reason, left.count) for left in source.left_out] == [("images without a mask for road and lane", 2)]
    ids = source.images[0].mask.read()
    expected = np.zeros((HEIGHT, WIDTH), int)
    expected[6:, 10:20] = 1
    expected[7:, 12:15] = 2
    expected[6, 10:20] = expected[:2, :5] = 255  # road of which no lane is known; what is valid for neither
    assert ids.tolist() == expected.tolist()


def test_a_lane_of_another_size_is_refused_and_a_new_one_read_again(road: Path) -> None:
    path = road / "training" / "gt_image_2" / "um_lane_000001.png"
    before = read_kitti(road, "road,lane").images[1]
    Image.fromarray(mask()[:-1]).save(path)
    changed = read_kitti(road, "road,lane").images[1]
    with pytest.raises(SagesegError, match=r"um_lane_000001\.png: 30 x 11; expected 30 x 12, the size of um_road_0"):
        changed.mask.read()
    assert repr(before) != repr(changed)  # by which prep knows that its crops are old


@pytest.mark.parametrize("content", [b"", b"\x93\xff\x00P0", b"<html>404</html>", "P0: 1".encode("utf-16")])
def test_a_damaged_calibration_divides_no_sequence(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        add(tmp_path, f"um_{number:06}", day=1)
    (tmp_path / "training" / "calib" / "um_000001.txt").write_bytes(content)
    images = read_kitti(tmp_path, "road").images
    assert [image.group for image in images] == ["um_000000"] * 3
    assert [image.own_group for image in images] == ["um_000000", None, "um_000000"]
    assert "um_000001.txt: no line of P0 to P3, in 1 calibration file(s)" in capsys.readouterr().err


def test_lists_of_windows_name_the_same_images(road: Path, tmp_path: Path) -> None:
    path = tmp_path / "train3.txt"
    path.write_bytes(b"\xef\xbb\xbftraining\\image_2\\um_000001.png training\\gt_image_2\\um_road_000001.png\r\n")
    assert [image.image.stem for image in read_kitti(road, "road", lists={"train": path}).images] == ["um_000001"]
