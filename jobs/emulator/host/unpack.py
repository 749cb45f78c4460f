"""Unpacking a model: only regular files, only below the folder, only so much.

Header by header, because tarfile itself would read extended headers of any size into memory.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError

MAX_BYTES = 8 * 2**30
"""Unpacked size that is still believed; the largest artefact of this algorithm has below 1 GB."""
MAX_EXTENDED = 2**16
"""Bytes of an extended header, which may hold a long name for the member after it."""
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_PAX_PATH = re.compile(rb"(?:^|\n)[0-9]+ path=([^\n]*)\n")
_COPIED = 2**20
"""Bytes of a file in memory at a time."""


def unpack_model(archive: Path, folder: Path) -> None:
    """Unpack a `model.tar.gz` into a folder. Raises SagesegError that names archive and member."""
    try:
        with gzip.open(archive) as stream:
            _unpack(stream, archive, folder)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as e:
        raise SagesegError(f"{archive}: cannot be unpacked as model.tar.gz ({e}); get it again") from e


def _unpack(stream: gzip.GzipFile, archive: Path, folder: Path) -> None:
    total, long_name = 0, ""
    while (header := stream.read(tarfile.BLOCKSIZE)).strip(b"\0"):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        total += tarfile.BLOCKSIZE + max(member.size, 0)
        if total > MAX_BYTES or member.size < 0:
            raise SagesegError(f"{archive}: over {MAX_BYTES} bytes unpacked; expected a model")
        if member.type in _EXTENDED:
            long_name = _long_name(member.type, _read_extended(stream, member.size, archive)) or long_name
            continue
        place, long_name = PurePosixPath(long_name or member.name), ""
        if member.isdir():
            continue
        if member.type not in _REGULAR or place.is_absolute() or ".." in place.parts:
            raise SagesegError(f"{archive}: {place} is a link or lies outside; expected files of a model")
        _write(stream, member.size, folder / place)
    if not total and not header:
        raise tarfile.ReadError("empty file")


def _read_extended(stream: gzip.GzipFile, size: int, archive: Path) -> bytes:
    if size > MAX_EXTENDED:
        raise SagesegError(f"{archive}: an extended header of {size} bytes; expected {MAX_EXTENDED} at most")
    content = _read_exactly(stream, size)
    if b" GNU.sparse." in content:
        raise SagesegError(f"{archive}: holds a sparse file; pack it again without tar's --sparse")
    _read_exactly(stream, -size % tarfile.BLOCKSIZE)
    return content


def _long_name(kind: bytes, content: bytes) -> str:
    """The name that an extended header gives the member after it; empty where it gives none."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        name = content
    elif kind in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
        found = _PAX_PATH.search(content)
        name = found[1] if found else b""
    else:
        name = b""
    return name.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _write(stream: gzip.GzipFile, size: int, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for start in range(0, size, _COPIED):
            file.write(_read_exactly(stream, min(_COPIED, size - start)))
    _read_exactly(stream, -size % tarfile.BLOCKSIZE)


def _read_exactly(stream: gzip.GzipFile, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise tarfile.ReadError("unexpected end of data")
    return content
