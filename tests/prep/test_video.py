"""Videos as players show them: each frame has its own time; fields, edit lists and turns count; what was not decoded is
never written."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats import limits
from formats.errors import SagesegError
from formats.images import Rgb
from formats.prepared.frame_names import parse_frame_name
from formats.video.ffmpeg_text import FIELDS, SHOWN, ShownFrames
from formats.video.reading import VideoFrame, ffmpeg_program, read_video
from prep.frames.options import FrameOptions
from prep.frames.write import write_frames
from tests.support.clips import FAST_THEN_SLOW, copied, drawn, ffmpeg, interlaced

EVEN = [n / 20 for n in range(20)]
FAST_SLOW = [*(n / 20 for n in range(10)), *(n - 9.5 for n in range(10, 20))]
MPEG4 = ("-c:v", "mpeg4", "-q:v", "2")


def read(path: Path, every: int = 1, fps: float | None = None) -> list[VideoFrame]:
    return list(read_video(path, every, fps))


def times(path: Path, every: int = 1) -> list[float]:
    return [frame.seconds for frame in read(path, every)]


def far(a: Rgb, b: Rgb) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> list[Rgb]:
    """The 20 drawn frames, without loss."""
    path = drawn(tmp_path_factory.mktemp("pattern") / "p.mkv", "-c:v", "ffv1")
    return [frame.image for frame in read(path)]


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("even.avi", ("-c:v", "mjpeg"), EVEN),
        ("even.mp4", MPEG4, EVEN),
        ("reordered.mp4", (*MPEG4, "-bf", "2"), EVEN),
        ("varied.mp4", ("-vf", FAST_THEN_SLOW, "-fps_mode", "vfr", *MPEG4), FAST_SLOW),
        ("varied.mkv", ("-vf", FAST_THEN_SLOW, "-fps_mode", "vfr", *MPEG4), FAST_SLOW),
        ("varied_reordered.mp4", ("-vf", FAST_THEN_SLOW, "-fps_mode", "vfr", *MPEG4, "-bf", "2"), FAST_SLOW),
        ("late.mkv", ("-output_ts_offset", "7.5", *MPEG4), EVEN),
        ("late.ts", ("-output_ts_offset", "100", "-c:v", "mpeg2video"), EVEN),
    ],
)
def test_times_are_the_frames_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: tuple[str, ...], expected: list[float]
) -> None:
    found = read(drawn(tmp_path / name, *words))
    assert [frame.number for frame in found] == list(range(20))
    assert [frame.seconds for frame in found] == pytest.approx(expected, abs=0.002)
    assert capsys.readouterr().err == ""


def test_blocks_follow_the_times(tmp_path: Path) -> None:
    clip = drawn(tmp_path / "v.mp4", "-vf", FAST_THEN_SLOW, "-fps_mode", "vfr", *MPEG4)
    write_frames(clip, tmp_path / "out", FrameOptions(every=3, block=2, difference=0))
    names = [parse_frame_name(path.stem) for path in sorted((tmp_path / "out").glob("*.jpg"))]
    assert [(name.frame, name.block) for name in names if name] == [
        (0, 0), (3, 0), (6, 0), (9, 0), (12, 1), (15, 2), (18, 4),
    ]  # fmt: skip


def test_a_stated_rate_decides_over_the_times(tmp_path: Path) -> None:
    clip = drawn(tmp_path / "v.mp4", "-vf", FAST_THEN_SLOW, "-fps_mode", "vfr", *MPEG4)
    assert [frame.seconds for frame in read(clip, 4, fps=8)] == [0, 0.5, 1, 1.5, 2]


def test_gaps_in_a_recording_stay(tmp_path: Path) -> None:
    gap = "setpts=if(lt(N\\,10)\\,N/20\\,N/20+60)/TB"
    clip = drawn(tmp_path / "v.ts", "-vf", gap, "-fps_mode", "vfr", "-c:v", "mpeg2video")
    assert times(clip, 5) == pytest.approx([0, 0.25, 60.5, 60.75], abs=0.002)


def told(number: int, pts: str) -> list[str]:
    return [f"frame:{number:<4} pts:{pts:<7} pts_time:1", SHOWN]


def frames_told(stamps: Sequence[str]) -> ShownFrames:
    frames = ShownFrames()
    for number, stamp in enumerate(stamps):
        for line in told(number, stamp):
            frames.add(line)
    return frames


@given(st.lists(st.integers(0, 10**8), max_size=9), st.integers(-(10**9), 10**9))
def test_times_count_from_the_first_frame_in_microseconds(steps: list[int], start: int) -> None:
    passed = [sum(steps[:n]) for n in range(len(steps) + 1)]
    frames = frames_told([str(start + each) for each in passed])
    assert frames.times == [each / 1_000_000 for each in passed]
    assert (frames.backwards, frames.changed, frames.interlaced) == (None, None, 0)


def test_times_that_go_backwards_are_found_wherever_they_are() -> None:
    frames = frames_told(["500000", "600000", "300000", "400000", "NOPTS"])
    assert (frames.backwards, frames.times) == (2, [0, 0.1, -0.2, -0.1, None])


def test_filters_that_begin_again_mean_that_the_frames_changed() -> None:
    frames = frames_told(["0", "1", "2"])
    for line in (*told(0, "3"), FIELDS, *told(1, "4")):
        frames.add(line)
    assert (frames.changed, len(frames.times), frames.interlaced) == (3, 5, 1)


# interlaced


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("v.mpg", ("-c:v", "mpeg2video", "-q:v", "2")),
        ("v.mp4", MPEG4),
        ("v.mov", ("-c:v", "prores_ks")),
        ("v.mkv", ("-c:v", "prores_ks", "-pix_fmt", "yuv444p10le")),
    ],
)
def test_interlaced_frames_are_deinterlaced_and_never_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: list[Rgb], name: str, words: tuple[str, ...]
) -> None:
    found = read(interlaced(tmp_path / name, *words))
    assert "10 of 10 frames are interlaced; they were deinterlaced" in capsys.readouterr().err
    assert len(found) == 10
    for frame in found:
        own = far(frame.image, pattern[2 * frame.number])
        assert own < 12
        assert own < min(far(frame.image, other) for other in (np.zeros_like(frame.image), pattern[-1 - frame.number]))


def test_a_tape_of_progressive_and_interlaced_parts_is_read_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: list[Rgb]
) -> None:
    mpeg2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "0")
    parts = [drawn(tmp_path / "a.ts", *mpeg2), interlaced(tmp_path / "b.ts", "-r", "20", *mpeg2)]
    (tmp_path / "tape.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    found = read(tmp_path / "tape.ts")
    assert "note: " in capsys.readouterr().err
    assert all(frame.image.mean() > 60 for frame in found)
    assert far(found[7].image, pattern[7]) < 12


def test_hevc_of_single_fields_is_refused_with_the_command(tmp_path: Path) -> None:
    encoders = subprocess.run([ffmpeg_program(), "-encoders"], check=True, capture_output=True).stdout
    if b"libx265" not in encoders:
        pytest.skip("this ffmpeg cannot write HEVC")
    fields = ("-vf", "separatefields,setfield=tff", "-c:v", "libx265", "-x265-params", "interlace=tff:log-level=none")
    with pytest.raises(SagesegError, match=r"v\.mp4: interlaced hevc.*ffmpeg -i v\.mp4 -vf weave"):
        read(drawn(tmp_path / "v.mp4", *fields))


# what a player shows


@pytest.mark.parametrize("cut", [0.2, 0.35, 0.65])
def test_a_trimmed_video_is_what_is_left_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: list[Rgb], cut: float
) -> None:
    whole = drawn(tmp_path / "whole.mp4", *MPEG4, "-g", "10")
    found = read(copied(tmp_path / "trimmed.mp4", whole, "-ss", str(cut)))
    first = round(cut * 20)
    assert [frame.seconds for frame in found] == pytest.approx([n / 20 for n in range(20 - first)], abs=0.002)
    assert all(far(frame.image, pattern[first + frame.number]) < 6 for frame in found)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_video_is_upright(tmp_path: Path, pattern: list[Rgb], turn: int) -> None:
    plain = drawn(tmp_path / "plain.mp4", *MPEG4)
    found = read(copied(tmp_path / "turned.mp4", plain, "-display_rotation", str(turn)), 10)
    for frame in found:
        assert far(frame.image, np.rot90(pattern[frame.number], turn // 90)) < 6


@pytest.mark.parametrize(
    ("name", "words", "size", "said"),
    [
        ("deep.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"), (72, 96), ""),
        ("deep.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv420p12le"), (72, 96), ""),
        ("grey.mkv", ("-c:v", "ffv1", "-pix_fmt", "gray"), (72, 96), ""),
        ("odd.mkv", ("-vf", "scale=95:71", "-c:v", "ffv1", "-pix_fmt", "yuv444p"), (71, 95), ""),
        (
            "clear.mov",
            ("-vf", "format=yuva444p10le", "-c:v", "prores_ks"),
            (72, 96),
            "yuva444p12le pixels may have transparency",
        ),
    ],
)
def test_every_kind_of_pixels_becomes_rgb_of_its_own_size(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pattern: list[Rgb],
    name: str,
    words: tuple[str, ...],
    size: tuple[int, int],
    said: str,
) -> None:
    found = read(drawn(tmp_path / name, *words))
    assert {frame.image.shape for frame in found} == {(*size, 3)}
    assert abs(found[0].image.mean() - pattern[0].mean()) < 15
    noted = capsys.readouterr().err
    assert said in noted if said else noted == ""


def test_a_size_that_changes_is_refused_with_the_command(tmp_path: Path) -> None:
    small = drawn(tmp_path / "small.ts", "-c:v", "mpeg2video")
    large = drawn(tmp_path / "large.ts", "-vf", "scale=128:96", "-c:v", "mpeg2video")
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(SagesegError, match=r"both\.ts: from frame \d+ on it has another size.*-vf scale="):
        write_frames(tmp_path / "both.ts", tmp_path / "out", FrameOptions(every=3))
    assert not (tmp_path / "out").exists()


def test_of_two_streams_one_is_read_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("-filter_complex", "[0]split[a][b];[b]negate[c]", "-map", "[a]", "-map", "[c]")
    assert len(read(drawn(tmp_path / "two.mkv", *words, *MPEG4))) == 20
    assert "two.mkv: 2 video streams; the first was read" in capsys.readouterr().err


def test_a_cover_is_no_stream_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = drawn(tmp_path / "v.mp4", *MPEG4)
    ffmpeg("-i", clip, "-frames:v", "1", tmp_path / "cover.png")
    both = ("-i", tmp_path / "cover.png", "-i", clip, "-map", "0", "-map", "1", "-c", "copy")
    ffmpeg(*both, "-disposition:v:0", "attached_pic", tmp_path / "covered.mp4")
    assert len(read(tmp_path / "covered.mp4")) == 20
    assert capsys.readouterr().err == ""


# what is broken


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("v.mkv", MPEG4, "the file is cut short or broken: ffmpeg met"),
        ("v.mp4", (*MPEG4, "-movflags", "+faststart"), "the file is cut short or broken: ffmpeg met"),
        ("v.avi", ("-c:v", "mjpeg"), "the file is cut short or broken"),
    ],
)
def test_a_file_cut_short_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: tuple[str, ...], said: str
) -> None:
    whole = drawn(tmp_path / name, *words)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    assert 0 < len(read(whole)) < 12
    assert said in capsys.readouterr().err


def test_damage_in_the_middle_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = drawn(tmp_path / "v.mpg", "-c:v", "mpeg2video", "-q:v", "2")
    content = bytearray(clip.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 1500] = b"\x55" * 1500
    clip.write_bytes(content)
    read(clip)
    assert "look at the frames before you label them" in capsys.readouterr().err


def test_a_video_without_its_index_is_refused_with_the_reason(tmp_path: Path) -> None:
    whole = drawn(tmp_path / "v.mp4", *MPEG4)
    whole.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(SagesegError, match=r"v\.mp4: cannot be read as a video \(moov atom not found\)"):
        read(whole)


@pytest.mark.parametrize(
    ("name", "rate", "end"),
    [("slow.mp4", "1", 1), ("slow.mkv", "1", 1), ("sound.mp4", "10", 3), ("trimmed.mp4", "10", 3)],
)
def test_a_whole_video_is_not_called_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, rate: str, end: int
) -> None:
    """Its last frame may be shown for long, and its sound go on after it."""
    sound = ("-f", "lavfi", "-i", f"sine=duration={end}", "-c:a", "mp2") if end > 1 else ()
    whole = tmp_path / f"whole{Path(name).suffix}"
    ffmpeg("-f", "lavfi", "-i", f"testsrc=s=64x48:r={rate}:d=1", *sound, *MPEG4, whole)
    clip = copied(tmp_path / name, whole, *(("-ss", "0.4") if name == "trimmed.mp4" else ()))
    assert read(clip)
    assert capsys.readouterr().err == ""


def test_a_file_of_sound_alone_is_no_video(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "mp2", tmp_path / "song.mp4")
    with pytest.raises(SagesegError, match=r"song\.mp4: cannot be read as a video \(there are no pictures in it\)"):
        read(tmp_path / "song.mp4")


def test_a_bare_stream_has_no_times(tmp_path: Path) -> None:
    bare = drawn(tmp_path / "v.m4v", "-c:v", "mpeg4", "-f", "m4v")
    with pytest.raises(SagesegError, match=r"a bare m4v stream has no times; pass --fps"):
        read(bare)
    assert [frame.seconds for frame in read(bare, 5, fps=10)] == [0, 0.5, 1, 1.5]


def test_frames_that_nobody_waits_for_end_the_program(tmp_path: Path) -> None:
    frames = read_video(drawn(tmp_path / "v.mp4", *MPEG4), 1, None)
    assert isinstance(next(iter(frames)), VideoFrame)
    frames.close()  # type: ignore[attr-defined]


def test_a_program_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = drawn(tmp_path / "v.mp4", *MPEG4)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    with pytest.raises(SagesegError, match=r"gone: cannot be run .*IMAGEIO_FFMPEG_EXE"):
        read(clip)


def test_without_imageio_ffmpeg_the_one_of_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SagesegError, match=r"ffmpeg: not found.*pip install -e '\.\[video\]'"):
        ffmpeg_program()
    (tmp_path / "ffmpeg").touch(0o755)
    assert ffmpeg_program() == str(tmp_path / "ffmpeg")


def test_frames_of_too_many_pixels_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = drawn(tmp_path / "clip.mp4")
    monkeypatch.setattr(limits, "MOST_PIXELS", 128 * 128)
    assert len(list(read_video(clip, 10, None))) == 2
    monkeypatch.setattr(limits, "MOST_PIXELS", 1000)
    with pytest.raises(SagesegError, match=r"clip\.mp4: cannot be read as a video \(.* max pixel count 1000"):
        list(read_video(clip, 10, None))
