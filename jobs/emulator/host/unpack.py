"""Unpacking a model: only regular files, only below the folder, only so much."""

from __future__ import annotations

import gzip
from pathlib import Path, PurePosixPath

from formats import limits
from formats.errors import SagesegError
from formats.safe_names import is_inside
from jobs.contract.model_archive import BROKEN, Member, archive_members


def unpack_model(archive: Path, folder: Path) -> None:
    """Unpack a `model.tar.gz` into a folder. Raises SagesegError that names archive and member."""
    try:
        with gzip.open(archive) as stream:
            for member in archive_members(stream, archive, limits.MOST_UNPACKED):
                if not member.header.isdir():
                    _write(member, folder / _place(member, archive))
    except BROKEN as e:
        raise SagesegError(f"{archive}: cannot be unpacked as model.tar.gz ({e}); get it again") from e


def _place(member: Member, archive: Path) -> PurePosixPath:
    if not member.is_file or not is_inside(member.name):
        raise SagesegError(f"{archive}: {member.name} is a link or lies outside; expected files of a model")
    return PurePosixPath(member.name)


def _write(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.writelines(member.parts())
