"""Killed at any moment and started again, the dataset is the one that an undisturbed run writes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import prep.dataset.image_work
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.masks import encode_mask
from prep.dataset.journal import JOURNAL, ImageEntry, Journal, format_entry, parse_entry, resumable_folder
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from tests.support.prep_killed import GROUPS
from tests.support.prep_samples import digests, make_source, square

ROOT = Path(__file__).parents[2]
OPTIONS = PrepOptions(crop=64, workers=1)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return make_source(tmp_path / "labels", GROUPS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_dataset(make_source(folder / "labels", GROUPS), folder / "dataset", OPTIONS)
    return digests(folder / "dataset")


def run_and_die(tmp_path: Path, point: str, workers: int) -> Path:
    """Prepare in a process that kills itself at `point`. It has ended when its workers have too:
    they hold the pipe that is read here."""
    out = tmp_path / "dataset"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.prep_killed", str(tmp_path / "elsewhere"), str(out), point, str(workers)],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert ran.returncode == -9, ran.stderr.decode()
    assert not out.exists()
    return out


@pytest.mark.parametrize(
    ("point", "workers", "again"),
    [
        ("first file", 1, 1),
        ("half a file", 1, 1),
        ("between images", 2, 1),
        ("half a line", 1, 2),
        ("manifest", 1, 1),
        ("channels", 1, 1),
        ("certificate", 1, 1),
        ("all but its name", 1, 1),
    ],
)
def test_killed_and_started_again_gives_the_same_bytes(
    undisturbed: dict[str, str], tmp_path: Path, point: str, workers: int, again: int
) -> None:
    out = run_and_die(tmp_path, point, workers)
    stage = out.with_name("dataset.sageseg-partial")
    assert stage.is_dir()
    # the same labels, untouched since: drawing them again would be a change of inputs
    source = reread(tmp_path / "elsewhere")
    write_dataset(source, out, PrepOptions(crop=64, workers=again))
    assert digests(out) == undisturbed
    assert not stage.exists()


def reread(folder: Path) -> Source:
    """The source that `make_source` drew, without drawing it again."""
    times = {path: path.stat() for path in folder.iterdir()}
    source = make_source(folder, GROUPS)
    for path, stat in times.items():
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return source


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were really worked on."""
    real, sources = prep.dataset.image_work.write_image, list[str]()

    def spied(task: Any) -> Any:
        sources.append(task.image.source)
        return real(task)

    monkeypatch.setattr(prep.dataset.image_work, "write_image", spied)
    return sources


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> None:
    """Let the journal take `after` entries, then raise."""
    real, taken = Journal.append, list[str]()

    def append(journal: Journal, entry: Any) -> None:
        if len(taken) == after:
            raise error
        taken.append(entry.source)
        real(journal, entry)

    monkeypatch.setattr(Journal, "append", append)


def stop_after(source: Source, out: Path, after: int, options: PrepOptions = OPTIONS) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, after, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            write_dataset(source, out, options)


