"""One rule for what a folder of images is: what it holds, how it is called, what is left out, and what is refused."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from formats.errors import SagesegError
from formats.prepared.image_folder import open_image_folder, walk


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_every_image_is_taken_in_folders_below_too(tmp_path: Path) -> None:
    names = ["b.JPG", "a.jpeg", "c.png", "d.bmp", "e.TIF", "f.webp", "g.gif", "drive/x.jpg", "drive/deep/y.tiff"]
    folder = open_image_folder(touch(tmp_path, *names))
    assert {image.source for image in folder.images} == set(names)
    assert [image.path for image in folder.images] == sorted(tmp_path / name for name in names)
    assert folder.note() is None


def test_frames_numbered_alike_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    folder = open_image_folder(touch(tmp_path, "one/f1.jpg", "two/f1.jpg", "two/f2.jpg"))
    assert [image.name for image in folder.images] == ["one_f1", "two_f1", "f2"]


def test_what_is_left_out_is_counted_by_its_kind(tmp_path: Path) -> None:
    folder = open_image_folder(
        touch(tmp_path, "a.jpg", "a.json", "b.json", "._a.jpg", "sub/.DS_Store", "README", "v.mp4")
    )
    assert [image.name for image in folder.images] == ["a"]
    assert folder.note() == (
        f"note: {tmp_path}: images found: 1; left out as no image: 2 .json, 1 .mp4, 2 hidden, 1 without a suffix"
    )


@pytest.mark.parametrize("names", [("a.jpg", "a.png"), ("in/a.jpg", "in/a.tif"), ("a.JPG", "a.jpg.png", "a.png")])
def test_images_that_would_overwrite_each_other_are_refused_first(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(SagesegError, match=r"would both be called a; rename one"):
        open_image_folder(touch(tmp_path, *names))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no image in it; expected .bmp, .gif, .jfif"),
        (("a.heic", "b.HEIC", "._b.jpg"), r"no image in it \(2 .heic, 1 hidden\); expected .bmp"),
        (None, "no such folder"),
    ],
)
def test_a_folder_without_images_is_refused(tmp_path: Path, names: tuple[str, ...] | None, message: str) -> None:
    root = tmp_path / "images"
    if names is not None:
        root.mkdir()
        touch(root, *names)
    with pytest.raises(SagesegError, match=message):
        open_image_folder(root)


def test_a_link_that_leads_in_a_circle_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "sub/up").symlink_to(tmp_path)
    with pytest.raises(SagesegError, match=r"up: a link back to .*, in a circle; remove it"):
        open_image_folder(tmp_path)


def test_a_folder_that_may_not_be_entered_is_not_called_a_broken_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Entry:
        name, path = "a.jpg", str(tmp_path / "a.jpg")

        def stat(self) -> os.stat_result:
            raise PermissionError(errno.EACCES, "Permission denied", self.path)

    monkeypatch.setattr(os, "scandir", lambda _: nullcontext([Entry()]))
    with pytest.raises(SagesegError, match=r"a\.jpg: cannot be used \(Permission denied\); change its permissions"):
        walk(tmp_path, deep=False)
