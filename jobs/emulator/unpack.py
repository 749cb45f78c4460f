"""Unpacking a model: only regular files, only below the folder, only so much."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from formats.errors import SagesegError

MAX_BYTES = 8 * 2**30
"""Unpacked size that is still believed; the largest artefact of this algorithm has below 1 GB."""


def unpack_model(archive: Path, folder: Path) -> None:
    """Unpack a `model.tar.gz` into a folder. Raises SagesegError that names archive and member."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            _unpack(opened, archive, folder)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as e:
        raise SagesegError(f"{archive}: cannot be unpacked as model.tar.gz ({e}); get it again") from e


def _unpack(opened: tarfile.TarFile, archive: Path, folder: Path) -> None:
    total = 0
    for member in opened:
        place = PurePosixPath(member.name)
        if member.isdir():
            continue
        if not member.isfile() or place.is_absolute() or ".." in place.parts:
            raise SagesegError(f"{archive}: {member.name} is a link or lies outside; expected files of a model")
        total += member.size
        if total > MAX_BYTES:
            raise SagesegError(f"{archive}: over {MAX_BYTES} bytes unpacked; expected a model")
        _write(opened, member, folder / place)


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = opened.extractfile(member)
    if source is not None:
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
