"""The files that a reader was given, and their text."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from functools import cache
from pathlib import Path
from zipfile import is_zipfile

from formats.errors import SagesegError
from formats.prepared.image_folder import files_with
from formats.prepared.source_names import composed

_UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)


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
    if folder.is_file():
        kind = "a ZIP: unpack it and name the folder" if is_zipfile(folder) else "a file, and no folder"
        raise SagesegError(f"{folder}: {kind}; expected {expected}")
    if not folder.is_dir():
        raise SagesegError(f"{folder}: no such folder; expected {expected}")


def find_files(folder: Path, suffixes: frozenset[str], *, deep: bool = False) -> list[Path]:
    """`list_files` of a folder that may have none."""
    return files_with(folder, suffixes, deep=deep)


def find_spelled(path: Path) -> Path | None:
    """The path as it is on disk, whichever way the letters of its names are composed; None where it is not.

    Raises SagesegError where two names in a folder differ in that alone.
    """
    if path.name.isascii() and path.parent.is_dir():
        return path if path.exists() else None
    parent = path.parent if path.parent.is_dir() else find_spelled(path.parent)
    if parent is None:
        return None
    names = _spellings(parent, parent.stat().st_mtime_ns).get(composed(path.name), ())
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


def read_text(path: Path, expected: str) -> str:
    """A file's text, UTF-8 with or without a byte order mark."""
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected {expected}") from e
    except UnicodeDecodeError as e:
        raise SagesegError(f"{path}: not UTF-8 text; expected {expected}{_conversion(content)}") from e


def _conversion(content: bytes) -> str:
    """How to make UTF-8 of text in another encoding; nothing for what is no text."""
    if content.startswith(_UTF_16):
        return ": convert it with iconv -f utf-16 -t utf-8"
    if b"\0" in content:
        return ""
    return (
        ": if a program on Windows wrote it, convert it, Chinese with iconv -f gb18030 -t utf-8, Japanese with cp932, "
        "Korean with cp949 and western languages with cp1252 in that place"
    )
