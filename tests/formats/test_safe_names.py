"""No name that somebody else wrote leads out of the folder that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from formats.errors import SagesegError
from formats.safe_names import check_inside, check_name, is_inside, is_name, refuse_links_out
from jobs.emulator.host.storage import key_place

pieces = st.sampled_from(["..", ".", "/", "\\", "a", "C:", "é", " ", "\0", "\n", "\u202e", "\ud800", "..a", "~"])
names = st.lists(pieces, max_size=6).map("".join)


@given(names)
@example("")
@example("C:a")
def test_a_name_is_one_file_of_its_folder_and_a_path_stays_below_it(name: str) -> None:
    root = Path("/data/folder")
    if is_name(name):
        assert (root / name).parent == root
        assert is_inside(name)
        assert not set(name) & set("/\\\0\n")
    if is_inside(name):
        place = Path(root, *name.replace("\\", "/").split("/"))
        assert ".." not in place.parts
        assert root in place.parents


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "a\\b", "/a", "\\a", "C:a", "C:\\a", "a\nb", "a\0b"])
def test_what_is_no_name_is_told_with_its_place(name: str) -> None:
    with pytest.raises(SagesegError, match=r"^x\.csv: line 2: id is .*; expected a file's name, without / or \\"):
        check_name(name, "x.csv: line 2", "id")


@pytest.mark.parametrize(
    "path", ["", ".", "./", "..", "a/../../b", "a/..", "a\\..\\b", "/a", "\\\\host\\a", "C:/a", "a\0"]
)
def test_what_leaves_its_folder_is_told_with_its_place(path: str) -> None:
    with pytest.raises(SagesegError, match=r"^x\.json: source is .*; expected a path that stays in its folder"):
        check_inside(path, "x.json", "source")


@pytest.mark.parametrize("path", ["a.jpg", "day 1/a.b.jpg", "..a", "a..b/c", "./a", "-x", "=1", "1:2.jpg", "ä/雪.png"])
def test_usual_paths_are_taken(path: str) -> None:
    assert check_inside(path, "x", "source") == path


@given(names, st.sampled_from(["cars", "cars/", ""]))
def test_a_key_in_s3_lies_below_its_channel(name: str, prefix: str) -> None:
    key = f"{prefix.rstrip('/')}/{name}".lstrip("/") if prefix else name
    try:
        place = key_place(key, prefix)
    except SagesegError:
        return
    assert is_inside(place)


def test_links_that_lead_out_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "a.jpg").write_bytes(b"")
    root = tmp_path / "dataset"
    (root / "JPEGImages").mkdir(parents=True)
    (root / "JPEGImages" / "a.jpg").write_bytes(b"")
    (root / "JPEGImages" / "same.jpg").symlink_to("a.jpg")
    (tmp_path / "link").symlink_to(root)
    refuse_links_out(root)
    refuse_links_out(tmp_path / "link")
    refuse_links_out(tmp_path / "not-there")
    for place, target in (("JPEGImages/b.jpg", "../../private/a.jpg"), ("masks", "../private"), ("c", "/nowhere")):
        (root / place).symlink_to(target)
        with pytest.raises(SagesegError, match=rf"dataset/{place}: a link to /.*, out of .*; put what it leads to"):
            refuse_links_out(root)
        with pytest.raises(SagesegError, match=rf"link/{place}: a link to"):
            refuse_links_out(tmp_path / "link")
        (root / place).unlink()
