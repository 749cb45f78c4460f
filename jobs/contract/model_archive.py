"""`model.tar.gz` as a file: packed, and read header by header without believing it.

tarfile itself would read extended headers of any size into memory. What the members mean, `artefact`
says; this needs no numpy.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from formats import limits
from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError
from formats.safe_names import is_inside, leads_out

BROKEN = (OSError, tarfile.TarError, EOFError, zlib.error)
"""What reading an archive raises when the file is broken."""
MAX_EXTENDED = 2**16
"""Bytes of an extended header, which may hold a long name for the member after it."""
PART = 2**20
"""Bytes of a member in memory at a time."""
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_PAX_PATH = re.compile(rb"(?:^|\n)[0-9]+ path=([^\n]*)\n")


def pack_artefact(model_dir: Path, path: Path) -> None:
    """Pack a model folder's files as `model.tar.gz`; the same files give the same bytes."""
    files = sorted(p for p in model_dir.rglob("*") if p.is_file() and not p.is_symlink())
    packed = packed_files((file.relative_to(model_dir).as_posix(), file.read_bytes()) for file in files)
    write_bytes(path, packed, durable=True)


def packed_files(files: Iterable[tuple[str, bytes]]) -> bytes:
    """An archive of files by their names, in their order; the same files give the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@dataclass(frozen=True)
class Member:
    """A member under its whole name. Its content can be read once, before the next member is asked for."""

    name: str
    header: tarfile.TarInfo
    stream: gzip.GzipFile

    @property
    def is_file(self) -> bool:
        return self.header.type in (tarfile.REGTYPE, tarfile.AREGTYPE)

    def parts(self) -> Iterator[bytes]:
        """The content, at most PART bytes at a time."""
        return _parts(self.stream, self.header.size)


def archive_members(stream: gzip.GzipFile, source: Path, most_bytes: int) -> Iterator[Member]:
    """The files and folders in an archive in their order; `source` is its name in errors.

    Raises SagesegError for links, for what lies outside of the archive's root or stands twice, when headers and
    contents come to more than `most_bytes`, for too many members, and for what no model holds; one of BROKEN for a
    stream that is cut short or no archive, here or from `parts`.
    """
    total, count, long_name, seen = 0, 0, "", set[str]()
    while (block := stream.read(tarfile.BLOCKSIZE)).strip(b"\0"):
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        name = long_name or header.name
        total, count = total + tarfile.BLOCKSIZE + max(header.size, 0), count + 1
        if count > limits.MOST_MODEL_FILES:
            raise SagesegError(f"{source}: over {limits.MOST_MODEL_FILES:,} members; expected a model, which has three")
        if total > most_bytes or header.size < 0:
            raise SagesegError(f"{source}: {name} brings it over {most_bytes} bytes unpacked; expected a model")
        end = stream.tell() + header.size + -header.size % tarfile.BLOCKSIZE
        if header.type in _EXTENDED:
            long_name = _long_name(header.type, _extended(stream, header.size, source)) or long_name
        else:
            member = Member(name, header, stream)
            _check(member, seen, source)
            yield member
            long_name = ""
        for _ in _parts(stream, end - stream.tell()):
            pass  # what was not read, and what fills the last block
    if not total and not block:
        raise tarfile.ReadError("empty file")


def _check(member: Member, seen: set[str], source: Path) -> None:
    if member.header.isdir() and not leads_out(member.name):
        return
    if not member.is_file or not is_inside(member.name):
        raise SagesegError(f"{source}: {member.name} is a link or lies outside; expected files of a model")
    place = PurePosixPath(member.name).as_posix()
    if place in seen:
        raise SagesegError(f"{source}: {member.name} stands twice; expected each file of a model once")
    seen.add(place)


def _extended(stream: gzip.GzipFile, size: int, source: Path) -> bytes:
    if size > MAX_EXTENDED:
        raise SagesegError(f"{source}: an extended header of {size} bytes; expected {MAX_EXTENDED} at most")
    content = b"".join(_parts(stream, size))
    if b" GNU.sparse." in content:
        raise SagesegError(f"{source}: holds a sparse file; pack it again without tar's --sparse")
    return content


def _long_name(kind: bytes, content: bytes) -> str:
    """The name that an extended header gives the member after it; empty where it gives none."""
    name = content if kind == tarfile.GNUTYPE_LONGNAME else b""
    if kind in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE) and (found := _PAX_PATH.search(content)):
        name = found[1]
    return name.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _parts(stream: gzip.GzipFile, size: int) -> Iterator[bytes]:
    for start in range(0, size, PART):
        expected = min(PART, size - start)
        part = stream.read(expected)
        if len(part) != expected:
            raise tarfile.ReadError("unexpected end of data")
        yield part
