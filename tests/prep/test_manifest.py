"""Augmented manifests: masks by colour and class name, which lines count, and what is refused with its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.masks import read_mask
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.annotations.named_images import UNNAMED
from prep.readers.labelled_image import LeftOut, Source
from prep.readers.manifest.hex_mask import HexMask
from prep.readers.manifest.lines import parse_time
from prep.readers.manifest.reader import read_manifest_file
from tests.support.manifest_samples import (
    BLUE,
    GREEN,
    HEIGHT,
    WHITE,
    WIDTH,
    classified,
    colour_map,
    coloured,
    ids_of,
    line,
    note,
    photo,
    read,
    rgb,
    save,
    synced,
    write_manifest,
)


def left_out(source: Source) -> list[LeftOut]:
    """What is left out but for image files that no line names, which `root` leaves lying there."""
    return [each for each in source.left_out if each.reason != UNNAMED]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    synced(tmp_path / "bucket", range(3))
    return tmp_path


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA"])
def test_a_mask_is_read_by_its_colours_whatever_its_mode(tmp_path: Path, mode: str) -> None:
    synced(tmp_path / "bucket", range(3), mode)
    source = read(tmp_path, [line(number) for number in range(3)])
    assert source.classes.names == ("_background_", "car", "road")
    assert [image.source for image in source.images] == [f"photos/im{number}.jpg" for number in range(3)]
    for number, image in enumerate(source.images):
        assert (image.mask.read() == ids_of(number)).all()


def test_a_dataset_is_made_of_it(root: Path) -> None:
    source = read(root, [line(number) for number in range(3)])
    write_dataset(source, root / "out", PrepOptions(crop=None, workers=1, val=1))
    dataset = open_dataset(root / "out")
    assert dataset.info["source_format"] == "manifest"
    assert (read_mask(dataset.mask_path("im1")) == ids_of(1)).all()


def test_a_class_is_its_name_and_not_the_key_in_the_map_of_a_line(root: Path) -> None:
    maps = [{"BACKGROUND": WHITE, "car": GREEN, "road": BLUE}, {"road": BLUE, "car": GREEN, "BACKGROUND": WHITE}]
    lines = [line(number, metadata=note(maps[number])) for number in range(2)]
    lines[0]["seg-ref-metadata"]["internal-color-map"] = colour_map(maps[0], first=7)
    for number, image in enumerate(read(root, lines).images):
        assert (image.mask.read() == ids_of(number)).all()


def test_one_colour_may_mean_two_classes_in_two_lines(root: Path) -> None:
    other = note({"BACKGROUND": WHITE, "van": GREEN, "road": BLUE})
    source = read(root, [line(0), line(1, metadata=other)])
    assert source.classes.names == ("_background_", "car", "road", "van")
    assert (source.images[1].mask.read() == np.array([0, 3, 2], np.uint8)[ids_of(1)]).all()


@given(
    ids=st.lists(st.lists(st.integers(0, 5), min_size=7, max_size=7), min_size=1, max_size=6),
    colours=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=6, max_size=6, unique=True),
    mode=st.sampled_from(["P", "RGB", "RGBA"]),
)
def test_every_painting_is_read_as_it_was_painted(
    tmp_path_factory: pytest.TempPathFactory, ids: list[list[int]], colours: list[tuple[int, int, int]], mode: str
) -> None:
    path = tmp_path_factory.mktemp("mask") / "m.png"
    mask = np.array(ids, np.uint8)
    coloured(mask, ["#{:02X}{:02x}{:02x}".format(*colour) for colour in colours], mode).save(path)
    table = dict(zip(colours, (0, 4, 2, 255, 1, 3), strict=True))
    assert (HexMask(path, table, "line 1").read() == np.array(list(table.values()), np.uint8)[mask]).all()


# which label


def adjusted(number: int, name: str = "adjusted-seg", made: str = "2026-04-01T08:00:00", **more: Any) -> dict[str, Any]:
    """A line of an adjustment job, in whose masks what was car is van."""
    metadata = note({"BACKGROUND": WHITE, "van": GREEN, "road": BLUE}, made, **more)
    return line(number) | {f"{name}-ref": line(number)["seg-ref"], f"{name}-ref-metadata": metadata}


def classes_of(source: Source, number: int) -> set[str]:
    return {source.classes.names[class_id] for class_id in np.unique(source.images[number].mask.read())[1:]}


@pytest.mark.parametrize(
    ("name", "more"),
    [("adjusted-seg", {}), ("second-look", {"adjustment-status": "adjusted"}), ("adjust", {"job-name": "x/y"})],
)
def test_the_newest_adjustment_is_meant(
    root: Path, name: str, more: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = read(root, [adjusted(0, name, **more), line(1)])
    assert (classes_of(source, 0), classes_of(source, 1)) == ({"van", "road"}, {"car", "road"})
    assert f"masks of {name}-ref for 1 image(s), seg-ref for 1 image(s); --job NAME" in capsys.readouterr().err


def test_metadata_is_found_as_the_guide_writes_it_for_adjustments(root: Path) -> None:
    entry = adjusted(0)
    entry["adjusted-seg-metadata"] = entry.pop("adjusted-seg-ref-metadata")
    assert classes_of(read(root, [entry]), 0) == {"van", "road"}


@pytest.mark.parametrize("job", ["seg", "seg-ref"])
def test_a_job_can_be_asked_for(root: Path, job: str) -> None:
    assert classes_of(read(root, [adjusted(0), line(1)], job=job), 0) == {"car", "road"}
    by_name = read(root, [adjusted(0, **{"job-name": "labeling-job/fix-it"}), line(1)], job="fix-it")
    assert [image.source for image in by_name.images] == ["photos/im0.jpg"]
    assert [(each.reason, each.count) for each in left_out(by_name)] == [("lines that fix-it has not labelled", 1)]


@pytest.mark.parametrize(
    "entry",
    [
        adjusted(0, "second"),
        adjusted(0, made="last week"),
        adjusted(0, made="2026-03-01T10:00:00.000001"),
        adjusted(0, made="2025-01-01T00:00:00"),
    ],
)
def test_where_the_newest_is_not_known_to_adjust_the_others_the_job_is_asked_for(root: Path, entry: Any) -> None:
    with pytest.raises(SagesegError, match=r"line 1: masks of 2 jobs, seg-ref \(2026-03-01\) and .*--job NAME$"):
        read(root, [entry])


def verified(entry: dict[str, Any], word: str, made: str = "2026-05-01T00:00:00") -> dict[str, Any]:
    verdict = {"class-name": word, "type": "groundtruth/label-verification", "creation-date": made}
    return entry | {"check": 1, "check-metadata": verdict}


def test_verdicts_are_told_and_leave_out_by_choice(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [verified(line(0), "bad"), verified(line(1), "good"), verified(adjusted(2), "bad", "2026-03-15T00:00:00")]
    assert len(read(root, lines).images) == 3
    told = capsys.readouterr().err
    assert "a verification job said bad of 1 image(s), good of 1 image(s), which stay; --leave-out VERDICT" in told
    source = read(root, lines, leave_out=["bad"])
    assert [image.source for image in source.images] == ["photos/im1.jpg", "photos/im2.jpg"]
    (left,) = left_out(source)
    assert (left.reason, left.count) == ("images whose labels a verification job called bad", 1)
    with pytest.raises(SagesegError, match="--leave-out ugly: no label has this verdict; there is bad, good"):
        read(root, lines, leave_out=["ugly"])


# which lines


def test_lines_without_a_label_are_counted_by_reason(root: Path) -> None:
    failed = {"failure-reason": "ClientError: tasks expired", "retry-count": 1}
    lines = [
        line(0),
        line(1, seg_ref=..., metadata=failed),
        line(2, seg_ref=..., seg_ref_metadata=...),
        {"source-ref": "s3://b/photos/im7.jpg", "seg-metadata": failed},
    ]
    manifest = root / "output.manifest"
    assert {each.reason: (each.count, each.example) for each in left_out(read(root, lines))} == {
        "lines whose labelling failed": (2, f"{manifest}: line 2 (ClientError: tasks expired)"),
        "lines that nobody labelled": (1, f"{manifest}: line 3"),
    }


def test_empty_lines_a_byte_order_mark_and_other_keys_say_nothing(root: Path) -> None:
    entry = line(1, thumbnail_ref="s3://b/t.png", crowd={"a": 1})
    assert len(read(root, ["\ufeff", line(0), "\n", entry, "\n"]).images) == 2


def test_lookouts_normal_images_are_empty_and_anomalies_without_mask_left_out(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare: dict[str, Any] = {"seg_ref": ..., "seg_ref_metadata": ...}
    lines = [
        classified(line(0), "anomaly"),
        classified(line(1, **bare), "normal"),
        classified(line(2, **bare), "anomaly"),
    ]
    source = read(root, lines)
    assert [image.source for image in source.images] == ["photos/im0.jpg", "photos/im1.jpg"]
    empty = source.images[1].mask.read()
    assert (empty.shape, int(empty.sum())) == ((HEIGHT, WIDTH), 0)
    (left,) = left_out(source)
    assert (left.reason, left.count) == ("images called anomaly that have no mask", 1)
    assert "1 image(s) without a mask are called normal, such as s3://b/photos/im1.jpg" in capsys.readouterr().err


def test_a_normal_image_that_another_job_painted_is_not_empty(root: Path) -> None:
    other = classified(line(1), "normal")
    other["old-ref"], other["old-ref-metadata"] = other.pop("seg-ref"), other.pop("seg-ref-metadata")
    source = read(root, [line(0), other], job="seg-ref")
    assert [image.source for image in source.images] == ["photos/im0.jpg"]
    assert [each.reason for each in left_out(source)] == ["lines that seg-ref has not labelled"]


def test_images_may_share_a_mask_of_background_of_any_size(root: Path) -> None:
    shared = {"seg_ref": "s3://b/dummy.png", "metadata": note({"BACKGROUND": WHITE})}
    save(root / "bucket" / "dummy.png", Image.new("RGB", (5, 5), WHITE))
    source = read(root, [line(0), line(1, **shared), line(2, **shared)])
    assert [image.mask.read().shape for image in source.images] == [(HEIGHT, WIDTH)] * 3
    assert not source.images[1].mask.read().any()
    save(root / "bucket" / "dummy.png", Image.new("RGB", (5, 5), GREEN))
    with pytest.raises(SagesegError, match=r"line 2: .*dummy\.png: colour #2ca02c at \(0, 0\)"):
        read(root, [line(0), line(1, **shared)])


def test_folders_called_like_the_class_of_their_images_are_no_groups(root: Path) -> None:
    lines = []
    for folder in ("normal", "anomaly"):
        for number in range(2):
            save(root / "bucket" / folder / f"{number}.jpg", photo(number))
            entry = line(number, source_ref=f"s3://b/{folder}/{number}.jpg")
            lines.append(classified(entry, folder))
    assert {image.group for image in read(root, lines).images} == {"normal/0", "normal/1", "anomaly/0", "anomaly/1"}


def test_folders_below_the_one_of_all_images_are_groups(root: Path) -> None:
    for camera in ("left", "right"):
        for number in range(2):
            save(root / "bucket" / "shoot" / camera / f"{number}.jpg", photo(number))
    lines = [
        line(number, source_ref=f"s3://b/shoot/{camera}/{number}.jpg")
        for camera in ("left", "right")
        for number in range(2)
    ]
    assert [image.group for image in read(root, lines).images] == ["left", "left", "right", "right"]
    assert {image.group for image in read(root, [line(0), line(1)]).images} == {"im0", "im1"}


# opacity


def brushed(path: Path, mode: str) -> None:
    """A soft brush on nothing: rows of one colour at the opacities 0, 1, 127, 128, 254, 255, then nothing."""
    opacity = np.zeros((HEIGHT, WIDTH), np.uint8)
    opacity[:6] = np.array([0, 1, 127, 128, 254, 255], np.uint8)[:, None]
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:6, :, :3] = rgb(GREEN)
    pixels[..., 3] = opacity
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "RGBA":
        Image.fromarray(pixels).save(path)
        return
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[:6] = np.arange(1, 7, dtype=np.uint8)[:, None]
    image = Image.fromarray(values)
    image.putpalette([0, 0, 0, *list(rgb(GREEN)) * 6])
    image.save(path, transparency=bytes([0, 0, 1, 127, 128, 254, 255]))


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_opacity_says_where_a_soft_brush_ends(root: Path, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    brushed(root / "bucket" / "out" / "seg" / "annotations" / "0_2026-03-01T10:00:00.000001.png", mode)
    (image,) = read(root, [line(0, metadata=note({"cracked": GREEN}))]).images
    assert image.mask.read()[:, 0].tolist() == [0, 0, 0, 1, 1, 1] + [0] * (HEIGHT - 6)
    told = capsys.readouterr().err
    assert f"{4 * WIDTH} pixel(s) of 1 mask(s) are partly transparent" in told
    assert "the maps of 1 line(s) have no BACKGROUND, such as line 1: white and what is transparent" in told


def test_white_is_background_where_a_map_names_none_and_not_where_it_names_another(root: Path) -> None:
    metadata = note({"car": GREEN, "road": BLUE})
    assert (read(root, [line(0, metadata=metadata)]).images[0].mask.read() == ids_of(0)).all()
    with pytest.raises(SagesegError, match=r"colour #ffffff at \(0, 0\) is not in the map of this line"):
        read(root, [line(0, metadata=note({"BACKGROUND": "#000000", "car": GREEN, "road": BLUE}))])


# classes


def test_a_list_gives_the_order_and_ignore(root: Path) -> None:
    labels = root / "labels.txt"
    labels.write_text("road\ncar\n")
    source = read(root, [line(0)], labels=labels)
    assert source.classes.names == ("_background_", "road", "car")
    assert (source.images[0].mask.read() == np.array([0, 2, 1], np.uint8)[ids_of(0)]).all()
    ignored = note({"BACKGROUND": WHITE, "car": GREEN, "__ignore__": BLUE})
    assert (read(root, [line(0, metadata=ignored)]).images[0].mask.read() == np.array([0, 1, 255])[ids_of(0)]).all()
    labels.write_text("BACKGROUND\nroad\ncar\n")
    assert read(root, [line(0)], labels=labels).classes.names == ("_background_", "road", "car")
    labels.write_text("road\nvan\n")
    with pytest.raises(SagesegError, match=r"line 1: internal-color-map: label 'car' is not in .*labels\.txt"):
        read(root, [line(0)], labels=labels)


def test_a_class_can_be_the_background(root: Path) -> None:
    source = read(root, [line(0)], background="road")
    assert source.classes.names == ("_background_", "car")
    assert (source.images[0].mask.read() == np.array([0, 1, 0], np.uint8)[ids_of(0)]).all()


# references


def test_relative_references_are_looked_for_beside_the_manifest(root: Path) -> None:
    entry = line(0, source_ref="photos/im0.jpg", seg_ref="out/seg/annotations/0_2026-03-01T10:00:00.000001.png")
    path = write_manifest(root / "bucket" / "m.manifest", [entry])
    (image,) = read_manifest_file(path, workers=1).images
    assert (image.source, image.group) == ("photos/im0.jpg", "im0")
    assert (image.mask.read() == ids_of(0)).all()


def test_images_and_masks_may_lie_in_two_folders(root: Path) -> None:
    folders = {"images": root / "bucket" / "photos", "masks": root / "bucket" / "out"}
    (image,) = read(root, [line(1)], **folders).images
    assert image.source == "im1.jpg"
    assert (image.mask.read() == ids_of(1)).all()


def test_image_files_that_no_line_names_are_counted_and_those_of_left_out_lines_are_not(root: Path) -> None:
    lines = [adjusted(0), line(1, seg_ref_metadata=...)]
    (left,) = read(root, lines, images=root / "bucket" / "photos", masks=root / "bucket").left_out[1:2]
    assert (left.reason, left.count) == (UNNAMED, 1)


def test_images_that_nobody_has_are_left_out_by_choice_and_masks_are_not(root: Path) -> None:
    source = read(root, [line(0), line(1, source_ref="s3://b/photos/gone.jpg")], skip_missing=True)
    (left,) = left_out(source)
    assert (left.count, left.example) == (1, "b/photos/gone.jpg")
    with pytest.raises(SagesegError, match=r"line 2: its mask s3://b/gone\.png is not there"):
        read(root, [line(0), line(1, seg_ref="s3://b/gone.png")], skip_missing=True)


def test_keys_of_two_buckets_are_not_taken_for_one_image(root: Path) -> None:
    with pytest.raises(SagesegError, match=r"line 1 and .*line 2: both are .*photos/im0\.jpg"):
        read(root, [line(0), line(0, bucket="other")])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-01T10:00:00.123456", "2026-03-01 10:00:00+00:00"),
        ("2026-03-01T10:00:00.123Z", "2026-03-01 10:00:00+00:00"),
        ("2020-05-15T08:01:16+0000", "2020-05-15 08:01:16+00:00"),
        ("Mon Aug 22 2022 13:52:52 GMT-0700 (Pacific Daylight Time)", "2022-08-22 13:52:52-07:00"),
        ("yesterday", "None"),
        (None, "None"),
    ],
)
def test_every_tools_time_is_read(text: str | None, told: str) -> None:
    found = parse_time(text)
    assert str(found and found.replace(microsecond=0)) == told
