"""Frames of a video: every N-th, no near-duplicates, groups that prep labelme finds again."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from formats.errors import SagesegError
from formats.images import encode_image, read_header, read_image
from formats.prepared.frame_names import FrameName, parse_frame_name
from formats.video.options import parse_every, parse_positive
from prep.frames.options import FrameOptions, parse_difference
from prep.frames.write import COLUMNS, FrameCounts, write_frames
from prep.readers.labelme.reader import read_labelme
from tests.support.labelme_samples import shape, write_json, write_labels

WIDTH, HEIGHT = 64, 48
OPTIONS = FrameOptions(every=5, block=2)


def frame(number: int) -> np.ndarray:
    """A bright box that moves; frames 20 to 39 stand still."""
    left = 20 if 20 <= number < 40 else number % 50
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[10:40, left : left + 12] = (20, 200, 230)
    return pixels


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """60 frames, 10 a second."""
    path = tmp_path / "drive 1.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for number in range(60):
        writer.write(frame(number)[:, :, ::-1])
    writer.release()
    return path


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "frames.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_nth_frame_is_kept_unless_it_looks_like_the_last(video: Path, tmp_path: Path) -> None:
    counts = write_frames(video, tmp_path / "out", OPTIONS)
    rows = table(tmp_path / "out")
    assert [int(row["frame"]) for row in rows] == [0, 5, 10, 15, 20, 40, 45, 50, 55]
    assert counts == FrameCounts(looked_at=12, kept=9, blocks=3)
    assert tuple(rows[0]) == COLUMNS
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"frames.csv", *(row["image"] for row in rows)}


def test_frames_hold_the_videos_pixels_in_the_right_colours(video: Path, tmp_path: Path) -> None:
    write_frames(video, tmp_path / "out", OPTIONS)
    row = table(tmp_path / "out")[1]
    pixels = read_image(tmp_path / "out" / row["image"]).astype(int)
    assert np.abs(pixels - frame(int(row["frame"]))).mean() < 8


def test_zero_difference_keeps_all(video: Path, tmp_path: Path) -> None:
    assert write_frames(video, tmp_path / "out", replace(OPTIONS, difference=0)).kept == 12


def test_names_carry_video_block_and_frame(video: Path, tmp_path: Path) -> None:
    write_frames(video, tmp_path / "out", OPTIONS)
    for row in table(tmp_path / "out"):
        name = parse_frame_name(Path(row["image"]).stem)
        assert name is not None
        assert (name.video, name.group) == ("drive 1", row["group"])
        assert name.block == float(row["seconds"]) // 2
        assert name.frame == float(row["seconds"]) * 10


def test_labelme_finds_the_groups_again(video: Path, tmp_path: Path) -> None:
    write_frames(video, tmp_path / "out", OPTIONS)
    for image in (tmp_path / "out").glob("*.jpg"):
        write_json(image.with_suffix(".json"), [shape()], imagePath=image.name, imageWidth=WIDTH, imageHeight=HEIGHT)
    source = read_labelme(tmp_path / "out", write_labels(tmp_path), workers=1)
    assert [image.group for image in source.images] == [row["group"] for row in table(tmp_path / "out")]
    assert {image.group for image in source.images} == {f"drive 1_b000{block}" for block in range(3)}


@given(st.text(min_size=1), st.integers(0, 10**5), st.integers(0, 10**7))
def test_names_are_read_as_they_were_written(video: str, block: int, number: int) -> None:
    assert parse_frame_name(FrameName(video, block, number).stem) == FrameName(video, block, number)


@pytest.mark.parametrize("stem", ["0cdf5b5d0ce1_01", "a_b1_f2", "frame_000120", "x_b0001"])
def test_other_names_are_no_frames(stem: str) -> None:
    assert parse_frame_name(stem) is None


def test_a_folder_of_frames_is_read_in_the_order_of_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(12):
        (folder / f"frame_{number}.jpg").write_bytes(encode_image(frame(number)))
    write_frames(folder, tmp_path / "out", FrameOptions(every=1, fps=5, block=1))
    rows = table(tmp_path / "out")
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert rows[11]["group"] == "clip_b0002"
    for row in rows:  # a JPEG is copied, not encoded again
        original = folder / f"frame_{row['frame']}.jpg"
        assert (tmp_path / "out" / row["image"]).read_bytes() == original.read_bytes()


def test_other_frames_become_jpeg(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    Image.fromarray(frame(0)).save(tmp_path / "clip" / "1.png")
    write_frames(tmp_path / "clip", tmp_path / "out", FrameOptions(fps=25))
    assert (tmp_path / "out" / "clip_b0000_f000000.jpg").read_bytes() == encode_image(frame(0))
    assert read_header(tmp_path / "out" / "clip_b0000_f000000.jpg").size == (WIDTH, HEIGHT)


def test_a_video_cut_short_says_so(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = video.read_bytes()
    video.write_bytes(whole[: len(whole) * 2 // 3])
    counts = write_frames(video, tmp_path / "out", OPTIONS)
    assert 0 < counts.looked_at < 12
    assert "the file is cut short or broken" in capsys.readouterr().err


def test_what_is_neither_video_nor_folder_of_frames_is_named(tmp_path: Path, video: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "1.jpg").write_bytes(b"")
    for source, message in (
        ("gone.mp4", r"gone\.mp4: not found; expected a video or a folder of frames"),
        ("text.mp4", r"text\.mp4: cannot be read as a video"),
        ("empty", r"empty: no image in it; expected frames"),
        ("broken", r"1\.jpg: cannot be read as an image"),
        (".", r"holds a video, drive 1\.avi; name the video itself"),
    ):
        with pytest.raises(SagesegError, match=message):
            write_frames(tmp_path / source, tmp_path / "out", FrameOptions(fps=25))
        assert not (tmp_path / "out").exists()


def test_frames_in_a_folder_have_no_times(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "1.jpg").write_bytes(encode_image(frame(0)))
    with pytest.raises(SagesegError, match="clip: frames in a folder have no times; pass --fps"):
        write_frames(tmp_path / "clip", tmp_path / "out", FrameOptions())


def test_values_out_of_range_are_refused() -> None:
    for parse, text in ((parse_every, "0"), (parse_every, "x"), (parse_positive, "0"), (parse_positive, "nan")):
        with pytest.raises(SagesegError, match="expected a"):
            parse(text)
    with pytest.raises(SagesegError, match="--difference 256: expected"):
        parse_difference("256")
    assert (parse_every("3"), parse_positive("0.5"), parse_difference("0")) == (3, 0.5, 0)
