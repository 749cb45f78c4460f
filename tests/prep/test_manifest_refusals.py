"""What is wrong with an augmented manifest is one line that names its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.readers.manifest.lines import read_lines
from prep.readers.manifest.reader import read_manifest_file
from tests.support.manifest_samples import (
    BLUE,
    GREEN,
    HEIGHT,
    SEGMENTATION,
    WHITE,
    WIDTH,
    classified,
    colour_map,
    coloured,
    ids_of,
    line,
    note,
    read,
    save,
    synced,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    synced(tmp_path / "bucket", range(3))
    return tmp_path


def of_map(entry: Any) -> dict[str, Any]:
    return line(0, metadata=note() | {"internal-color-map": entry})


BOX = {"type": "groundtruth/object-detection", "class-map": {"0": "car"}}
BARE: dict[str, Any] = {"seg_ref": ..., "seg_ref_metadata": ...}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([line(0), "{'source-ref': 1}\n"], r"line 2: not JSON \("),
        ([line(0), '{"source-ref": "s3://b/x.jpg"\n'], r"line 2: not JSON"),
        (["[1]\n"], "line 1: JSON, but no object; expected an augmented manifest"),
        ([""], "empty; expected an augmented manifest"),
        ([line(0, source_ref=...)], "line 1: no source-ref"),
        ([line(0, source_ref=3)], "line 1: no source-ref"),
        ([line(0, source_ref=..., source="text")], "line 1: no source-ref"),
        ([line(0, seg_ref={"a": 1})], "line 1: seg-ref is {'a': 1}; expected the place of a mask"),
        ([line(0, metadata={"type": SEGMENTATION})], "seg-ref-metadata has no internal-color-map"),
        ([line(0), line(0, seg_ref="s3://b/other.png")], r"lines 1 and 2 both label s3://b/photos/im0\.jpg"),
        ([of_map({})], "internal-color-map: expected an object of colours"),
        ([of_map({"0": {"hex-color": WHITE}})], "internal-color-map: '0': no class-name"),
        ([of_map({"0": "car"})], "internal-color-map: '0': no class-name"),
        ([of_map({"0": {"class-name": "car"}})], "'0': no hex-color for car"),
        ([of_map({"0": {"class-name": "car", "hex-color": "#2ca02"}})], "'0': hex-color '#2ca02' for car"),
        ([of_map({"0": {"class-name": "car", "hex-color": "green"}})], "'0': hex-color 'green' for car"),
        ([of_map(colour_map({"car": GREEN, "road": "#2CA02C"}))], "'1': road has the colour of car, #2CA02C"),
        ([line(0, metadata=note({"BACKGROUND": WHITE, "car": GREEN}))], r"line 1: .*colour #1f77b4 at \(12, 6\)"),
        (
            [line(0), line(9)],
            r"line 2: its image s3://b/photos/im9\.jpg is not there, .* 1 image.*--images, .*--skip-missing",
        ),
        ([line(0, source_ref="s3:///x.jpg")], "line 1: s3:///x.jpg: expected s3://bucket/key"),
        ([line(0, **BARE, box={}, box_metadata=BOX)], r"bounding boxes \(box, 1 line\(s\)\) and no masks"),
        ([classified(line(0, **BARE), "dog", "pet")], "classes of whole images .pet, 1 line"),
        ([line(0, metadata={"type": "groundtruth/video-object-detection"})], "groundtruth/video-object-detection"),
        ([line(0, seg_ref_metadata=...)], "no line has a label with its metadata .*Masks of class ids"),
        ([line(0, seg_ref=..., metadata={"failure-reason": "x"})], "no line has a label with its metadata"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(root: Path, lines: list[Any], problem: str) -> None:
    with pytest.raises(SagesegError, match=rf"output\.manifest: .*{problem}|{problem}") as refused:
        read(root, lines)
    assert "\n" not in str(refused.value)


def test_a_job_that_is_not_there_is_refused(root: Path) -> None:
    with pytest.raises(SagesegError, match=r"--job other: no such job in .*; expected one of seg-ref"):
        read(root, [line(0)], job="other")


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (Image.new("RGB", (WIDTH, HEIGHT + 1), WHITE), rf"has {WIDTH}×{HEIGHT + 1} pixels, but .*{WIDTH}×{HEIGHT}"),
        (Image.new("I;16", (WIDTH, HEIGHT)), "mode I;16, 1 frame"),
        (Image.new("L", (WIDTH, HEIGHT), 200), r"colour #c8c8c8 at \(0, 0\)"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_refused(root: Path, image: Image.Image, problem: str) -> None:
    save(root / "bucket" / "out" / "seg" / "annotations" / "0_2026-03-01T10:00:00.000001.png", image)
    with pytest.raises(SagesegError, match=rf"output\.manifest: line 1: .*{problem}"):
        read(root, [line(0)])


def test_jpeg_masks_and_smoothed_edges_are_refused(root: Path) -> None:
    path = root / "bucket" / "out" / "seg" / "annotations" / "0_2026-03-01T10:00:00.000001.png"
    whole = coloured(ids_of(0), (WHITE, GREEN, BLUE), "RGB")
    whole.save(path, "JPEG")
    with pytest.raises(SagesegError, match=r"line 1: .*JPEG changes colours"):
        read(root, [line(0)])
    whole.resize((3 * WIDTH, 3 * HEIGHT)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR).save(path)
    with pytest.raises(SagesegError, match=r"line 1: .*is not in the map of this line, .*without smoothed edges"):
        read(root, [line(0)])


def test_a_zip_is_told_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "output.manifest").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(SagesegError, match=r"output\.manifest: a ZIP archive; unpack it"):
        read_manifest_file(tmp_path / "output.manifest")


@pytest.mark.parametrize(
    ("encoding", "conversion"), [("utf-16", "iconv -f utf-16 -t utf-8"), ("cp1252", "cp1252 in that place")]
)
def test_a_manifest_of_another_encoding_is_told_how_to_be_converted(
    tmp_path: Path, encoding: str, conversion: str
) -> None:
    path = tmp_path / "output.manifest"
    path.write_bytes('{"source-ref": "s3://b/Größe.jpg"}\n'.encode(encoding))
    with pytest.raises(SagesegError, match=rf"line 1: not JSON .*{conversion}"):
        list(read_lines(path, "output.manifest"))


@pytest.mark.parametrize("ref", ["file:///home/me/im0.jpg", "/home/me/im0.jpg", "../photos/im0.jpg"])
def test_places_on_another_machine_ask_for_the_folder_of_the_images(tmp_path: Path, ref: str) -> None:
    text = json.dumps(line(0, source_ref=ref, seg_ref=ref.replace("jpg", "png")))
    (tmp_path / "output.manifest").write_text(text)
    with pytest.raises(SagesegError, match=r"line 1: no image in .*; name the folder of the images with --images"):
        read_manifest_file(tmp_path / "output.manifest", workers=1)
