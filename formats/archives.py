"""ZIP archives, given where a folder or a file in them is due."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from formats.errors import SagesegError

_BEGINNING = b"PK\x03\x04"


class ArchiveError(SagesegError):
    """A ZIP archive was given; the message says what to do with it, and nothing need be added."""


def refuse_zip(path: Path, expected: str) -> None:
    """Raise ArchiveError where a path is, or lies in, a ZIP archive: it says how to unpack it, and not to where a
    member would leave the folder. Of what is no archive, or not there, nothing is said."""
    path = next((each for each in (path, *path.parents) if each.is_file()), path)
    if not path.is_file() or not _is_archive(path):
        return
    refuse_unsafe(path)
    to = path.with_suffix("") if path.suffix else path.with_name(f"{path.name}_unpacked")
    command = shlex.join(["unzip", str(path), "-d", str(to)])
    raise ArchiveError(f"{path}: a ZIP archive; expected {expected}: unpack it, {command}")


def _is_archive(path: Path) -> bool:
    """Whether a file is a ZIP archive, or the beginning of one: a download may be cut short."""
    if zipfile.is_zipfile(path):
        return True
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING


def refuse_unsafe(path: Path) -> None:
    """Raise ArchiveError where a ZIP archive has a member that would leave the folder that it is unpacked into."""
    outside = next(filter(_leaves, _members(path)), None)
    if outside is not None:
        raise ArchiveError(
            f"{path}: a ZIP archive whose member {outside} lies outside of the folder that it is unpacked into; "
            "do not unpack it, ask whoever made it for one without"
        )


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as e:
        raise ArchiveError(f"{path}: a ZIP archive that cannot be read ({e}); get it again") from e


def _leaves(member: str) -> bool:
    """Whether a member's name says a place outside, by the rules of any system."""
    path = PureWindowsPath(member)
    return bool(path.anchor) or ".." in path.parts or PurePosixPath(member).is_absolute()