def test_what_is_done_is_not_done_again(
    source: Source, undisturbed: dict[str, str], tmp_path: Path, worked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dataset"
    stop_after(source, out, 5)
    assert "images done: 5; the same command goes on from there" in capsys.readouterr().err
    worked.clear()
    write_dataset(source, out, OPTIONS)
    assert "goes on where it stopped; images done: 5" in capsys.readouterr().err
    assert worked == [image.source for image in source.images[5:]]
    assert digests(out) == undisturbed


def test_other_options_start_afresh_and_say_so(
    source: Source, tmp_path: Path, worked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = PrepOptions(crop=32, workers=1)
    write_dataset(source, tmp_path / "expected", other)
    stop_after(source, tmp_path / "dataset", 5)
    worked.clear()
    write_dataset(source, tmp_path / "dataset", other)
    assert "left by other options, other input or another version of sageseg; started afresh" in capsys.readouterr().err
    assert len(worked) == len(source.images)
    assert digests(tmp_path / "dataset") == digests(tmp_path / "expected")


def test_changed_labels_are_read_again_and_leave_no_old_crop(source: Source, tmp_path: Path, worked: list[str]) -> None:
    out, changed = tmp_path / "dataset", source.images[3]
    stop_after(source, out, 5)
    before = {path.name for path in (tmp_path / "dataset.sageseg-partial" / "content" / "JPEGImages").iterdir()}
    changed.mask.path.write_bytes(encode_mask(square(3)[::-1, ::-1].copy()))
    worked.clear()
    write_dataset(source, out, OPTIONS)
    assert worked == [changed.source, *(image.source for image in source.images[5:])]
    write_dataset(source, tmp_path / "expected", OPTIONS)
    assert digests(out) == digests(tmp_path / "expected")
    assert before - {path.name for path in (out / "JPEGImages").iterdir()}  # or the test shows nothing


def test_a_line_cut_short_does_not_spoil_the_lines_after_it(
    source: Source, undisturbed: dict[str, str], tmp_path: Path, worked: list[str]
) -> None:
    out = tmp_path / "dataset"
    stop_after(source, out, 3)
    with (tmp_path / "dataset.sageseg-partial" / JOURNAL).open("ab") as journal:
        journal.write(format_entry(an_entry())[:20])
    stop_after(source, out, 3)
    worked.clear()
    write_dataset(source, out, OPTIONS)
    assert len(worked) == len(source.images) - 6
    assert digests(out) == undisturbed


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_crop_that_was_damaged_since_is_made_again(
    source: Source, undisturbed: dict[str, str], tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "dataset"
    stop_after(source, out, 5)
    crop = min((tmp_path / "dataset.sageseg-partial" / "content" / "JPEGImages").iterdir())
    if damage == "cut":
        crop.write_bytes(crop.read_bytes()[:50])
    else:
        crop.unlink()
    write_dataset(source, out, OPTIONS)
    assert digests(out) == undisturbed


def test_a_full_disk_is_one_line_and_the_work_goes_on_later(
    source: Source, undisturbed: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worked: list[str]
) -> None:
    out, real, written = tmp_path / "dataset", Path.write_bytes, list[Path]()

    def write(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) > 30:
            real(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        with pytest.raises(SagesegError, match=r"cannot be written \(No space left on device\); free space or"):
            write_dataset(source, out, OPTIONS)
    assert not out.exists()
    done = len(worked) - 1
    assert done > 0
    worked.clear()
    write_dataset(source, out, OPTIONS)
    assert len(worked) == len(source.images) - done
    assert digests(out) == undisturbed


def test_a_disk_that_fills_while_the_journal_is_written_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full:
        journal = Journal(tmp_path / JOURNAL, full, {}, {})
        with pytest.raises(SagesegError, match=r"journal\.jsonl: cannot be written \(No space left on device\)"):
            journal.append(an_entry())
        assert journal.done == 0


def an_entry() -> ImageEntry:
    return ImageEntry("a", "", (), (1, 0), 0, b"", "")


def test_an_image_is_cured_and_the_rest_stays_done(
    source: Source, undisturbed: dict[str, str], tmp_path: Path, worked: list[str]
) -> None:
    out, broken = tmp_path / "dataset", source.images[4].image
    content, times = broken.read_bytes(), broken.stat()
    broken.write_bytes(content[:200])
    with pytest.raises(SagesegError, match="b_1.jpg: cannot be read as an image"):
        write_dataset(source, out, OPTIONS)
    broken.write_bytes(content)
    os.utime(broken, ns=(times.st_atime_ns, times.st_mtime_ns))
    worked.clear()
    write_dataset(source, out, OPTIONS)
    assert worked == [source.images[4].source]
    assert digests(out) == undisturbed


def test_where_no_image_can_be_read_nothing_is_left(source: Source, tmp_path: Path) -> None:
    for image in source.images:
        image.image.write_bytes(b"")
    with pytest.raises(SagesegError, match=rf"\(1 of {len(source.images)} faults: "):
        write_dataset(source, tmp_path / "results" / "dataset", OPTIONS)
    assert list((tmp_path / "results").iterdir()) == []


def test_two_at_once_are_refused(source: Source, tmp_path: Path) -> None:
    with resumable_folder(tmp_path / "dataset", {}) as (stage, _):
        with pytest.raises(SagesegError, match=r"dataset: another sageseg is writing here \(process \d+\)"):
            write_dataset(source, tmp_path / "dataset", OPTIONS)
        assert stage.is_dir()


def test_a_dataset_is_replaced_only_when_the_new_one_is_complete(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    write_dataset(source, out, PrepOptions(crop=32, workers=1))
    before = digests(out)
    overwriting = PrepOptions(crop=64, workers=1, overwrite=True)
    stop_after(source, out, 3, overwriting)
    assert digests(out) == before
    write_dataset(source, out, overwriting)
    assert digests(out) != before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".dataset", "dataset"))) == [
        "dataset"
    ]


def test_an_entry_is_one_line_and_reads_back() -> None:
    entry = ImageEntry(
        "straße 漢字 \"'.jpg",
        "state",
        (ManifestRow("a_x1_y2", "val", "漢", "b.jpg", 1, 2, 3, 4, 10, 20, True, 1 / 3, "a", "b", "c", {"angle": "ß"}),),
        (5, 6),
        7,
        bytes(range(256)) * 16,
        "0123",
    )
    line = format_entry(entry)
    assert line.count(b"\n") == 1
    assert parse_entry(line) == entry
