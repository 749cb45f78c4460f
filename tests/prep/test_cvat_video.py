"""CVAT's XML of a video, read with its frames."""

from pathlib import Path

import numpy as np
import pytest

from formats.errors import SagesegError
from prep.readers.cvat.reader import read_cvat
from tests.support.cvat_samples import LABELS, SIZE, blank, masks, write_images, write_xml

META = "<size>{}</size><start_frame>{}</start_frame><frame_filter>step={}</frame_filter>"
ORIGINAL = f"<original_size><width>{SIZE[0]}</width><height>{SIZE[1]}</height></original_size>"


def box(frame: object, left: int, *, side: int = 9, outside: int = 0, z_order: int = 0) -> str:
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" xtl="{left}" ytl="0" '
        f'xbr="{left + side}" ybr="{side}" z_order="{z_order}"></box>\n'
    )


def track(label: str, *shapes: str, number: int = 0) -> str:
    return f'<track id="{number}" label="{label}" source="manual">\n{"".join(shapes)}</track>\n'


def square(left: int, class_id: int, side: int = 9) -> np.ndarray:
    mask = blank()
    mask[:side, left : left + side] = class_id
    return mask


def frames(folder: Path, *numbers: int) -> Path:
    return write_images(folder / "images", *(f"frame_{number:06}.png" for number in numbers))


def test_a_frame_has_the_shapes_of_all_tracks_that_are_seen_there(tmp_path: Path) -> None:
    parts = track("car", box(0, 0), box(1, 10), box(2, 10, outside=1)) + track("road", box(1, 5), box(2, 30))
    path = write_xml(tmp_path, parts, meta=META.format(4, 0, 1) + ORIGINAL)
    found = masks(read_cvat(path, frames(tmp_path, 0, 1, 2, 3)))
    assert np.array_equal(found["frame_000000.png"], square(0, 1))
    both = square(10, 1)
    both[:9, 5:14] = 2
    assert np.array_equal(found["frame_000001.png"], both)
    assert np.array_equal(found["frame_000002.png"], square(30, 2))
    assert not found["frame_000003.png"].any()


def test_z_order_decides_between_tracks(tmp_path: Path) -> None:
    parts = track("car", box(0, 0, z_order=1)) + track("road", box(0, 0))
    path = write_xml(tmp_path, parts, meta=META.format(1, 0, 1))
    (found,) = masks(read_cvat(path, frames(tmp_path, 0))).values()
    assert np.array_equal(found, square(0, 1))


def test_numbers_are_those_of_the_whole_video(tmp_path: Path) -> None:
    path = write_xml(
        tmp_path, track("car", box(10, 0), box(13, 0, outside=1), box(16, 20)), meta=META.format(3, 10, 3) + ORIGINAL
    )
    found = masks(read_cvat(path, frames(tmp_path, 10, 13, 16, 17)))
    assert {name: bool(mask.any()) for name, mask in found.items()} == {
        "frame_000010.png": True,
        "frame_000013.png": False,
        "frame_000016.png": True,
    }


def test_frames_of_prep_frames_are_found_by_their_numbers(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "drive_b0000_f000002.jpg", "drive_b0001_f000031.jpg")
    path = write_xml(tmp_path, track("car", box(2, 0), box(3, 0, outside=1), box(31, 20)), meta=META.format(40, 0, 1))
    with pytest.raises(SagesegError, match="frame 0: 38 of 40 images are not in .*--skip-missing"):
        read_cvat(path, folder)
    source = read_cvat(path, folder, skip_missing=True)
    assert [each.group for each in source.images] == ["drive_b0000", "drive_b0001"]
    assert np.array_equal(source.images[1].mask.read(), square(20, 1))
    assert source.left_out[0].count == 38


def test_other_names_are_taken_in_their_order_where_they_are_as_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_images(tmp_path / "images", "b.jpg", "a.jpg", "c.jpg")
    path = write_xml(tmp_path, track("car", box(5, 0)), meta=META.format(3, 0, 5))
    assert [bool(mask.any()) for mask in masks(read_cvat(path, folder)).values()] == [False, True, False]
    assert "the 3 images, in order of their names, are the frames of annotations.xml" in capsys.readouterr().err


