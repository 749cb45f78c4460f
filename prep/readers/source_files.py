"""The files that a reader was given."""

from __future__ import annotations

from errno import ENAMETOOLONG
from functools import cache
from pathlib import Path

from formats.errors import SagesegError
from formats.prepared.image_folder import files_with
from formats.prepared.source_names import composed
from formats.texts.given_files import marked_encoding, refuse_zip


def list_files(folder: Path, suffixes: frozenset[str], expected: str, *, deep: bool = False) -> list[Path]:
    """The files with one of these suffixes in a folder, with `deep` in the folders below too, in
    order of their paths. Hidden files are passed over, links are followed.

    Raises SagesegError when there is none, for a link that leads nowhere or in a circle, and for a
    name that text files cannot hold.
    """
    check_folder(folder, f"one with files {expected}")
    found = find_files(folder, suffixes, deep=deep)
    if not found:
        raise SagesegError(f"{folder}: no {'/'.join(sorted(suffixes))} file in it; expected {expected}")
    return found


def check_folder(folder: Path, expected: str) -> None:
    """Raise SagesegError for what is no folder; a ZIP is told to be unpacked."""
    refuse_zip(folder, f"a folder, {expected}")
    if folder.is_file():
        raise SagesegError(f"{folder}: a file, and no folder; expected {expected}")
    if not folder.is_dir():
        raise SagesegError(f"{folder}: no such folder; expected {expected}")


def find_files(folder: Path, suffixes: frozenset[str], *, deep: bool = False) -> list[Path]:
    """`list_files` of a folder that may have none."""
    return files_with(folder, suffixes, deep=deep)


def find_spelled(path: Path) -> Path | None:
    """The path as it is on disk, whichever way the letters of its names are composed; None where it is not.

    Raises SagesegError where two names in a folder differ in that alone.
    """
    if "\0" in str(path):
        return None
    try:
        found = next((above for above in path.parents if above.is_dir()), None)
        below = path.relative_to(found).parts if found else ()
        for name in below:
            found = _spelled_in(found, name) if found else None
    except OSError as e:
        _refuse_unless_long(e, path)
        return None
    return found


def is_there(path: Path) -> bool:
    """Whether there is a file or folder of a name that stands in another file."""
    try:
        return path.exists()
    except OSError as e:
        _refuse_unless_long(e, path)
        return False


def _refuse_unless_long(error: OSError, path: Path) -> None:
    """What stands in a file may be longer than any name on disk: nothing is there then."""
    if error.errno != ENAMETOOLONG:
        raise SagesegError(f"{path}: cannot be looked for ({error.strerror}); expected a file or folder") from error


def _spelled_in(parent: Path, name: str) -> Path | None:
    if name.isascii() or not parent.is_dir():
        return parent / name if (parent / name).exists() else None
    names = _spellings(parent, parent.stat().st_mtime_ns).get(composed(name), ())
    if len(names) > 1:
        raise SagesegError(
            f"{parent}: {names[0]!a} and {names[1]!a} are one name, its letters composed in two ways (Unicode NFD and "
            "NFC); remove or rename one"
        )
    return parent / names[0] if names else None


@cache
def _spellings(folder: Path, changed: int) -> dict[str, tuple[str, ...]]:  # noqa: ARG001  # a folder that changed
    """The names in a folder by their one spelling, as of its time of change."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.iterdir()):
        found[composed(path.name)] = (*found.get(composed(path.name), ()), path.name)
    return found


def check_first_bytes(first: bytes, path: Path, expected: str) -> None:
    """Raise SagesegError where the first four bytes of a file that is read by parts say that it is none such: it is
    empty, UTF-16 or UTF-32, or a ZIP archive."""
    if not first:
        raise SagesegError(f"{path}: the file is empty; expected {expected}")
    if marked := marked_encoding(first):
        raise SagesegError(
            f"{path}: {marked.upper()} text; expected {expected}: convert it with iconv -f {marked} -t utf-8"
        )
    if first.startswith(b"PK"):
        refuse_zip(path, expected)
