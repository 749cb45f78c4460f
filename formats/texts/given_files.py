"""Files as people give them: text that another program saved, and ZIP archives in the place of what lies in them."""

from __future__ import annotations

import shlex
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, getincrementaldecoder
from io import SEEK_END
from pathlib import Path
from typing import Any

from formats import limits
from formats.console import detail
from formats.errors import SagesegError
from formats.limits import read_within
from formats.safe_names import leads_out
from formats.texts.json_text import parse_json

_MARKS = {BOM_UTF32_LE: "utf-32", BOM_UTF32_BE: "utf-32", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}
"""The longer ones stand first: the one of UTF-32 begins as the one of UTF-16 does."""
_CONTINUATION = bytes(range(0x80, 0xC0))
"""What letters of several bytes go on with."""
_BEGINNING, _END, _END_64 = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06"
_END_ROOM = 2**16 + 256
"""The end of an archive lies in so many bytes: it may have a comment of 65,535."""
_IN_END_64 = 2**32 - 1


class ArchiveError(SagesegError):
    """A ZIP archive was given; the message says what to do with it, and nothing need be added."""


def read_text(path: Path, expected: str) -> str:
    """A file's text, as `decode_text` reads it. Raises SagesegError too where it is not there."""
    try:
        content = _small(path, expected)
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected {expected}") from e
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); expected {expected}") from e
    return decode_text(content, path, expected)


def read_json(path: Path, expected: str) -> Any:
    """A file's JSON. Raises OSError where it cannot be read, ValueError for what is no JSON, and SagesegError as
    `decode_text` does."""
    return parse_json(decode_text(_small(path, expected), path, expected))


def _small(path: Path, expected: str) -> bytes:
    content = read_within(path, limits.MOST_TEXT, f"expected {expected}: divide it into several files")
    detail(f"read {path}: {len(content):,} bytes")
    return content


def decode_text(content: bytes, path: Path, expected: str) -> str:
    """The text of a file, UTF-8 with or without the byte order mark that Windows' programs write. Raises SagesegError
    for another encoding, with the command that converts it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        refuse_zip(path, expected)
        raise SagesegError(f"{path}: not UTF-8 text; expected {expected}{_conversion(content)}") from e


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
    outside = next(filter(leads_out, _members(path)), None)
    if outside is not None:
        raise ArchiveError(
            f"{path}: a ZIP archive whose member {outside} lies outside of the folder that it is unpacked into; "
            "do not unpack it, ask whoever made it for one without"
        )


def _members(path: Path) -> list[str]:
    try:
        if (size := _directory_size(path)) > limits.MOST_DIRECTORY:
            raise ArchiveError(
                f"{path}: a ZIP archive whose list of members has {size:,} bytes, over {limits.MOST_DIRECTORY:,}; "
                "unpack it if you trust whoever made it"
            )
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as e:
        raise ArchiveError(f"{path}: a ZIP archive that cannot be read ({e}); get it again") from e


def _directory_size(path: Path) -> int:
    """Bytes of the list of members, which zipfile reads into memory, as the archive's end states it (PKWARE's APPNOTE
    6.3.10, 4.3.14 and 4.3.16); 0 where it states none, or more than there are."""
    with path.open("rb") as file:
        whole = file.seek(0, SEEK_END)
        file.seek(max(0, whole - _END_ROOM))
        end = file.read()
    at, at_64 = end.rfind(_END), end.rfind(_END_64)
    size = 0 if at < 0 else _number(end, at + 12, 4)
    if size == _IN_END_64 and at_64 >= 0:
        size = _number(end, at_64 + 40, 8)
    return size if size <= whole else 0


def _number(content: bytes, at: int, width: int) -> int:
    return int.from_bytes(content[at : at + width], "little")


def conversion(part: bytes) -> str:
    """How to make UTF-8 of a file of which this is a part; nothing where it is UTF-8, but for letters that its ends
    divide, or no text."""
    return "" if _is_utf_8(part.lstrip(_CONTINUATION)) else _conversion(part)


def marked_encoding(content: bytes) -> str:
    """`utf-16` or `utf-32` where the mark of its byte order stands first, else nothing."""
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")


def _conversion(content: bytes) -> str:
    if marked := marked_encoding(content):
        return f": convert it with iconv -f {marked} -t utf-8"
    if b"\0" in content:
        return ""
    return (
        ": if a program on Windows wrote it, convert it, Chinese with iconv -f gb18030 -t utf-8, Japanese with cp932, "
        "Korean with cp949 and western languages with cp1252 in that place"
    )


def _is_utf_8(content: bytes) -> bool:
    try:
        getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True