@pytest.mark.parametrize("meta", [META.format(4, 0, 1), ""])
def test_other_names_of_another_count_are_refused(tmp_path: Path, meta: str) -> None:
    folder = write_images(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg")
    said = "4 frames" if meta else "no count of frames"
    with pytest.raises(SagesegError, match=rf"{said}, but .*images has 3 images, whose names say no frame"):
        read_cvat(write_xml(tmp_path, track("car", box(1, 0)), meta=meta), folder)


def test_two_images_of_one_number_are_refused(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", "a_b0000_f000001.jpg", "b_b0000_f000001.jpg")
    with pytest.raises(SagesegError, match="are both frame 1; give the folder of one video alone"):
        read_cvat(write_xml(tmp_path, track("car", box(1, 0))), folder)


@pytest.mark.parametrize("step", [1, 5])
def test_frames_that_a_track_leaps_over_are_no_labels(tmp_path: Path, step: int) -> None:
    """Deleted in CVAT, or written by a program that writes keyframes alone: what is there, nobody can say."""
    shapes = (box(0, 0), box(3 * step, 0), box(4 * step, 0, outside=1), box(6 * step, 0))
    path = write_xml(tmp_path, track("car", *shapes) + track("road", box(step, 0)), meta=META.format(7, 0, step))
    source = read_cvat(path, frames(tmp_path, *range(0, 7 * step, step)))
    assert list(masks(source)) == [f"frame_{number * step:06}.png" for number in (0, 3, 4, 5, 6)]
    (left_out,) = source.left_out
    assert (left_out.count, left_out.example) == (2, f"{path}: frame {step}")


@pytest.mark.parametrize("frame", ["", "x", "-1", "1.5"])
def test_a_shape_without_frame_is_refused(tmp_path: Path, frame: str) -> None:
    with pytest.raises(SagesegError, match=rf"track 0 \(car\): frame is '{frame}'; expected a whole number from 0 on"):
        read_cvat(write_xml(tmp_path, track("car", box(frame, 0))), frames(tmp_path, 0))


def test_what_is_wrong_in_a_track_is_told_with_its_frame(tmp_path: Path) -> None:
    bad = '<polygon frame="1" outside="0" points="0,0;1,1" z_order="0"/>'
    with pytest.raises(
        SagesegError, match=r"annotations.xml: frame 1, shape 1 \(polygon road\): a polygon of 2 points"
    ):
        read_cvat(write_xml(tmp_path, track("road", bad)), frames(tmp_path, 1))
    with pytest.raises(SagesegError, match=r"frame 1, shape 1 \(box cat\): label 'cat' is not in"):
        read_cvat(write_xml(tmp_path, track("cat", box(1, 0))), frames(tmp_path, 1))


def test_skeletons_are_counted_in_both_of_the_ways_in_which_cvat_has_written_them(tmp_path: Path) -> None:
    inside = '<skeleton frame="0" keyframe="1"><points label="1" outside="0" points="1,1"/></skeleton>'
    beside = track("1", '<points frame="0" outside="0" points="1,1"/>')
    parts = (
        track("car", inside)
        + track("car", '<skeleton frame="0" outside="0" points=""/>', beside)
        + track("road", box(0, 0))
    )
    source = read_cvat(write_xml(tmp_path, parts), frames(tmp_path, 0))
    assert [(each.reason, each.count) for each in source.left_out] == [("skeletons", 2)]
    assert np.array_equal(source.images[0].mask.read(), square(0, 2))


def test_tracks_of_several_tasks_are_refused(tmp_path: Path) -> None:
    labels = "".join(f"<label><name>{label}</name></label>" for label in LABELS)
    tasks = "<task><size>1</size></task>" * 2
    path = tmp_path / "annotations.xml"
    path.write_text(
        f"<annotations><meta><project><tasks>{tasks}</tasks><labels>{labels}</labels></project></meta>"
        f"{track('car', box(0, 0))}</annotations>"
    )
    with pytest.raises(SagesegError, match="tracks of 2 tasks, whose frames have the same numbers"):
        read_cvat(path, frames(tmp_path, 0))
