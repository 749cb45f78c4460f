"""Names that somebody else wrote into a file, an archive or an answer, checked before they become paths: none may lead
out of the folder that it stands for.

    check_name(row_id, f"{path}: line 2", "id")
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from formats.errors import SagesegError

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")


def is_name(text: str) -> bool:
    """Whether a text can be the name of one file or folder, on any system."""
    return is_inside(text) and not _SEPARATORS.search(text)


def is_inside(text: str) -> bool:
    """Whether a text is a path that stays below the folder that it begins in, and names something there."""
    return text.isprintable() and not leads_out(text) and not {*_SEPARATORS.split(text)} <= {"", "."}


def leads_out(path: str) -> bool:
    """Whether a path leaves the folder that it begins in, by the rules of any system."""
    parts = _SEPARATORS.split(path)
    return ".." in parts or (not parts[0] and path != "") or _DRIVE.match(path) is not None


def check_name(text: str, where: object, what: str) -> str:
    """The name of one file. Raises SagesegError, naming `where` it stands and `what` it is, for any other text."""
    if not is_name(text):
        raise SagesegError(f"{where}: {what} is {text!r}; expected a file's name, without / or \\, and not .. or empty")
    return text


def check_inside(text: str, where: object, what: str) -> str:
    """A path below a folder. Raises SagesegError, naming `where` it stands and `what` it is, for any other text."""
    if not is_inside(text):
        raise SagesegError(
            f"{where}: {what} is {text!r}; expected a path that stays in its folder, neither absolute nor with .. or "
            "empty"
        )
    return text


def refuse_links_out(root: Path) -> None:
    """Raise SagesegError for a link below a folder that was passed on and that leads out of it: what whoever opens it
    has elsewhere would be read, shown and uploaded. The folder itself may be a link, and links inside it may stand."""
    real = os.path.realpath(root)
    for link in _links(real):
        if not _lies_in(target := os.path.realpath(link), real):
            place = root / os.path.relpath(link, real)
            raise SagesegError(f"{place}: a link to {target}, out of {root}; put what it leads to in its place")


def _links(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield entry.path
                elif entry.is_dir(follow_symlinks=False):
                    yield from _links(entry.path)
    except OSError:
        return  # whoever needs what lies there says so


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
