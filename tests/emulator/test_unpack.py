"""Models as archives, unpacked and not believed."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from formats import limits
from formats.errors import SagesegError
from jobs.contract import model_archive
from jobs.contract.artefact import read_artefact
from jobs.emulator.host.unpack import unpack_model

LONG = "folder/" + "n" * 150
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    return info, content


def write_archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], kind: str = "pax") -> Path:
    """`model.tar.gz` in `path`, with each header and content as given."""
    with tarfile.open(path / "model.tar.gz", "w:gz", format=FORMATS[kind]) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path / "model.tar.gz"


def unpacked(archive: Path) -> dict[str, bytes]:
    folder = archive.parent / "model"
    folder.mkdir()
    unpack_model(archive, folder)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("kind", "names"),
    [("ustar", ["a", "b/c"]), ("gnu", [LONG, "b", "\xe4"]), ("pax", [LONG, "b", "\xe4", "c" * 200])],
)
def test_files_keep_their_names_and_contents(kind: str, names: list[str], tmp_path: Path) -> None:
    contents = {name: name.encode() * 100 for name in names}
    folder = member("b", kind=tarfile.DIRTYPE) if "b" not in names else member("d", kind=tarfile.DIRTYPE)
    archive = write_archive(tmp_path, folder, *(member(*item) for item in contents.items()), kind=kind)
    assert unpacked(archive) == contents


def test_a_file_longer_than_a_part_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_archive, "PART", 1000)
    content = bytes(range(256)) * 10
    assert unpacked(write_archive(tmp_path, member("a", content), member("b"))) == {"a": content, "b": b""}


@pytest.mark.parametrize(
    "kind",
    [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK],
)
def test_an_extended_header_is_not_read_into_memory(kind: bytes, tmp_path: Path) -> None:
    archive = write_archive(tmp_path, member("x", bytes(2**20), kind), member("a"))
    with pytest.raises(SagesegError, match=r"model\.tar\.gz: an extended header of 1048576 bytes; expected 65536"):
        unpacked(archive)


def test_a_chain_of_extended_headers_is_passed(tmp_path: Path) -> None:
    chain = [member("x", b"11 path=b\n\n", tarfile.XHDTYPE) for _ in range(3000)]
    assert unpacked(write_archive(tmp_path, *chain, member("a", b"1"))) == {"b": b"1"}


@pytest.mark.parametrize("kind", ["gnu", "pax"])
@pytest.mark.parametrize("name", ["/" + LONG, f"a/../../{LONG}"])
def test_a_long_name_does_not_leave_the_folder(kind: str, name: str, tmp_path: Path) -> None:
    archive = write_archive(tmp_path, member(name), kind=kind)
    with pytest.raises(SagesegError, match="is a link or lies outside"):
        unpacked(archive)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE, b"?"])
def test_what_is_no_regular_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="a is a link or lies outside; expected files of a model"):
        unpacked(write_archive(tmp_path, member("a", kind=kind), kind="ustar"))


@pytest.mark.parametrize("again", ["a", "./a", "b/../a"])
def test_a_file_that_stands_twice_or_a_folder_outside_is_refused(again: str, tmp_path: Path) -> None:
    """One reader would take the first, another the last."""
    with pytest.raises(SagesegError, match="stands twice|lies outside"):
        unpacked(write_archive(tmp_path, member("a"), member(again)))
    with pytest.raises(SagesegError, match="lies outside"):
        read_artefact(write_archive(tmp_path, member("../folder", kind=tarfile.DIRTYPE), member("a")))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info, content = member("a", b"1")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with pytest.raises(SagesegError, match="holds a sparse file; pack it again"):
        unpacked(write_archive(tmp_path, (info, content)))


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_bomb_is_refused(kind: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_UNPACKED", 100_000)
    with pytest.raises(SagesegError, match="over 100000 bytes unpacked"):
        unpacked(write_archive(tmp_path, member("a", bytes(200_000), kind)))


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    archive = write_archive(tmp_path, member("a", bytes(3000)))
    whole = archive.read_bytes()
    cut = gzip.decompress(whole)[:2000]
    (tmp_path / "model").mkdir()
    for content in (
        b"",
        b"no archive",
        whole[:-20],
        gzip.compress(b""),
        gzip.compress(b"\1" * 512),
        gzip.compress(cut),
    ):
        archive.write_bytes(content)
        with pytest.raises(SagesegError, match=r"model\.tar\.gz: cannot be unpacked as model\.tar\.gz \(.+\); get it"):
            unpack_model(archive, tmp_path / "model")
