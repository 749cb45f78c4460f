"""Unpacking a model: only regular files, only below the folder, only so much."""

from __future__ import annotations

import gzip
from pathlib import Path

from formats import limits
from formats.errors import SagesegError
from jobs.contract.model_archive import BROKEN, Member, archive_members


def unpack_model(archive: Path, folder: Path) -> None:
    """Unpack a `model.tar.gz` into a folder. Raises SagesegError that names archive and member."""
    try:
        with gzip.open(archive) as stream:
            for member in archive_members(stream, archive, limits.MOST_UNPACKED):
                if not member.header.isdir():
                    _write(member, folder / member.name)
    except BROKEN as e:
        raise SagesegError(f"{archive}: cannot be unpacked as model.tar.gz ({e}); get it again") from e


def _write(member: Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.writelines(member.parts())
