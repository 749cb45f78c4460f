"""Text that other programs saved is read or refused with its conversion; a ZIP archive in the place of a folder or file
is refused, with the command that unpacks it."""

import zipfile
from pathlib import Path

import pytest

from formats.errors import SagesegError
from formats.prepared.image_folder import open_image_folder
from formats.texts.given_files import read_text, refuse_zip
from prep.readers.source_files import list_files
from prep.readers.voc.reader import read_voc
from tests.support.typed_commands import typed


def archive(folder: Path, *members: str) -> Path:
    with zipfile.ZipFile(folder / "task.zip", "w") as made:
        for member in members:
            made.writestr(zipfile.ZipInfo(member), "x")
    return folder / "task.zip"


@pytest.mark.parametrize("members", [(), ("a.xml",), ("images/a.jpg", "images/..a/b.jpg", "a..b/c")])
def test_it_is_to_be_unpacked(tmp_path: Path, members: tuple[str, ...]) -> None:
    path = archive(tmp_path, *members)
    with pytest.raises(SagesegError) as told:
        refuse_zip(path, "a folder of images")
    assert str(told.value) == (
        f"{path}: a ZIP archive; expected a folder of images: unpack it, unzip {path} -d {tmp_path / 'task'}"
    )


@pytest.mark.parametrize("member", ["../evil.py", "a/../../b", "/etc/passwd", "C:\\Windows\\x", "a\\..\\..\\b", "\\x"])
def test_one_with_a_member_outside_is_not_to_be_unpacked(tmp_path: Path, member: str) -> None:
    path = archive(tmp_path, "a.jpg", member)
    with pytest.raises(SagesegError, match="lies outside of the folder .*do not unpack it") as told:
        refuse_zip(path, "a folder")
    assert member in str(told.value)


@pytest.mark.parametrize(("member", "told"), [("../a", "do not unpack it"), ("a.jpg", "unpack it, unzip")])
@pytest.mark.parametrize("line", ["prep auto task.zip", "prep voc task.zip --out o", "prep cvat task.zip x --out o"])
def test_no_command_tells_to_unpack_what_leaves_its_folder(tmp_path: Path, line: str, member: str, told: str) -> None:
    archive(tmp_path, member)
    ran = typed(line.split(), tmp_path)
    if "auto" in line and member == "a.jpg":
        assert ran.stdout.rstrip().endswith("unzip -d task task.zip && sageseg prep auto task")
        return
    assert ran.returncode == 1
    assert told in ran.stderr
    assert ran.stderr.count("unzip") == (member == "a.jpg")


@pytest.mark.parametrize("kept", [4, 30, 60])
def test_one_that_is_cut_short_is_to_be_had_again(tmp_path: Path, kept: int) -> None:
    path = archive(tmp_path, "a.jpg")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SagesegError, match=r"task\.zip: a ZIP archive that cannot be read .*; get it again"):
        refuse_zip(path, "a folder")


@pytest.mark.parametrize("content", [None, b"", b"PK", b"text"])
def test_of_what_is_no_archive_nothing_is_said(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.zip").write_bytes(content)
    refuse_zip(tmp_path / "x.zip", "a folder")
    refuse_zip(tmp_path, "a folder")


def test_every_way_in_says_so(tmp_path: Path) -> None:
    path = archive(tmp_path, "a.jpg")
    for look in (
        lambda: open_image_folder(path),
        lambda: list_files(path, frozenset({".json"}), "labels"),
        lambda: list_files(path / "training" / "image_2", frozenset({".png"}), "labels"),
        lambda: read_text(path, "labels"),
        lambda: read_voc(path),
    ):
        with pytest.raises(SagesegError, match="a ZIP archive; expected .*: unpack it"):
            look()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_text("größe\r\n", encoding=encoding, newline="")
    assert read_text(tmp_path / "a.txt", "a test") == "größe\r\n"


@pytest.mark.parametrize(
    ("encoding", "conversion"),
    [
        ("utf-16", "iconv -f utf-16 -t utf-8"),
        ("utf-32", "iconv -f utf-32 -t utf-8"),
        ("gb18030", "gb18030 -t utf-8"),
        ("cp1252", "cp1252 in that place"),
    ],
)
def test_another_encoding_is_told_how_to_be_converted(tmp_path: Path, encoding: str, conversion: str) -> None:
    (tmp_path / "a.txt").write_bytes("Ä汽".encode(encoding, "ignore"))
    with pytest.raises(SagesegError, match=rf"a\.txt: not UTF-8 text; expected a test: .*{conversion}"):
        read_text(tmp_path / "a.txt", "a test")


def test_text_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"a\.txt: not found; expected a test"):
        read_text(tmp_path / "a.txt", "a test")
